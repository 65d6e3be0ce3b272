#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/checks/verify.hpp"
#include "core/memory/pools.hpp"

/// What verify says about the pools that guests share.
namespace hostsplit {
namespace {

/// What the guests say about one pool.
struct PoolUse {
  std::uint64_t held = 0;    ///< pages in running guests
  std::uint64_t needed = 0;  ///< pages that guests which do not run will want
  std::vector<int> holders, waiting;
};

std::map<PoolKey, PoolUse> uses_of(const std::vector<std::pair<RunningGuest, GuestWish>>& guests) {
  std::map<PoolKey, PoolUse> uses;
  for (const auto& [guest, wish] : guests) {
    if (guest.pages)
      for (const auto& [page_size, by_node] : guest.pages->huge)
        for (const auto& [node, count] : by_node) {
          auto& use = uses[{node, page_size}];
          use.held += count;
          if (use.holders.empty() || use.holders.back() != guest.vm) use.holders.push_back(guest.vm);
        }
    if (guest.pid || wish.page_size == 0) continue;
    for (const auto& [node, size] : wish.memory) {
      auto& use = uses[{node, wish.page_size}];
      use.needed += size / wish.page_size;
      use.waiting.push_back(wish.vm);
    }
  }
  return uses;
}

/// What the kernel has promised of one page size, all nodes together.
struct Promises {
  bool in_the_way = false;  ///< with them there are too few free pages for those that wait
  bool here = false;        ///< no other node has such pages
};

Promises promises_of(const std::map<int, NumaNode>& nodes, const PoolKey& key, const std::map<PoolKey, PoolUse>& uses) {
  std::uint64_t needed = 0;
  for (const auto& [other, use] : uses)
    if (other.page_size == key.page_size) needed += use.needed;
  const PagePool all = pools_of_size(nodes, key.page_size);
  return {all.promised != 0 && all.free < needed + all.promised, is_only_pool(nodes, key)};
}

Verdict judge_pool(int node, const PagePool& pool, const Reservation* reserved, const PoolUse& use,
                   const Promises& promises) {
  Verdict verdict;
  verdict.kind = Kind::right;
  verdict.check = "pool";
  verdict.subject = fmt::format("node {}, {}", node, format_size(pool.page_size));
  verdict.found = fmt::format("{} pages, {} free", pool.total, pool.free);
  if (pool.promised != 0)
    verdict.found +=
        fmt::format(" ({} of them promised{})", pool.promised, promises.here ? "" : ", on all nodes together");
  if (use.held != 0) verdict.found += fmt::format(", {} in VM {}", use.held, fmt::join(use.holders, ", "));
  if (reserved) verdict.wanted = fmt::format("{} pages", reserved->pages);
  if (reserved && persistent(pool) < reserved->pages) {
    verdict.kind = Kind::wrong;
    verdict.remedy = "journalctl -t hostsplit HOSTSPLIT_EVENT=reserve tells why; hostsplit apply tries again";
  } else if (pool.free < use.needed) {
    verdict.kind = Kind::wrong;
    verdict.wanted = fmt::format("{} free for VM {}", use.needed, fmt::join(use.waiting, ", "));
    const bool held_elsewhere = pool.total - std::min(pool.free, pool.total) > use.held;
    verdict.remedy = fmt::format("See who holds them: grep Huge /proc/*/status{}; or reserve more: hostsplit plan",
                                 held_elsewhere ? ", and files below the mounts of findmnt -t hugetlbfs" : "");
  } else if (use.needed != 0 && promises.in_the_way) {
    verdict.kind = promises.here ? Kind::wrong : Kind::unknown;
    verdict.wanted = fmt::format("{} free and not promised for VM {}", use.needed, fmt::join(use.waiting, ", "));
    verdict.remedy =
        "Programs reserve pages before they touch them (resv_hugepages): grep Huge /proc/*/status, and min_size= in "
        "what findmnt -t hugetlbfs shows; or reserve more: hostsplit plan";
  } else if (pool.surplus != 0 || (reserved && persistent(pool) > reserved->pages)) {
    verdict.kind = Kind::note;
  }
  return verdict;
}

}  // namespace

std::vector<Verdict> judge_pools(const std::map<int, NumaNode>& nodes, const std::vector<Reservation>& reserved,
                                 const std::vector<std::pair<RunningGuest, GuestWish>>& guests) {
  std::vector<Verdict> verdicts;
  const auto uses = uses_of(guests);
  for (const auto& [id, node] : nodes)
    for (const auto& pool : node.pools) {
      const auto mine = std::find_if(reserved.begin(), reserved.end(), [&, node_id = id](const Reservation& item) {
        return item.node == node_id && item.page_size == pool.page_size;
      });
      const auto use = uses.find({id, pool.page_size});
      if (mine == reserved.end() && use == uses.end()) continue;
      verdicts.push_back(judge_pool(id, pool, mine == reserved.end() ? nullptr : &*mine,
                                    use == uses.end() ? PoolUse{} : use->second,
                                    promises_of(nodes, {id, pool.page_size}, uses)));
    }
  return verdicts;
}

}  // namespace hostsplit
