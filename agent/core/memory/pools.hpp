#pragma once
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/memory/page_users.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// Pages per node and size that the VMs of a configuration add up to. \pre check_against_machine() passed.
std::vector<Reservation> wanted_pages(const Config& config);

/// How many pages can come now where that is fewer than the steps ask for, and what keeps the rest back
/// (`pages-not-now`). \param after_reboot  the kernel takes them at the next boot
std::vector<Finding> check_pages_now(const Snapshot& snapshot, const std::vector<Step>& steps, bool after_reboot);

/// What does not fit: a page size the node lacks (`page-size-unsupported`), or less left on a node than the host
/// floor (`pages-over-floor`, saying how many pages would fit), also with pages_to_come(). Reservations without VMs are
/// a trial: what is to come is the caller's affair.
std::vector<Finding> check_pages(const Snapshot& snapshot, const std::vector<Reservation>& wanted, Kib keep_free);

/// Steps from the pools of the snapshot to `wanted`; pools hostsplit changed earlier and nobody wants any more return
/// to their baseline. Pages in use are never taken away: the step then ends at the used count, with a finding.
std::vector<Step> page_steps(const Snapshot& snapshot, const std::vector<Reservation>& wanted, Kib keep_free,
                             const Baseline& baseline, std::vector<Finding>& findings);

/// Steps that return every pool of the baseline that is larger than before, whole: pages that a VM still uses become
/// surplus, which the kernel takes back when the VM ends (Documentation/admin-guide/mm/hugetlbpage.rst). Until then
/// `pages-in-use` names them.
std::vector<Step> return_pages(const Snapshot& snapshot, const Baseline& baseline, std::vector<Finding>& findings);

/// True while the pool has more pages than before, be they surplus.
bool is_larger_than_before(const Snapshot& snapshot, const PoolBefore& before);

/// Steps at boot, when no VM runs yet: pools the kernel command line made too large shrink, too small ones grow. On a
/// node that has become smaller since, they shrink to what its floor leaves.
std::vector<Step> boot_page_steps(const Snapshot& snapshot, const BootPlan& applied);

/// VMs that find no room in a pool of `pages`, ascending: those with lower numbers get theirs first.
std::vector<int> without_room(const std::map<int, std::uint64_t>& shares, std::uint64_t pages);

/// Largest pool that leaves `keep_free` to the host right now, at most `wanted`, at least what is there already:
/// the clamp applied when acting. `available` is MemFree plus what a reservation may push out, in KiB.
std::uint64_t clamp_to_floor(std::uint64_t wanted, std::uint64_t current, Kib page_size, Kib available, Kib keep_free);

/// Persistent pages: the kernel's count without surplus (Documentation/admin-guide/mm/hugetlbpage.rst).
inline std::uint64_t persistent(const PagePool& pool) {
  return pool.total - std::min(pool.surplus, pool.total);
}

}  // namespace hostsplit
