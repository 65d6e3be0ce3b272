#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace hostsplit {

/// True for a name as people write them, in any language: letters, their marks and digits of Unicode, and between them
/// single blanks, '.', '_' and '-'. No control characters, nothing that turns the direction of writing, no broken
/// UTF-8.
/// \param most  how many characters (code points) it may have
bool is_name(std::string_view text, std::size_t most);

/// Bytes of the first character (code point), those that continue it included; at least 1. \pre the text is not empty
std::size_t first_character(std::string_view text);

/// Columns the text takes on a terminal (UAX #11: wide characters take two). Colours, "\033[1m", take none.
std::size_t display_width(std::string_view text);

/// The word as it is typed in a POSIX shell: in quotes if it has blanks.
std::string shell_word(const std::string& word);

}  // namespace hostsplit
