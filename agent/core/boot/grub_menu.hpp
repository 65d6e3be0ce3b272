#pragma once
#include <cstddef>
#include <string_view>

namespace hostsplit {

/// How GRUB itself reads a line of its menu (grub-core/script/yylex.l). 10_linux writes the settings of the kernel
/// command line there without quotes.
struct MenuReading {
  /// Where the command ends: at a word that begins with "#", which makes the rest a comment, or at a character that
  /// ends commands. The length of the line where nothing does.
  std::size_t end = 0;
  bool comment = false;  ///< it ends at a comment
  /// False where more than the text of the line decides: a variable, a character that is for commands, or a quote that
  /// stays open.
  bool known = true;
};
MenuReading read_as_grub(std::string_view line);

/// The part of it that GRUB gives to the command, without blanks behind it where something was cut off.
std::string_view given_by_grub(std::string_view line);

}  // namespace hostsplit
