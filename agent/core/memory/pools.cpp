#include "core/memory/pools.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace hostsplit {
namespace {

/// Aligned gibibytes that are never a page of 1 GiB: the first one holds what firmware and kernel keep below 1 MiB, and
/// the hole for PCI below 4 GiB leaves a broken one at its edge; any other node loses one to its own bookkeeping.
std::uint64_t broken_gibibytes(int node) {
  return node == 0 ? 2 : 1;
}

Finding too_many_gibibytes(const NumaNode& node, const Reservation& item) {
  const std::uint64_t whole = node.memory / kib_per_gib, broken = broken_gibibytes(node.id);
  return {"pages-in-holes", Severity::warning, fmt::format("node {}", node.id),
          fmt::format("{} pages of 1 GiB are wanted; of its {} whole gibibytes, {} can never be a page", item.pages,
                      whole, broken),
          fmt::format("Count on {} pages there, or write page_size = \"2MiB\" for {}",
                      whole > broken ? whole - broken : 0, vms_text(item.vms))};
}

std::uint64_t sum_of(const std::map<int, std::uint64_t>& pages) {
  std::uint64_t sum = 0;
  for (const auto& [vm, count] : pages) sum += count;
  return sum;
}

/// What one node is to give.
struct NodeDemand {
  Kib reserved = 0;                 ///< with pools that stay as they are
  Reservation biggest;              ///< of those of the configuration
  std::vector<std::string> others;  ///< "44 GiB of VM 115", within `reserved`
};

Finding over_floor(const NumaNode& node, Kib keep_free, const NodeDemand& demand) {
  const Reservation& biggest = demand.biggest;
  const std::uint64_t own = biggest.pages - std::min(biggest.pages, sum_of(biggest.others));
  const Kib others = demand.reserved - own * biggest.page_size;
  const Kib room = node.memory > keep_free + others ? node.memory - keep_free - others : 0;
  std::string also, beside;
  if (!demand.others.empty()) {
    beside = fmt::format(" beside {}", fmt::join(demand.others, ", "));
    also = fmt::format(" and others ({})", fmt::join(demand.others, ", "));
  }
  return {"pages-over-floor", Severity::error, fmt::format("node {}", node.id),
          fmt::format("{} are to be reserved for {}{}, but the node has {} and the host keeps {} of it",
                      format_size(demand.reserved), vms_text(biggest.vms), also, format_size(node.memory),
                      format_size(keep_free)),
          fmt::format("At most {} pages of {} fit here{}: lower memory of {}, or host.keep_free",
                      room / biggest.page_size, format_size(biggest.page_size), beside, vms_text(biggest.vms))};
}

/// \param wanted for whom; nullptr when nobody wants them any more
Step reserve_step(const PagePool& pool, int node, std::uint64_t to, Kib keep_free, const Reservation* wanted,
                  std::string reason) {
  Reserve reserve{node, pool.page_size, persistent(pool), to, keep_free, {}, {}};
  if (wanted) {
    reserve.vms = wanted->vms;
    reserve.shares = wanted->shares;
    reserve.others = sum_of(wanted->others);
  }
  return {fmt::format("pages node{} {}", node, format_size(pool.page_size)), std::move(reserve), std::move(reason)};
}

/// A key of Reservation::others.
std::string other_text(int vm) {
  return vm == 0 ? "other processes" : fmt::format("VM {}", vm);
}

std::string purpose(const Reservation& item) {
  const std::uint64_t others = sum_of(item.others);
  std::vector<std::string> names;
  for (const auto& [vm, pages] : item.others) names.push_back(other_text(vm));
  const std::uint64_t own = item.pages - std::min(item.pages, others);
  const auto text = fmt::format("{} of memory for {}", format_size(own * item.page_size), vms_text(item.vms));
  return others == 0 ? text : fmt::format("{}, and {} pages for {}", text, others, fmt::join(names, ", "));
}

/// The lowest count that takes no page from a running process.
std::uint64_t keep_used(const Snapshot& snapshot, const PoolKey& key, std::uint64_t target,
                        std::vector<Finding>& findings) {
  const PagePool& pool = *pool_of(snapshot.nodes, key);
  const std::uint64_t promised = promised_to_others(snapshot, key);
  const std::uint64_t used = pool.total - std::min(pool.free, pool.total) + promised;
  if (target >= used) return target;
  findings.push_back(
      {"pages-in-use", Severity::warning, fmt::format("node {}", key.node),
       fmt::format("{} pages of {} are in use{}, so the pool cannot shrink to {} yet", used, format_size(key.page_size),
                   promised == 0 ? "" : fmt::format(" or promised ({}, resv_hugepages)", promised), target),
       "Shut the VM that uses them down, then run hostsplit apply again"});
  return used;
}

}  // namespace

