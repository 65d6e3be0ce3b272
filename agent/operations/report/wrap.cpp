#include "operations/report/wrap.hpp"

#include <algorithm>

#include "core/base/utf8.hpp"

namespace hostsplit {
namespace {

/// Bytes of the colour code or the character that the text begins with.
std::size_t piece(std::string_view text) {
  if (text.front() == '\033') return std::min(text.find('m'), text.size() - 1) + 1;
  return first_character(text);
}

/// Builds lines; knows which colour is on.
class Lines {
 public:
  Lines(std::size_t first, std::size_t width) : width_(first), next_width_(width) {}

  bool has_room(std::size_t more) const { return used_ + more <= width_; }
  bool at_start() const { return used_ == 0; }
  void add(std::string_view text) {
    line_ += text;
    used_ += display_width(text);
    for (; !text.empty(); text.remove_prefix(piece(text)))
      if (text.front() == '\033') colour_ = text.starts_with("\033[0m") ? "" : std::string(text.substr(0, piece(text)));
  }
  void end_line() {
    if (!colour_.empty()) line_ += "\033[0m";
    lines_.push_back(std::move(line_));
    line_ = colour_;
    used_ = 0;
    width_ = next_width_;
  }
  std::vector<std::string> done() {
    lines_.push_back(std::move(line_));
    return std::move(lines_);
  }

 private:
  std::size_t width_, next_width_, used_ = 0;
  std::string line_, colour_;
  std::vector<std::string> lines_;
};

bool wide(std::string_view character) {
  return display_width(character) == 2;
}

/// Adds a word character by character, with a new line where one is full and may be parted.
void add_parted(std::string_view word, bool parts_words, Lines& lines) {
  bool before_wide = false;
  while (!word.empty()) {
    const auto next = word.substr(0, piece(word));
    const bool may = parts_words || wide(next) || before_wide;
    if (may && !lines.at_start() && !lines.has_room(display_width(next))) lines.end_line();
    lines.add(next);
    before_wide = wide(next);
    word.remove_prefix(next.size());
  }
}

/// Blanks that a line begins with, and a number like "12. " behind them.
std::size_t mark_of(std::string_view line) {
  const auto begin = std::min(line.find_first_not_of(' '), line.size());
  const auto digits = std::min(line.find_first_not_of("0123456789", begin), line.size());
  return digits > begin && line.substr(digits).starts_with(". ") ? digits + 2 : begin;
}

}  // namespace

std::vector<std::string> broken(std::string_view line, std::size_t width, bool parts_words, std::size_t first) {
  Lines lines(std::max<std::size_t>(first == 0 ? width : first, 1), std::max<std::size_t>(width, 1));
  std::string_view blanks;
  while (!line.empty()) {
    const auto word = line.substr(0, line.find(' '));
    if (!lines.at_start() && !lines.has_room(blanks.size() + display_width(word)))
      lines.end_line();
    else
      lines.add(blanks);
    add_parted(word, parts_words, lines);
    line.remove_prefix(word.size());
    blanks = line.substr(0, std::min(line.find_first_not_of(' '), line.size()));
    line.remove_prefix(blanks.size());
  }
  return lines.done();
}

std::string fit(const std::string& text, std::size_t width) {
  if (width == 0) return text;
  std::string fitted;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    const auto line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const char* const newline = end == std::string_view::npos ? "" : "\n";
    if (display_width(line) <= width) {
      fitted += std::string(line) + newline;
      continue;
    }
    const auto mark = mark_of(line);
    const auto begin = std::min(line.find_first_not_of(' '), line.size());
    const auto hang = std::min(mark > begin ? mark : begin + 2, width / 2);
    const auto parts = broken(line.substr(begin), width - hang, false, width - std::min(begin, width - 1));
    for (std::size_t i = 0; i < parts.size(); ++i)
      fitted += std::string(i == 0 ? begin : hang, ' ') + parts[i] + (i + 1 < parts.size() ? "\n" : newline);
  }
  return fitted;
}

}  // namespace hostsplit
