#pragma once
#include <string>
#include <string_view>

namespace hostsplit {

/// The text with every byte that is no part of valid UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

/// The same for one line of a terminal: control characters, line ends among them, and characters that reorder text
/// become U+FFFD too. Names of devices and processes are written by others and may hold anything.
std::string printable(std::string_view text);
/// The first line, printable and without blanks around it: what a program that failed has to say.
std::string first_printable_line(std::string_view text);

}  // namespace hostsplit
