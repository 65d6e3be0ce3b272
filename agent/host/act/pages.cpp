#include "host/act/pages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/memory/pools.hpp"
#include "host/inventory/inventory.hpp"

namespace hostsplit {
namespace {

/// One write allocates at most this much, so that progress is seen and no write outlasts a watchdog.
constexpr Kib write_limit = 1 * kib_per_gib;
constexpr std::chrono::milliseconds write_deadline{20000};
constexpr std::chrono::milliseconds help_deadline{20000};

struct NodeNow {
  NumaNode node;
  PagePool pool;
};

NodeNow look_at(const Root& root, const Reserve& reserve) {
  const auto node = read_node(root, reserve.node);
  if (!node) throw Error("reserve pages on", fmt::format("node {}", reserve.node), "there is no such node");
  for (const auto& pool : node->pools)
    if (pool.page_size == reserve.page_size) return {*node, pool};
  throw Error("reserve pages on", fmt::format("node {}", reserve.node),
              "it has no pool of " + format_size(reserve.page_size) + " pages",
              "1 GiB pages need a CPU with the flag pdpe1gb.");
}

/// Makes room for pages that are not found: what can be thrown away goes, the rest moves together. Both are advice;
/// a kernel that does not take it leaves us with what there is.
void help(Effects& effects, int node) {
  const auto write = [&](const std::string& path, const char* value) {
    try {
      effects.write_attributes({{path, value}}, help_deadline);
    } catch (const Error&) {
    }
  };
  write("proc/sys/vm/drop_caches", "3");
  write(fmt::format("sys/devices/system/node/node{}/compact", node), "1");
}

}  // namespace

PagesGot reserve_pages(const Root& root, Effects& effects, const Reserve& reserve,
                       const std::function<void(std::uint64_t)>& tick) {
  const std::string attribute = pool_directory({reserve.node, reserve.page_size}) + "/nr_hugepages";
  const std::uint64_t step = std::max<std::uint64_t>(1, write_limit / reserve.page_size);
  const NodeNow before = look_at(root, reserve);
  std::uint64_t current = persistent(before.pool);
  PagesGot result;
  result.asked = clamp_to_floor(reserve.to, current, reserve.page_size, before.node.free + before.node.reclaimable,
                                reserve.keep_free);
  result.clamped = result.asked != reserve.to;
  while (current != result.asked) {
    const std::uint64_t next = result.asked > current ? std::min(result.asked, current + step) : result.asked;
    effects.write_attributes({{attribute, std::to_string(next)}}, write_deadline);
    std::uint64_t now = next;
    effects.read_back(attribute, [&] { now = persistent(look_at(root, reserve).pool); });
    if (tick) tick(now);
    const bool moved = now != current;
    current = now;
    if (moved) continue;
    // Pages in use do not go away by asking again; they are surplus now and go when their VM ends.
    if (next < current || result.helped == most_helps) break;
    help(effects, reserve.node);
    ++result.helped;
  }
  result.got = current;
  return result;
}

}  // namespace hostsplit
