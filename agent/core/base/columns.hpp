#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// The characters of a text as a terminal shows them: each with the marks that are put over it.
/// \pre `text` is printable()
std::vector<std::string_view> characters(std::string_view text);

/// The beginning of a text in at most `width` columns; where something is left out, an ellipsis takes the last one.
std::string cut_to(std::string_view text, std::size_t width);

/// Lines of at most `width` columns, parted at blanks; a longer word is parted between characters, and a character that
/// is wider stands alone. At least one line. \pre width > 0, `text` is printable()
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace hostsplit
