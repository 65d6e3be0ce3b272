#pragma once
#include <string_view>

namespace hostsplit {

/// Without blanks and carriage returns at either end.
inline std::string_view trimmed(std::string_view text) {
  constexpr auto blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

}  // namespace hostsplit
