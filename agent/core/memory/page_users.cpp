#include "core/memory/page_users.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/memory/pools.hpp"

namespace hostsplit {
namespace {

std::uint64_t count_of(const PageCounts& counts, const PoolKey& key) {
  const auto at = counts.find(key);
  return at == counts.end() ? 0 : at->second;
}

std::uint64_t count_of_size(const PageCounts& counts, Kib page_size) {
  std::uint64_t sum = 0;
  for (const auto& [key, pages] : counts)
    if (key.page_size == page_size) sum += pages;
  return sum;
}

/// Those of one pool, by VM; 0 for processes.
std::map<int, std::uint64_t> others_of(const PoolKey& key, const Config& config, const Snapshot& snapshot,
                                       std::uint64_t managed) {
  std::map<int, std::uint64_t> others;
  std::uint64_t sum = managed;
  for (const auto& user : snapshot.memory_users.pages) {
    if (user.vm && has_reserved_pages(config, *user.vm)) continue;
    const auto pages = pages_once_up(user, key);
    if (pages != 0) others[user.vm.value_or(0)] += pages;
    sum += pages;
  }
  const PagePool* pool = pool_of(snapshot.nodes, key);
  std::uint64_t ready = pool && persistent(*pool) > sum ? persistent(*pool) - sum : 0;
  // Where several nodes have pages, those that lie ready may be the promised ones; more are not added.
  auto promised = promised_to_others(snapshot, key);
  if (!is_only_pool(snapshot.nodes, key)) promised = std::min(promised, ready);
  if (promised != 0) others[0] += promised;
  ready -= std::min(ready, promised);
  // A VM that neither runs nor starts with the host: what lies ready for it is not taken, and nothing is added.
  for (const auto& user : snapshot.memory_users.pages) {
    if (!user.vm || has_reserved_pages(config, *user.vm) || user.pid != 0 || user.on_boot) continue;
    const auto pages = std::min(ready, count_of(user.needs, key));
    if (pages != 0) others[*user.vm] += pages;
    ready -= pages;
  }
  return others;
}

bool is_about(const std::vector<Reservation>& wanted, const PoolKey& key) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](const Reservation& item) { return item.node == key.node && item.page_size == key.page_size; });
}

/// A VM of the configuration, whatever it holds or needs by its settings in Proxmox VE.
bool has_share(const std::vector<Reservation>& wanted, const PageUser& user) {
  return user.vm && std::any_of(wanted.begin(), wanted.end(),
                                [&](const Reservation& item) { return item.shares.count(*user.vm) != 0; });
}

Finding note_user(const PageUser& user, std::uint64_t pages, const Reservation& item) {
  const std::string what = fmt::format("{} pages of {} on node {}", pages, format_size(item.page_size), item.node);
  const std::string stay = fmt::format("they stay in the pool beside those of {}", vms_text(item.vms));
  if (user.unknown())
    return {
        "pages-of-others", Severity::info, fmt::format("node {}", item.node),
        fmt::format("{} pages of {} are in use, by whom was not found: {}", pages, format_size(item.page_size), stay),
        "Look at shared memory (ipcs -m) and into containers; if a program or VM was just ending, run hostsplit "
        "plan again"};
  if (!user.vm && user.pid == 0)
    return {"pages-of-others", Severity::info, to_string(user),
            fmt::format("hold {}, which are in use by no process: {}", what, stay),
            "Remove what an ended program left there, then run hostsplit apply again"};
  return {
      "pages-of-others", Severity::info, to_string(user),
      fmt::format("{} {} that hostsplit.toml does not give it: {}", user.pid == 0 ? "will use" : "uses", what, stay),
      ""};
}

/// VMs whose start takes pages that nobody counts. Proxmox VE adds only what is missing beside free pages, whomever
/// these were reserved for (PVE::QemuServer::Memory, hugepages_allocate).
void note_other_starts(const std::vector<Reservation>& wanted, const Snapshot& snapshot,
                       std::vector<Finding>& findings) {
  for (const auto& item : wanted)
    for (const auto& user : snapshot.memory_users.pages) {
      if (!user.vm || user.pid != 0 || user.on_boot || user.refused || has_share(wanted, user)) continue;
      const auto at = item.others.find(*user.vm);
      const auto counted = at == item.others.end() ? 0 : at->second;
      const auto needs = count_of(user.needs, {item.node, item.page_size});
      if (item.pages == 0 || needs <= counted) continue;
      findings.push_back(
          {"pages-of-others", Severity::info, to_string(user),
           fmt::format("takes {} {}pages of {} on node {} when it starts, which are not in the count: Proxmox VE gives "
                       "it free ones first, also those of {}",
                       needs - counted, counted == 0 ? "" : "more ", format_size(item.page_size), item.node,
                       vms_text(item.vms)),
           fmt::format("Give VM {} its memory in hostsplit.toml and run hostsplit apply, or start it only after {}",
                       *user.vm, vms_text(item.vms))});
    }
}

