#include "core/proposal/nodes.hpp"

#include <algorithm>
#include <optional>

#include "core/memory/pools.hpp"

namespace hostsplit {
namespace {

/// What the installer of Proxmox VE allows ZFS where it sets a limit: a tenth, 16 GiB at most.
Kib usual_arc(Kib memory) {
  return std::min(memory / 10, 16 * kib_per_gib);
}

Kib memory_of(const Snapshot& snapshot) {
  Kib memory = 0;
  for (const auto& [id, node] : snapshot.nodes) memory += node.memory;
  return memory;
}

Kib arc_of(const Snapshot& snapshot) {
  if (!snapshot.arc_limit) return 0;
  return *snapshot.arc_limit != 0 ? *snapshot.arc_limit : usual_arc(memory_of(snapshot));
}

/// Memory of VMs without huge pages for which `counts`.
template <class Counts>
Kib ordinary_guests(const PveConfigs& pve, Counts counts) {
  Kib sum = 0;
  for (const auto& [id, vm] : pve.next)
    if (!vm.is_template && vm.hugepages == PvePages::none && counts(vm)) sum += memory_of(vm);
  return sum;
}

/// A node's part of what is spread over all of them. Sizes of memory are exact in a double.
Kib part_of(Kib sum, const NumaNode& node, const Snapshot& snapshot) {
  return static_cast<Kib>(static_cast<double>(sum) * static_cast<double>(node.memory) /
                          static_cast<double>(memory_of(snapshot)));
}

/// What the host itself uses of a node now, without guests and the cache of ZFS: a reservation has to leave the floor
/// free beside it.
Kib used_by_host(const ProposalInput& in, const NumaNode& node) {
  Kib available = node.free + node.reclaimable;
  for (const auto& pool : node.pools) available += pool.total * pool.page_size;
  const Kib used = node.memory - std::min(node.memory, available);
  const Kib running = ordinary_guests(in.pve, [](const PveVm& vm) { return vm.running; });
  return used - std::min(used, part_of(running + arc_of(in.snapshot), node, in.snapshot));
}

bool fits(const Snapshot& snapshot, int node, Kib page_size, std::uint64_t pages, Kib keep) {
  return check_pages(snapshot, {{node, page_size, pages, {}, {}}}, keep).empty();
}

std::uint64_t most_pages(const Snapshot& snapshot, const NumaNode& node, Kib page_size, Kib keep) {
  std::uint64_t least = 0, most = node.memory / page_size + 1;
  while (most - least > 1) {
    const auto middle = (least + most) / 2;
    (fits(snapshot, node.id, page_size, middle, keep) ? least : most) = middle;
  }
  return least;
}

/// All sets of `count` of the nodes, in order.
std::vector<std::set<int>> choices(const std::vector<int>& nodes, std::size_t count) {
  std::vector<std::set<int>> all;
  std::vector<bool> chosen(nodes.size(), false);
  std::fill_n(chosen.begin(), std::min(count, nodes.size()), true);
  do {
    std::set<int> choice;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (chosen[i]) choice.insert(nodes[i]);
    all.push_back(std::move(choice));
  } while (std::prev_permutation(chosen.begin(), chosen.end()));
  return all;
}

/// So much of each node as the others have room for. Empty when it does not fit.
std::optional<std::map<int, std::uint64_t>> spread(std::uint64_t pages, const std::set<int>& nodes,
                                                   const std::map<int, std::uint64_t>& room) {
  std::map<int, std::uint64_t> parts;
  std::set<int> open = nodes;
  while (pages != 0 && !open.empty()) {
    const std::uint64_t part = std::max<std::uint64_t>(1, pages / open.size());
    for (auto node = open.begin(); node != open.end() && pages != 0;) {
      const std::uint64_t more = std::min({part, pages, room.at(*node) - parts[*node]});
      parts[*node] += more;
      pages -= more;
      node = parts[*node] == room.at(*node) ? open.erase(node) : std::next(node);
    }
  }
  if (pages != 0) return std::nullopt;
  return parts;
}

/// Goes through all layouts and keeps the best.
class Search {
 public:
  Search(const ProposalInput& in, const NodeRoom& room) : in_(in), room_(room), layout_(in.wishes.size()) {
    for (const auto& [node, pages] : room.pages) nodes_.push_back(node);
  }

  std::vector<Layout> run() {
    if (!nodes_.empty()) place(0, room_.pages);
    return std::move(best_);
  }

 private:
  std::uint64_t wanted(std::size_t guest) const {
    const auto& memory = in_.wishes[guest].memory;
    return memory ? (*memory + room_.page_size - 1) / room_.page_size : 0;
  }

  /// On how many nodes a guest is.
  std::size_t width(std::size_t guest) const {
    if (const auto pages = wanted(guest)) {
      std::vector<std::uint64_t> rooms;
      for (const auto& [node, there] : room_.pages) rooms.push_back(there);
      std::sort(rooms.rbegin(), rooms.rend());
      std::uint64_t sum = 0;
      for (std::size_t count = 0; count < rooms.size(); ++count)
        if ((sum += rooms[count]) >= pages) return count + 1;
      return rooms.size();
    }
    return even() ? nodes_.size() / in_.wishes.size() : 1;
  }

  /// The nodes can be dealt out evenly.
  bool even() const { return in_.wishes.size() > 1 && nodes_.size() % in_.wishes.size() == 0; }

