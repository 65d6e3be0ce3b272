#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/boot/kernel_parameters.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"

/// /etc/kernel/cmdline, from which proxmox-boot-tool makes the entries of systemd-boot. Its first line is the kernel
/// command line and must name root=. The file is the owner's: hostsplit takes out of that line what it put in and puts
/// in what is wanted now; everything else stays as it is.
namespace hostsplit {

/// The running kernel was started by GRUB.
bool started_by_grub(const Snapshot& snapshot);
/// It was started by the systemd-boot of proxmox-boot-tool, which names the initramfs as firmware names files. Where
/// both are false, nobody can tell.
bool started_by_systemd_boot(const Snapshot& snapshot);

/// What hostsplit has in a line: what stands in front of the owner's parameters, and behind them.
using PutIn = EditMade;
PutIn put_in_for(const std::string& owners_line, const std::vector<KernelParameter>& words);

/// The same, read back from a kernel hook that hostsplit wrote (config/systemd-boot/kernel-hook).
PutIn put_in_by_hook(std::string_view hook);

/// A line without what was put in. Exact: the parameters in front are taken out where they stand together; those
/// behind each by itself, from the end.
struct WithoutOurs {
  std::string line;
  std::vector<std::string> left;  ///< parameters in front that somebody changed or tore apart: they are still in it
};
WithoutOurs without_ours(std::string_view line, const PutIn& ours);
std::string with_ours(std::string_view owners_line, const PutIn& ours);

/// What the file came to be.
struct CmdlineFile {
  std::optional<FileNow> now;  ///< empty: it does not exist
  std::string owners_line;     ///< without what hostsplit put in; made from the running kernel's where there is no file
  PutIn ours;                  ///< what stands in it of hostsplit
  std::vector<std::string> left;  ///< as of WithoutOurs
  bool by_grub = false;           ///< the running kernel was started by GRUB, which does not read this file
};
CmdlineFile read_cmdline_file(const Snapshot& snapshot, const Baseline& baseline);

/// Why a line cannot become the first of that file: it has no root=, is a comment, or has parameters that were meant
/// for one boot (`kernel-cmdline-refused`); or hostsplit's own were changed in it. Empty: it can.
std::vector<Finding> check_cmdline(const CmdlineFile& file);

/// The content with another first line; lines behind it stay.
std::string with_first_line(std::string_view content, const std::string& line);
std::string first_line(std::string_view content);

/// What the running kernel was given, without what the boot loader adds by itself and without what is hostsplit's.
/// Where GRUB has started it, what was meant for one boot is left out, too: its settings tell what that is.
std::string running_line(const Snapshot& snapshot, const PutIn& ours);

}  // namespace hostsplit
