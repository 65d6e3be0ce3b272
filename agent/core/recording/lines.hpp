#pragma once
#include <string>
#include <string_view>

#include "core/base/text.hpp"

namespace hostsplit {

/// Calls `use` with each line, without its end.
template <class Use>
void for_lines(std::string_view text, Use use) {
  while (!text.empty()) use(cut(text, '\n'));
}

/// The text with each line replaced by what `change` makes of it; line ends stay.
template <class Change>
std::string changed_lines(std::string_view text, Change change) {
  std::string result;
  while (!text.empty()) {
    const bool ended = text.find('\n') != std::string_view::npos;
    result += change(cut(text, '\n'));
    if (ended) result += '\n';
  }
  return result;
}

}  // namespace hostsplit