std::vector<Reservation> wanted_pages(const Config& config) {
  std::map<std::pair<int, Kib>, Reservation> sums;
  for (const auto& [id, vm] : config.vms) {
    for (const auto& [node, memory] : memory_by_node(vm)) {
      Reservation& sum = sums[{node, vm.page_size}];
      sum.node = node;
      sum.page_size = vm.page_size;
      sum.pages += memory / vm.page_size;
      sum.shares[id] = memory / vm.page_size;
      sum.vms.push_back(id);
    }
  }
  std::vector<Reservation> wanted;
  for (auto& [key, sum] : sums) wanted.push_back(std::move(sum));
  return wanted;
}

namespace {

std::string zfs_text(const Snapshot& snapshot) {
  if (!snapshot.zfs_cache) return "";
  return fmt::format("; the ZFS ARC holds {:.1f} GiB of this machine and gives them back slowly",
                     static_cast<double>(snapshot.zfs_cache->size) / kib_per_gib);
}

}  // namespace

std::vector<Finding> check_pages_now(const Snapshot& snapshot, const std::vector<Step>& steps, bool after_reboot) {
  std::vector<Finding> findings;
  std::map<int, Kib> returned;
  for (const auto& step : steps) {
    const auto* reserve = std::get_if<Reserve>(&step.action);
    const auto node = reserve ? snapshot.nodes.find(reserve->node) : snapshot.nodes.end();
    if (node == snapshot.nodes.end()) continue;
    Kib& back = returned[reserve->node];
    if (reserve->to < reserve->from) {
      back += (reserve->from - reserve->to) * reserve->page_size;
      continue;
    }
    const Kib available = node->second.free + node->second.reclaimable + back;
    const auto now = clamp_to_floor(reserve->to, reserve->from, reserve->page_size, available, reserve->keep_free);
    back -= std::min(back, (now - reserve->from) * reserve->page_size);
    if (now == reserve->to) continue;
    findings.push_back(
        {"pages-not-now", Severity::warning, fmt::format("node {}", reserve->node),
         fmt::format("at most {} of {} pages of {} can come now: {} are free{}{}", now, reserve->to,
                     format_size(reserve->page_size), format_size(available / kib_per_mib * kib_per_mib),
                     reserve->keep_free == 0
                         ? ""
                         : fmt::format(", of which {} stay with the host", format_size(reserve->keep_free)),
                     zfs_text(snapshot)),
         after_reboot
             ? fmt::format("All {} come with the reboot; until then VMs that need more do not start", reserve->to)
             : "Shut down what uses memory on that node, or reboot after hostsplit apply: right after the boot "
               "more of it is free"});
  }
  return findings;
}

std::vector<Finding> check_pages(const Snapshot& snapshot, const std::vector<Reservation>& wanted, Kib keep_free) {
  std::vector<Finding> findings;
  std::map<int, NodeDemand> demands;
  for (const auto& item : wanted) {
    const PagePool* pool = pool_of(snapshot.nodes, {item.node, item.page_size});
    if (!pool) {
      findings.push_back({"page-size-unsupported", Severity::error, fmt::format("node {}", item.node),
                          fmt::format("{} needs pages of {}, which this kernel or CPU does not offer there",
                                      vms_text(item.vms), format_size(item.page_size)),
                          "Write page_size = \"2MiB\" for that VM (1 GiB pages need the CPU flag pdpe1gb)"});
      continue;
    }
    NodeDemand& demand = demands[item.node];
    demand.reserved += item.pages * item.page_size - pool->total * pool->page_size;
    for (const auto& [vm, pages] : item.others)
      demand.others.push_back(fmt::format("{} of {}", format_size(pages * item.page_size), other_text(vm)));
    Reservation& most = demand.biggest;
    if (item.pages * item.page_size >= most.pages * most.page_size) most = item;
  }
  for (const auto& [key, come] : pages_to_come(snapshot, wanted)) {
    const auto demand = demands.find(key.node);
    if (demand == demands.end() || demand->second.biggest.vms.empty()) continue;
    demand->second.reserved += come.pages * key.page_size;
    demand->second.others.push_back(
        fmt::format("{} of {}", format_size(come.pages * key.page_size), fmt::join(come.who, ", ")));
  }
  for (auto& [id, demand] : demands) {
    const NumaNode& node = snapshot.nodes.at(id);
    for (const auto& pool : node.pools) demand.reserved += pool.total * pool.page_size;
    if (demand.reserved + keep_free > node.memory) {
      findings.push_back(over_floor(node, keep_free, demand));
      continue;
    }
    for (const auto& item : wanted)
      if (item.node == id && item.page_size == kib_per_gib &&
          item.pages + broken_gibibytes(id) > node.memory / kib_per_gib)
        findings.push_back(too_many_gibibytes(node, item));
  }
  return findings;
}