/// Pages that nobody has touched yet, and those that come to pools hostsplit does not reserve.
void note_more(const std::vector<Reservation>& wanted, const Snapshot& snapshot, std::vector<Finding>& findings) {
  for (const auto& item : wanted) {
    const auto promised = promised_to_others(snapshot, {item.node, item.page_size});
    if (promised == 0 || !item.others.count(0)) continue;
    findings.push_back({"pages-of-others", Severity::info, fmt::format("node {}", item.node),
                        fmt::format("{} free pages of {} are promised to programs that have not touched them yet "
                                    "(resv_hugepages): they count beside those of {}",
                                    promised, format_size(item.page_size), vms_text(item.vms)),
                        ""});
  }
  for (const auto& [key, come] : pages_to_come(snapshot, wanted)) {
    const auto mine = std::find_if(wanted.begin(), wanted.end(),
                                   [&, node = key.node](const Reservation& item) { return item.node == node; });
    if (mine == wanted.end()) continue;
    findings.push_back({"pages-of-others", Severity::info, fmt::format("{}", fmt::join(come.who, ", ")),
                        fmt::format("will take {} more pages of {} on node {}: they come beside those of {}",
                                    come.pages, format_size(key.page_size), key.node, vms_text(mine->vms)),
                        ""});
  }
}

}  // namespace

std::string vms_text(const std::vector<int>& vms) {
  return fmt::format("VM {}", fmt::join(vms, ", VM "));
}

std::uint64_t pages_once_up(const PageUser& user, const PoolKey& key) {
  const auto held = count_of(user.holds, key);
  return user.pid != 0 || user.on_boot ? std::max(held, count_of(user.needs, key)) : held;
}

bool has_reserved_pages(const Config& config, int vm) {
  const auto wish = config.vms.find(vm);
  return wish != config.vms.end() && !memory_by_node(wish->second).empty();
}

bool is_only_pool(const std::map<int, NumaNode>& nodes, const PoolKey& key) {
  const PagePool* pool = pool_of(nodes, key);
  return pools_of_size(nodes, key.page_size).total == (pool ? pool->total : 0);
}

std::uint64_t promised_to_others(const Snapshot& snapshot, const PoolKey& key) {
  const PagePool* pool = pool_of(snapshot.nodes, key);
  if (!pool) return 0;
  std::uint64_t promised = pool->promised;
  for (const auto& user : snapshot.memory_users.pages) {
    if (!user.vm || user.pid == 0) continue;
    const auto holds = count_of_size(user.holds, key.page_size), needs = count_of_size(user.needs, key.page_size);
    promised -= std::min(promised, needs - std::min(holds, needs));
  }
  return std::min(promised, pool->free);
}

std::uint64_t free_and_unpromised(const std::map<int, NumaNode>& nodes, const PoolKey& key) {
  const PagePool* pool = pool_of(nodes, key);
  if (!pool) return 0;
  return is_only_pool(nodes, key) ? pool->free - std::min(pool->promised, pool->free) : pool->free;
}

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

std::map<PoolKey, PagesToCome> pages_to_come(const Snapshot& snapshot, const std::vector<Reservation>& wanted) {
  std::map<PoolKey, PagesToCome> to_come;
  for (const auto& [id, node] : snapshot.nodes)
    for (const auto& pool : node.pools) {
      const PoolKey key{id, pool.page_size};
      if (is_about(wanted, key)) continue;
      PagesToCome come;
      for (const auto& user : snapshot.memory_users.pages) {
        if (has_share(wanted, user)) continue;
        const auto pages = pages_once_up(user, key);
        come.pages += pages;
        if (pages > count_of(user.holds, key)) come.who.push_back(to_string(user));
      }
      if (come.pages <= pool.total || come.who.empty()) continue;
      come.pages -= pool.total;
      to_come[key] = std::move(come);
    }
  return to_come;
}

std::vector<Finding> note_others(const std::vector<Reservation>& wanted, const Snapshot& snapshot) {
  std::vector<Finding> findings;
  for (const auto& item : wanted)
    for (const auto& user : snapshot.memory_users.pages) {
      const auto at = item.others.find(user.vm.value_or(0));
      const auto held = count_of(user.holds, {item.node, item.page_size});
      const auto pages = user.vm && at != item.others.end() ? at->second : held;
      if (at != item.others.end() && pages != 0) findings.push_back(note_user(user, pages, item));
    }
  note_other_starts(wanted, snapshot, findings);
  note_more(wanted, snapshot, findings);
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

}  // namespace hostsplit
