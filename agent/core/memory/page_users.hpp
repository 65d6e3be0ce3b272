#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"

/// Who uses huge pages beside the VMs of the configuration.
namespace hostsplit {

/// True for a VM whose pages hostsplit reserves. One that is in the configuration for its CPUs or controllers alone has
/// those that Proxmox VE gives it.
bool has_reserved_pages(const Config& config, int vm);

/// "VM 101, VM 102"
std::string vms_text(const std::vector<int>& vms);

/// What it has of one pool when the host is up and its guests have started.
std::uint64_t pages_once_up(const PageUser& user, const PoolKey& key);

/// Reservations with the pages of everybody else: VMs of Proxmox VE whose pages hostsplit does not reserve and that
/// run, start with the host, or have their pages lying ready; what other processes hold, what is in use by whom was not
/// found, and what the kernel has promised (PagePool::promised). A pool that no VM of the configuration uses is
/// nobody's affair and is not in it. Where nobody looked (Snapshot::memory_users), others are those of `applied`.
std::vector<Reservation> with_others(std::vector<Reservation> wanted, const Config& config, const Snapshot& snapshot,
                                     const std::optional<BootPlan>& applied);

/// Who the others are, in words (`pages-of-others`), and whose start takes pages that nobody counts.
std::vector<Finding> note_others(const std::vector<Reservation>& wanted, const Snapshot& snapshot);

/// Pages of a pool beyond those that are there.
struct PagesToCome {
  std::uint64_t pages = 0;
  std::vector<std::string> who;  ///< VMs that need them, in words
};
/// What pools that `wanted` says nothing of grow by when the host is up: Proxmox VE adds what a VM lacks. Counted are
/// VMs without a share in `wanted` that run or start with the host, and what processes hold.
std::map<PoolKey, PagesToCome> pages_to_come(const Snapshot& snapshot, const std::vector<Reservation>& wanted);

/// Promised pages that may be on a node, without those that VMs fill which have just been started: these are counted
/// with the VM.
std::uint64_t promised_to_others(const Snapshot& snapshot, const PoolKey& key);

/// True when no other node has pages of that size: what the kernel says of all nodes is about this one.
bool is_only_pool(const std::map<int, NumaNode>& nodes, const PoolKey& key);

/// Free pages that nobody has been promised. Where several nodes have pages of that size nobody knows on which the
/// promised ones are: none are subtracted.
std::uint64_t free_and_unpromised(const std::map<int, NumaNode>& nodes, const PoolKey& key);

}  // namespace hostsplit