  /// Where each guest has nodes of its own, no other guest that asked for nothing is on them.
  bool taken(std::size_t guest, const std::set<int>& choice) const {
    if (!even() || wanted(guest)) return false;
    for (std::size_t other = 0; other < guest; ++other)
      for (const auto& [node, pages] : layout_[other])
        if (!wanted(other) && choice.count(node)) return true;
    return false;
  }

  /// Tries also one node more than needed: what is left by the others may be in pieces.
  void place(std::size_t guest, const std::map<int, std::uint64_t>& left) {
    if (guest == layout_.size()) return judge(left);
    if (const auto& asked = in_.wishes[guest].nodes; !asked.empty()) return try_on(guest, asked, left);
    const std::size_t needed = width(guest), most = wanted(guest) ? std::min(needed + 1, nodes_.size()) : needed;
    for (std::size_t count = needed; count <= most; ++count)
      for (const auto& choice : choices(nodes_, count))
        if (!taken(guest, choice)) try_on(guest, choice, left);
  }

  void try_on(std::size_t guest, const std::set<int>& choice, const std::map<int, std::uint64_t>& left) {
    for (const int node : choice)
      if (!left.count(node)) return;
    auto parts = spread(wanted(guest), choice, left);
    if (!parts) return;
    auto rest = left;
    for (const auto& [node, pages] : *parts) rest[node] -= pages;
    for (const int node : choice) (*parts)[node];
    layout_[guest] = std::move(*parts);
    place(guest + 1, rest);
  }

  /// Gives the guests that asked for nothing what is left.
  void judge(std::map<int, std::uint64_t> left) {
    Layout full = layout_;
    std::map<int, std::vector<std::size_t>> open;
    std::size_t nodes = 0;
    for (std::size_t guest = 0; guest < full.size(); ++guest) {
      nodes += full[guest].size();
      if (wanted(guest)) continue;
      for (const auto& [node, pages] : full[guest]) open[node].push_back(guest);
    }
    std::uint64_t smallest = ~std::uint64_t{0};
    for (const auto& [node, guests] : open)
      for (const auto guest : guests) full[guest][node] = left[node] / guests.size();
    for (std::size_t guest = 0; guest < full.size(); ++guest) {
      if (wanted(guest)) continue;
      std::uint64_t sum = 0;
      for (const auto& [node, pages] : full[guest]) {
        if (pages == 0) return;
        sum += pages;
      }
      smallest = std::min(smallest, sum);
    }
    keep(std::move(full), smallest, nodes);
  }

  void keep(Layout layout, std::uint64_t smallest, std::size_t nodes) {
    const bool better = best_.empty() || smallest > smallest_ || (smallest == smallest_ && nodes < width_);
    if (!better && (smallest != smallest_ || nodes != width_)) return;
    if (better) best_.clear();
    smallest_ = smallest;
    width_ = nodes;
    best_.push_back(std::move(layout));
  }

  const ProposalInput& in_;
  const NodeRoom& room_;
  std::vector<int> nodes_;
  Layout layout_;
  std::vector<Layout> best_;
  std::uint64_t smallest_ = 0;  ///< of the best
  std::size_t width_ = 0;       ///< nodes of all guests together
};

/// Halves are equal: what one node has more than another by a hole or two is left to the host.
void level(const ProposalInput& in, Layout& layout) {
  std::map<int, std::size_t> guests;
  std::uint64_t least = ~std::uint64_t{0}, most = 0;
  for (const auto& parts : layout)
    for (const auto& [node, pages] : parts) {
      ++guests[node];
      least = std::min(least, pages);
      most = std::max(most, pages);
    }
  const bool own = std::all_of(guests.begin(), guests.end(), [](const auto& each) { return each.second == 1; });
  const bool open = std::none_of(in.wishes.begin(), in.wishes.end(), [](const auto& wish) { return wish.memory; });
  constexpr std::uint64_t little = 10;  // a tenth
  if (!own || !open || (most - least) * little > most) return;
  for (auto& parts : layout)
    for (auto& [node, pages] : parts) pages = least;
}

}  // namespace

NodeRoom node_room(const ProposalInput& in, Kib keep_free, const std::set<int>& guests) {
  NodeRoom room;
  room.others = arc_of(in.snapshot) + ordinary_guests(in.pve, [&](const PveVm& vm) {
                  return !guests.count(vm.id) && (vm.on_boot || vm.running);
                });
  for (const Kib page_size : {kib_per_gib, 2 * kib_per_mib}) {
    room.page_size = page_size;
    for (const auto& [id, node] : in.snapshot.nodes) {
      if (node.memory == 0 || node.cpus.empty()) continue;
      const Kib keep = keep_free + part_of(room.others, node, in.snapshot) + used_by_host(in, node);
      if (const auto pages = most_pages(in.snapshot, node, page_size, keep)) room.pages[id] = pages;
    }
    if (!room.pages.empty()) break;
  }
  return room;
}

std::vector<Layout> best_layouts(const ProposalInput& in, const NodeRoom& room) {
  auto layouts = Search(in, room).run();
  for (auto& layout : layouts) level(in, layout);
  return layouts;
}

std::set<int> nodes_of(const std::map<int, std::uint64_t>& pages) {
  std::set<int> nodes;
  for (const auto& [node, count] : pages) nodes.insert(node);
  return nodes;
}

}  // namespace hostsplit
