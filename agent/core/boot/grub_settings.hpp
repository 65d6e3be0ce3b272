#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// What /etc/default/grub and /etc/default/grub.d/*.cfg come to, as grub-mkconfig sources them.
struct GrubSettings {
  std::string linux;          ///< GRUB_CMDLINE_LINUX
  std::string linux_default;  ///< GRUB_CMDLINE_LINUX_DEFAULT
  std::vector<std::string> not_understood =
      {};  ///< "file:line" that set one of the two in a way only a shell can follow
  bool operator==(const GrubSettings&) const = default;

  /// What 10_linux writes into an ordinary entry, behind root= and ro: the second comes last.
  std::string written() const;
  /// What of it GRUB gives to the kernel: given_by_grub().
  std::string line() const;
};

/// Assignments with quotes, `$NAME` and `${NAME}` are followed; everything else that touches one of the two variables
/// is not_understood: assignments below `if` and the like, files that are sourced, a value with a line break, and `+=`,
/// which the shell of Debian (dash) takes for a command, so that update-grub stops there. So is a value made of another
/// variable that a line sets which is not followed, and a value that has a meaning for GRUB itself (read_as_grub()).
GrubSettings read_grub_settings(const std::vector<SettingsFile>& files);

/// Files with the line ends of Windows (`grub-carriage-return`).
/// \param update_grub  the boot menu cannot be made without that program, which stops at an empty line of such a file
std::vector<Finding> check_line_ends(const std::vector<SettingsFile>& files, bool update_grub);

/// What GRUB takes for a comment, or for the end of the command, in the settings as they are: the kernel does not get
/// what stands behind (`grub-line-cut`).
std::vector<Finding> check_menu_line(const GrubSettings& owners);

/// The same files with one replaced, put where the shell would sort it, or taken out (empty content).
std::vector<SettingsFile> with_file(std::vector<SettingsFile> files, const SettingsFile& changed);

}  // namespace hostsplit
