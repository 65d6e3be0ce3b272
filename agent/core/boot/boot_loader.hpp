#pragma once
#include <string>
#include <vector>

#include "core/boot/huge_page_parameters.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/state/config.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// What passthrough needs: the IOMMU switched on where the kernel leaves it off by itself (Intel before 6.8; AMD is
/// on). A word that was put there stays wanted, because with it nobody can tell any more whether it is needed.
std::vector<KernelParameter> iommu_words(const Snapshot& snapshot);
/// These, and iommu=pt where the configuration wants it and nobody else has put it there
/// (Documentation/admin-guide/kernel-parameters.txt).
std::vector<KernelParameter> wanted_words(const Snapshot& snapshot, const Config& config);

/// proxmox-boot-tool keeps kernels on partitions that systemd-boot or GRUB starts from; which, only those tell.
bool maybe_systemd_boot(const BootTools& boot);

/// The kernel command line as the owner has it: what one boot loader would give to the kernel without hostsplit.
struct OwnersLine {
  std::string loader;  ///< "GRUB" or "systemd-boot"
  std::string linux;   ///< with GRUB: GRUB_CMDLINE_LINUX, which comes first
  std::string rest;
  std::vector<std::string> not_understood = {};  ///< as of GrubSettings
  std::vector<SettingsFile> files = {};          ///< with GRUB: where it comes from, without hostsplit's own file
  /// False: another boot loader started the host, so no boot reads this; what it has of the owner is nobody's.
  bool starts = true;

  std::string line() const;
  /// With hostsplit's parameters, as boot_loader_steps() puts them there. With GRUB what follows hostsplit's file has
  /// its say, too: it may put something in front, or set a variable anew.
  std::string with(const std::vector<KernelParameter>& words) const;
};
/// One for each boot loader whose settings could be read.
std::vector<OwnersLine> owners_lines(const Snapshot& snapshot, const Baseline& baseline);

/// A kernel command line of the next boot, as a plan changes it.
struct LineChange {
  std::string loader;         ///< "GRUB" or "systemd-boot"
  std::string before, after;  ///< without what the boot loader adds by itself
  std::string without;        ///< of the menu entry without hostsplit: the owner's line
  /// What the kernel makes of them: read_huge_pages().
  std::vector<CommandLinePages> pages_before = {}, pages_after = {};
  bool operator==(const LineChange&) const = default;
};

/// Steps that bring words and a menu entry without them into the boot loader: GRUB, proxmox-boot-tool, or both.
struct BootLoaderSteps {
  std::vector<Step> files;
  std::vector<Step> refresh;      ///< at most one; it takes effect with the next boot
  std::vector<Finding> findings;  ///< `boot-loader-unknown`, those of check_line_ends(), and of check_cmdline(), which
                                  ///< forbid the plan
  std::vector<LineChange> lines;  ///< only those that change
};
/// \param entry  a menu entry that boots without hostsplit is wanted even without words. Without words and entry the
///               steps lead back to the baseline.
BootLoaderSteps boot_loader_steps(const Snapshot& snapshot, const std::vector<KernelParameter>& words, bool entry,
                                  const Baseline& baseline);

/// Parameters that were put into the boot loader and are not on the command line of the running kernel.
std::vector<std::string> waiting_words(const Snapshot& snapshot, const std::vector<KernelParameter>& words);

}  // namespace hostsplit
