#include "core/memory/pools.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace hostsplit {
namespace {

std::string vms_text(const std::vector<int>& vms) {
  return fmt::format("VM {}", fmt::join(vms, ", VM "));
}

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

Finding over_floor(const NumaNode& node, Kib reserved, Kib keep_free, const Reservation& biggest) {
  const Kib others = reserved - biggest.pages * biggest.page_size;
  const Kib room = node.memory > keep_free + others ? node.memory - keep_free - others : 0;
  return {"pages-over-floor", Severity::error, fmt::format("node {}", node.id),
          fmt::format("{} are to be reserved for {}, but the node has {} and the host keeps {} of it",
                      format_size(reserved), vms_text(biggest.vms), format_size(node.memory), format_size(keep_free)),
          fmt::format("At most {} pages of {} fit here: lower memory of {}, or host.keep_free",
                      room / biggest.page_size, format_size(biggest.page_size), vms_text(biggest.vms))};
}

/// \param wanted for whom; nullptr when nobody wants them any more
Step reserve_step(const PagePool& pool, int node, std::uint64_t to, Kib keep_free, const Reservation* wanted,
                  std::string reason) {
  Reserve reserve{node, pool.page_size, persistent(pool), to, keep_free, {}, {}};
  if (wanted) {
    reserve.vms = wanted->vms;
    reserve.shares = wanted->shares;
    for (const auto& [vm, pages] : wanted->others) reserve.others += pages;
  }
  return {fmt::format("pages node{} {}", node, format_size(pool.page_size)), std::move(reserve), std::move(reason)};
}

std::string purpose(const Reservation& item) {
  std::uint64_t others = 0;
  std::vector<std::string> names;
  for (const auto& [vm, pages] : item.others) {
    others += pages;
    names.push_back(vm == 0 ? "other processes" : fmt::format("VM {}", vm));
  }
  const std::uint64_t own = item.pages - std::min(item.pages, others);
  const auto text = fmt::format("{} of memory for {}", format_size(own * item.page_size), vms_text(item.vms));
  return others == 0 ? text : fmt::format("{}, and {} pages for {}", text, others, fmt::join(names, ", "));
}

/// The lowest count that takes no page from a running process.
std::uint64_t keep_used(const PagePool& pool, int node, std::uint64_t target, std::vector<Finding>& findings) {
  const std::uint64_t used = pool.total - std::min(pool.free, pool.total);
  if (target >= used) return target;
  findings.push_back({"pages-in-use", Severity::warning, fmt::format("node {}", node),
                      fmt::format("{} pages of {} are in use, so the pool cannot shrink to {} yet", used,
                                  format_size(pool.page_size), target),
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

std::uint64_t count_of(const PageCounts& counts, const PoolKey& key) {
  const auto at = counts.find(key);
  return at == counts.end() ? 0 : at->second;
}

/// Those of one pool, by VM; 0 for processes.
std::map<int, std::uint64_t> others_of(const PoolKey& key, const Config& config, const Snapshot& snapshot,
                                       std::uint64_t managed) {
  std::map<int, std::uint64_t> others;
  std::uint64_t sum = managed;
  for (const auto& user : snapshot.memory_users.pages) {
    if (user.vm && config.vms.count(*user.vm)) continue;
    const auto held = count_of(user.holds, key);
    const auto pages = user.pid != 0 || user.on_boot ? std::max(held, count_of(user.needs, key)) : held;
    if (pages != 0) others[user.vm.value_or(0)] += pages;
    sum += pages;
  }
  // A VM that neither runs nor starts with the host: what lies ready for it is not taken, and nothing is added.
  const PagePool* pool = pool_of(snapshot.nodes, key);
  std::uint64_t ready = pool && persistent(*pool) > sum ? persistent(*pool) - sum : 0;
  for (const auto& user : snapshot.memory_users.pages) {
    if (!user.vm || config.vms.count(*user.vm) || user.pid != 0 || user.on_boot) continue;
    const auto pages = std::min(ready, count_of(user.needs, key));
    if (pages != 0) others[*user.vm] += pages;
    ready -= pages;
  }
  return others;
}

}  // namespace

std::vector<Reservation> with_others(std::vector<Reservation> wanted, const Config& config, const Snapshot& snapshot,
                                     const std::optional<BootPlan>& applied) {
  for (auto& item : wanted) {
    if (item.pages == 0) continue;
    if (snapshot.memory_users.known)
      item.others = others_of({item.node, item.page_size}, config, snapshot, item.pages);
    else if (applied)
      for (const auto& before : applied->reservations)
        if (before.node == item.node && before.page_size == item.page_size) item.others = before.others;
    for (const auto& [vm, pages] : item.others) item.pages += pages;
  }
  return wanted;
}

std::vector<Finding> note_others(const std::vector<Reservation>& wanted, const Snapshot& snapshot) {
  std::vector<Finding> findings;
  for (const auto& item : wanted)
    for (const auto& user : snapshot.memory_users.pages) {
      const auto at = item.others.find(user.vm.value_or(0));
      const PoolKey key{item.node, item.page_size};
      const auto pages = user.vm && at != item.others.end() ? at->second : count_of(user.holds, key);
      if (at == item.others.end() || pages == 0) continue;
      findings.push_back(
          {"pages-of-others", Severity::info, to_string(user),
           fmt::format("{} {} pages of {} on node {} and is not in hostsplit.toml: they stay in the pool "
                       "beside those of {}",
                       user.pid != 0 ? "uses" : "will use", pages, format_size(item.page_size), item.node,
                       vms_text(item.vms)),
           ""});
    }
  for (const auto& item : wanted)
    for (const auto& user : snapshot.memory_users.pages) {
      const auto pages = count_of(user.holds, {item.node, item.page_size});
      if (!user.vm || pages == 0 || item.pages == 0 || item.others.count(*user.vm) || item.shares.count(*user.vm))
        continue;
      findings.push_back(
          {"pages-elsewhere", Severity::warning, to_string(user),
           fmt::format("runs with {} pages of {} on node {}, where hostsplit.toml does not have it any more: {} finds "
                       "them only once it has ended",
                       pages, format_size(item.page_size), item.node, vms_text(item.vms)),
           fmt::format("Set the memory of VM {} in Proxmox VE as hostsplit verify says, shut it down and start it",
                       *user.vm)});
    }
  return findings;
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
  std::map<int, Kib> reserved;
  std::map<int, Reservation> biggest;
  for (const auto& [id, node] : snapshot.nodes)
    for (const auto& pool : node.pools) reserved[id] += pool.total * pool.page_size;
  for (const auto& item : wanted) {
    const PagePool* pool = pool_of(snapshot.nodes, {item.node, item.page_size});
    if (!pool) {
      findings.push_back({"page-size-unsupported", Severity::error, fmt::format("node {}", item.node),
                          fmt::format("{} needs pages of {}, which this kernel or CPU does not offer there",
                                      vms_text(item.vms), format_size(item.page_size)),
                          "Write page_size = \"2MiB\" for that VM (1 GiB pages need the CPU flag pdpe1gb)"});
      continue;
    }
    reserved[item.node] += item.pages * item.page_size - pool->total * pool->page_size;
    Reservation& most = biggest[item.node];
    if (item.pages * item.page_size >= most.pages * most.page_size) most = item;
  }
  for (const auto& [id, most] : biggest) {
    const NumaNode& node = snapshot.nodes.at(id);
    if (reserved[id] + keep_free > node.memory) {
      findings.push_back(over_floor(node, reserved[id], keep_free, most));
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
    add(*pool, item.node, keep_used(*pool, item.node, item.pages, findings), &item, purpose(item));
  }
  for (const auto& before : baseline.pools) {
    const bool still_wanted = std::any_of(wanted.begin(), wanted.end(), [&](const Reservation& item) {
      return item.node == before.node && item.page_size == before.page_size;
    });
    const PagePool* pool = pool_of(snapshot.nodes, {before.node, before.page_size});
    if (still_wanted || !pool || persistent(*pool) <= before.total) continue;
    add(*pool, before.node, keep_used(*pool, before.node, before.total, findings), nullptr,
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
