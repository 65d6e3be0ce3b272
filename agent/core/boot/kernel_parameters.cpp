#include "core/boot/kernel_parameters.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace hostsplit {

std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\n";
  std::vector<std::string_view> words;
  for (auto begin = line.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(blanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(blanks, end);
  }
  return words;
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

bool has_word(std::string_view line, std::string_view word) {
  const auto words = words_of(line);
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace hostsplit