std::vector<Step> page_steps(const Snapshot& snapshot, const std::vector<Reservation>& wanted, Kib keep_free,
                             const Baseline& baseline, std::vector<Finding>& findings) {
  std::vector<Step> lower, raise;
  const auto add = [&](const PagePool& pool, int node, std::uint64_t to, const Reservation* item,
                       const std::string& reason) {
    if (to == persistent(pool)) return;
    auto& steps = to < persistent(pool) ? lower : raise;
    steps.push_back(reserve_step(pool, node, to, keep_free, item, reason));
  };
  for (const auto& item : wanted) {
    const PagePool* pool = pool_of(snapshot.nodes, {item.node, item.page_size});
    if (!pool) continue;
    add(*pool, item.node, keep_used(snapshot, {item.node, item.page_size}, item.pages, findings), &item, purpose(item));
  }
  for (const auto& before : baseline.pools) {
    const bool still_wanted = std::any_of(wanted.begin(), wanted.end(), [&](const Reservation& item) {
      return item.node == before.node && item.page_size == before.page_size;
    });
    const PagePool* pool = pool_of(snapshot.nodes, {before.node, before.page_size});
    if (still_wanted || !pool || persistent(*pool) <= before.total) continue;
    const auto to = keep_used(snapshot, {before.node, before.page_size}, before.total, findings);
    add(*pool, before.node, to, nullptr,
        fmt::format("no VM wants these pages any more; there were {} before hostsplit", before.total));
  }
  // Memory given back first is there for what is reserved next.
  lower.insert(lower.end(), raise.begin(), raise.end());
  return lower;
}

bool is_larger_than_before(const Snapshot& snapshot, const PoolBefore& before) {
  const PagePool* pool = pool_of(snapshot.nodes, {before.node, before.page_size});
  return pool && pool->total > before.total;
}

std::vector<Step> return_pages(const Snapshot& snapshot, const Baseline& baseline, std::vector<Finding>& findings) {
  std::vector<Step> steps;
  for (const auto& before : baseline.pools) {
    if (!is_larger_than_before(snapshot, before)) continue;
    const PagePool& pool = *pool_of(snapshot.nodes, {before.node, before.page_size});
    const std::uint64_t used = pool.total - std::min(pool.free, pool.total);
    if (used > before.total)
      findings.push_back(
          {"pages-in-use", Severity::warning, fmt::format("node {}", before.node),
           fmt::format("{} pages of {} are in use; {} of them return to the host when what uses them ends", used,
                       format_size(pool.page_size), used - before.total),
           "Shut the VM that uses them down, then run hostsplit undo again to see that nothing is left"});
    if (persistent(pool) > before.total)
      steps.push_back(reserve_step(pool, before.node, before.total, 0, nullptr,
                                   fmt::format("there were {} before hostsplit", before.total)));
  }
  return steps;
}

std::vector<Step> boot_page_steps(const Snapshot& snapshot, const BootPlan& applied) {
  std::vector<Finding> ignored;
  auto wanted = applied.reservations;
  std::map<int, Kib> granted;
  for (auto& item : wanted) {
    const PagePool* pool = pool_of(snapshot.nodes, {item.node, item.page_size});
    if (!pool) continue;
    const Kib memory = snapshot.nodes.at(item.node).memory, kept = applied.keep_free + granted[item.node];
    const std::uint64_t room = memory > kept ? (memory - kept) / item.page_size : 0;
    // What is missing is clamped when it is asked for; what is there already has to go.
    if (item.pages > room && persistent(*pool) > room) item.pages = room;
    granted[item.node] += item.pages * item.page_size;
  }
  return page_steps(snapshot, wanted, applied.keep_free, {}, ignored);
}

std::vector<int> without_room(const std::map<int, std::uint64_t>& shares, std::uint64_t pages) {
  std::vector<int> vms;
  for (const auto& [vm, share] : shares) {
    if (share <= pages)
      pages -= share;
    else
      vms.push_back(vm);
  }
  return vms;
}

std::uint64_t clamp_to_floor(std::uint64_t wanted, std::uint64_t current, Kib page_size, Kib available, Kib keep_free) {
  if (wanted <= current) return wanted;
  const Kib spare = available > keep_free ? available - keep_free : 0;
  return std::min(wanted, current + spare / page_size);
}

}  // namespace hostsplit
