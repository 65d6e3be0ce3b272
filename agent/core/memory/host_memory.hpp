#pragma once
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// Whether what huge pages leave is enough for everything else: guests with ordinary memory that start with the host,
/// and containers, beside `keep_free`, and on each node those that are bound to it (`guests-do-not-fit`); and the ZFS
/// ARC, which may grow to zfs_arc_max beside these guests (`zfs-arc-max`, OpenZFS module parameters). Nodes without
/// memory have no floor.
/// \param reserved  pages that are or will be reserved, besides those that are there
std::vector<Finding> check_host_memory(const Snapshot& snapshot, const Config& config,
                                       const std::vector<Reservation>& reserved);

/// Whether ZFS goes by a zfs_arc_max, or by a maximum of its own (arc_init()). \param memory  of the machine
inline bool zfs_heeds(Kib most, Kib memory) {
  return most >= 64 * kib_per_mib && most < memory;
}

}  // namespace hostsplit
