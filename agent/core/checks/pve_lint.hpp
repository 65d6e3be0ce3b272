#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// True when a VM's start makes Proxmox VE trim the pool.
bool trims_pool(const PveVm& vm);
/// The page sizes whose pools its start trims: those it takes pages of (PVE::QemuServer::Memory, hugepages_reset). None
/// for a template.
std::set<Kib> sizes_trimmed(const PveVm& vm, const std::map<int, NumaNode>& nodes);

/// What stands in the way of reserved pages staying reserved and of VMs starting from them, with the `qm set` line that
/// mends it as the remedy. Codes: `pve-trims-pool`, `pve-numa-off`, `pve-numa-node`, `pve-memory-differs`,
/// `pve-memory-multiple`, `pve-no-hugepages`, `pve-page-size`, `pve-balloon`, `pve-hotplug-memory`, `pve-hotplug-numa`,
/// `pve-affinity`, `pve-numa-cpus`, `pve-no-start`, `pve-isolated-cpus`, `pve-start-order`, `pve-pending`,
/// `pve-locked`, `pve-vm-unknown`, `pve-unknown`.
/// VMs are judged as they will be at their next start. One line mends all that a VM has; it is printed once, and only
/// if the model of a start finds it clean (fix_for()); otherwise the reason is.
/// \param config what hostsplit is to keep; VMs outside of it are only looked at where they can harm it
/// \param reserved  what is or will be reserved, pages of others included
std::vector<Finding> lint_pve(const PveConfigs& pve, const Config& config, const Snapshot& snapshot,
                              const std::vector<Reservation>& reserved);

}  // namespace hostsplit
