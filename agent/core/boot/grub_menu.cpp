#include "core/boot/grub_menu.hpp"

#include <algorithm>

namespace hostsplit {

MenuReading read_as_grub(std::string_view line) {
  MenuReading reading{line.size(), false, true};
  char quote = '\0';
  bool word = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (quote == '\'') {
      continue;
    } else if (c == '\\') {
      ++i;
      word = true;
      if (i == line.size()) reading.known = false;  // the next line of the menu goes on here
    } else if (c == '$') {
      reading.known = false;
      word = true;
      if (line.substr(i).starts_with("${")) i = std::min(line.find('}', i), line.size() - 1);
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
      word = true;
    } else if (quote == '\0' && c == '#' && !word) {
      return {i, true, reading.known};
    } else if (quote == '\0' && std::string_view(";&|<>{}").find(c) != std::string_view::npos) {
      return {i, false, false};
    } else if (quote == '\0') {
      word = c != ' ' && c != '\t';
    }
  }
  reading.known = reading.known && quote == '\0';
  return reading;
}

std::string_view given_by_grub(std::string_view line) {
  const auto end = read_as_grub(line).end;
  if (end == line.size()) return line;
  const auto last = line.substr(0, end).find_last_not_of(" \t");
  return line.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace hostsplit
