#pragma once
#include <string>
#include <vector>

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

/// Steps that bring words and a menu entry without them into the boot loader: GRUB, proxmox-boot-tool, or both.
struct BootLoaderSteps {
  std::vector<Step> files;
  std::vector<Step> refresh;  ///< at most one; it takes effect with the next boot
  std::vector<Finding> findings;
};
/// \param entry  a menu entry that boots without hostsplit is wanted even without words. Without words and entry the
///               steps lead back to the baseline.
BootLoaderSteps boot_loader_steps(const Snapshot& snapshot, const std::vector<KernelParameter>& words, bool entry,
                                  const Baseline& baseline);

/// Words that were put into the boot loader and are not on the command line of the running kernel.
std::vector<std::string> waiting_words(const Snapshot& snapshot, const std::vector<KernelParameter>& words);

/// The first line of /etc/kernel/cmdline with what is missing of `words` behind it, or before it where that is said;
/// other lines are dropped by proxmox-boot-tool as well.
std::string with_words(const std::string& line, const std::vector<KernelParameter>& words);

}  // namespace hostsplit
