#include "core/base/columns.hpp"

#include "core/base/utf8.hpp"

namespace hostsplit {
namespace {

constexpr std::string_view ellipsis = "…";

/// Takes as much off the front as fits.
std::string_view take(std::string_view& text, std::size_t width) {
  std::size_t bytes = 0, columns = 0;
  for (const auto character : characters(text)) {
    const auto more = display_width(character);
    if (bytes != 0 && columns + more > width) break;
    columns += more;
    bytes += character.size();
  }
  const auto taken = text.substr(0, bytes);
  text.remove_prefix(bytes);
  return taken;
}

}  // namespace

std::vector<std::string_view> characters(std::string_view text) {
  std::vector<std::string_view> list;
  while (!text.empty()) {
    const auto length = first_character(text);
    const auto one = text.substr(0, length);
    if (!list.empty() && display_width(one) == 0)
      list.back() = {list.back().data(), list.back().size() + length};
    else
      list.push_back(one);
    text.remove_prefix(length);
  }
  return list;
}

std::string cut_to(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string cut;
  std::size_t columns = 0;
  for (const auto character : characters(text)) {
    columns += display_width(character);
    if (columns > width - 1) break;
    cut += character;
  }
  return cut.append(ellipsis);
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines(1);
  while (!text.empty()) {
    auto word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (word.empty()) continue;
    const auto used = display_width(lines.back());
    if (used != 0 && used + 1 + display_width(word) <= width) {
      lines.back().append(" ").append(word);
      continue;
    }
    if (used != 0) lines.emplace_back();
    while (display_width(word) > width) {
      lines.back() = take(word, width);
      if (!word.empty()) lines.emplace_back();
    }
    if (!word.empty()) lines.back() = word;
  }
  return lines;
}

}  // namespace hostsplit
