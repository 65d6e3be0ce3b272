#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// Without blanks and carriage returns at either end.
inline std::string_view trimmed(std::string_view text) {
  constexpr auto blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// ASCII letters in lower case.
std::string lowered(std::string_view text);
/// "-" and "_" are the same in names of modules and of kernel parameters (kernel/params.c, parameq).
std::string with_underscores(std::string_view name);

/// Cuts off what stands before `separator`, and the separator with it; the whole text when there is none.
inline std::string_view cut(std::string_view& text, char separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

/// Identifies texts: 16 hex digits, the same in every process and version. Against accidents, not against malice.
std::string stamp_of(const std::vector<std::string_view>& texts);

}  // namespace hostsplit
