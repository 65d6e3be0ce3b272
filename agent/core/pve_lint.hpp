#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/boot_plan.hpp"
#include "core/config.hpp"
#include "core/finding.hpp"
#include "core/pve.hpp"
#include "core/snapshot.hpp"

namespace hostsplit {

/// The number of huge pages of one size that Proxmox VE reads from the kernel command line, and to which it trims the
/// global pool after the start of a VM without `keephugepages: 1` (PVE::QemuServer::Memory). It understands less than
/// the kernel: only the words `hugepagesz=1G`, `hugepagesz=2M` and, for the size last named, `hugepages=` with digits
/// alone; the first such word counts, without one it is 0.
std::uint64_t pages_pve_reads(std::string_view command_line, Kib page_size);

/// True when a VM's start makes Proxmox VE trim the pool.
bool trims_pool(const PveVm& vm);

/// What stands in the way of reserved pages staying reserved and of VMs starting from them, with the `qm set` line that
/// mends it as the remedy. Codes: `pve-trims-pool`, `pve-numa-off`, `pve-numa-node`, `pve-memory-differs`,
/// `pve-memory-multiple`, `pve-no-hugepages`, `pve-page-size`, `pve-balloon`, `pve-hotplug-memory`, `pve-affinity`,
/// `pve-start-order`, `pve-pending`, `pve-locked`, `pve-vm-unknown`, `pve-unknown`.
/// \param config what hostsplit is to keep; VMs outside of it are only looked at where they can harm it
std::vector<Finding> lint_pve(const PveConfigs& pve, const Config& config, const Snapshot& snapshot);

}  // namespace hostsplit
