#pragma once
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Fills in Snapshot::memory_users: VMs of Proxmox VE with huge pages and what they hold, other processes that hold
/// some (HugetlbPages in /proc/PID/status), pages that are in use and in no process (files of a hugetlbfs, or
/// PageUser::unknown()), and guests with ordinary memory. What cannot be read holds nothing.
/// Goes through all processes: not for the loop of the service.
void read_memory_users(const Root& root, const PveConfigs& pve, Snapshot& snapshot);

}  // namespace hostsplit
