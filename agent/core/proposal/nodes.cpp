#include "core/proposal/nodes.hpp"

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/memory/page_users.hpp"
#include "core/memory/pools.hpp"
#include "core/memory/pve_start.hpp"

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

/// Huge pages, by `args:` too.
bool is_page_user(const Snapshot& snapshot, int vm) {
  const auto& users = snapshot.memory_users.pages;
  return std::any_of(users.begin(), users.end(), [&](const PageUser& user) { return user.vm == vm; });
}

/// Memory of VMs without huge pages for which `counts`.
template <class Counts>
Kib ordinary_guests(const ProposalInput& in, Counts counts) {
  Kib sum = 0;
  for (const auto& [id, vm] : in.pve.next)
    if (!vm.is_template && vm.hugepages == PvePages::none && !is_page_user(in.snapshot, id) && counts(vm))
      sum += memory_of(vm);
  return sum;
}

/// Guest memory of running VMs that becomes free when they end: what each holds, not what it may grow to. Where nobody
/// saw its process, at most what it runs with, which pending changes are not.
Kib freed_by_guests(const ProposalInput& in) {
  Kib sum = 0;
  for (const auto& [id, vm] : in.pve.vms) {
    if (!vm.running || vm.is_template) continue;
    const auto& resident = in.snapshot.memory_users.resident;
    if (const auto found = resident.find(id); found != resident.end())
      sum += found->second;
    else if (vm.hugepages == PvePages::none && !is_page_user(in.snapshot, id))
      sum += memory_of(vm);
  }
  return sum;
}

/// The most that containers that start with the host may use.
Kib containers_of(const PveConfigs& pve) {
  Kib sum = 0;
  for (const auto& [id, container] : pve.containers)
    if (!container.is_template && pve.starts_with_host(id, container.on_boot)) sum += container.memory;
  return sum;
}

/// Pages of one pool that VMs without a part, and other processes, use or will use once the host is up; as
/// with_others() counts them.
std::uint64_t pages_beside(const Snapshot& snapshot, const std::set<int>& guests, const PoolKey& key) {
  std::uint64_t sum = 0;
  for (const auto& user : snapshot.memory_users.pages)
    if (!user.vm || !guests.count(*user.vm)) sum += pages_once_up(user, key);
  return sum;
}

/// Of those the memory of pages of another size that are not reserved yet.
Kib still_to_come(const Snapshot& snapshot, const std::set<int>& guests, const NumaNode& node, Kib page_size) {
  Kib sum = 0;
  for (const auto& pool : node.pools) {
    const auto pages = pages_beside(snapshot, guests, {node.id, pool.page_size});
    if (pool.page_size != page_size && pages > pool.total) sum += (pages - pool.total) * pool.page_size;
  }
  return sum;
}

/// A node's part of what is spread over all of them. Sizes of memory are exact in a double.
Kib part_of(Kib sum, const NumaNode& node, const Snapshot& snapshot) {
  return static_cast<Kib>(static_cast<double>(sum) * static_cast<double>(node.memory) /
                          static_cast<double>(memory_of(snapshot)));
}

/// What the host itself uses of a node now, without what VMs hold, containers and the cache of ZFS: a reservation has
/// to leave the floor free beside it. Containers that start with the host count as running. \param containers  their
/// memory
Kib used_by_host(const ProposalInput& in, const NumaNode& node, Kib containers) {
  Kib available = node.free + node.reclaimable;
  for (const auto& pool : node.pools) available += pool.total * pool.page_size;
  const Kib used = node.memory - std::min(node.memory, available);
  return used - std::min(used, part_of(freed_by_guests(in) + containers + arc_of(in.snapshot), node, in.snapshot));
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

/// Goes through all layouts and keeps the best. Where that would take too long, nodes of a guest are neighbours.
class Search {
 public:
  Search(const ProposalInput& in, const NodeRoom& room) : in_(in), room_(room), layout_(in.wishes.size()) {
    for (const auto& [node, pages] : room.pages) nodes_.push_back(node);
    for (std::size_t guest = 0; guest < layout_.size(); ++guest)
      width_of_.push_back(
          std::min(in.wishes[guest].nodes.empty() ? width(guest) : in.wishes[guest].nodes.size(), most_nodes()));
  }

  std::vector<Layout> run() {
    if (nodes_.empty()) return {};
    place(0, room_.pages);
    if (work_ < most_work) return std::move(best_);
    neighbours_ = true;  // what was found until now is what these have to be as good as
    work_ = 0;
    place(0, room_.pages);
    return std::move(best_);
  }

 private:
  using Left = std::map<int, std::uint64_t>;

  std::uint64_t wanted(std::size_t guest) const {
    const auto& memory = in_.wishes[guest].memory;
    return memory ? (*memory + room_.page_size - 1) / room_.page_size : 0;
  }

  std::size_t most_nodes() const { return in_.pve.known ? std::min(most_pve_nodes, nodes_.size()) : nodes_.size(); }

  /// On how many nodes a guest is.
  std::size_t width(std::size_t guest) const {
    if (const auto pages = wanted(guest)) {
      const auto rooms = largest(room_.pages);
      std::uint64_t sum = 0;
      for (std::size_t count = 0; count < rooms.size(); ++count)
        if ((sum += rooms[count].first) >= pages) return count + 1;
      return rooms.size();
    }
    return even() ? nodes_.size() / in_.wishes.size() : 1;
  }

  /// Pages and nodes, most first; of equal ones the first node.
  static std::vector<std::pair<std::uint64_t, int>> largest(const Left& left) {
    std::vector<std::pair<std::uint64_t, int>> rooms;
    for (const auto& [node, pages] : left) rooms.emplace_back(pages, node);
    std::stable_sort(rooms.begin(), rooms.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    return rooms;
  }

  /// The nodes can be dealt out evenly.
  bool even() const { return in_.wishes.size() > 1 && nodes_.size() % in_.wishes.size() == 0; }

  /// Where each guest has nodes of its own, no other guest that asked for nothing is on them.
  std::vector<int> open_to(std::size_t guest) const {
    if (!even() || wanted(guest)) return nodes_;
    std::set<int> taken;
    for (std::size_t other = 0; other < guest; ++other)
      for (const auto& [node, pages] : layout_[other])
        if (!wanted(other)) taken.insert(node);
    std::vector<int> open;
    std::copy_if(nodes_.begin(), nodes_.end(), std::back_inserter(open), [&](int node) { return !taken.count(node); });
    return open;
  }

  /// Tries also one node more than needed: what is left by the others may be in pieces.
  void place(std::size_t guest, const Left& left) {
    if (guest == layout_.size()) return judge(left);
    if (const auto& asked = in_.wishes[guest].nodes; !asked.empty()) return try_on(guest, asked, left);
    const std::size_t needed = width_of_[guest];
    const std::size_t most = wanted(guest) ? std::min(needed + 1, most_nodes()) : needed;
    const auto open = open_to(guest);
    for (std::size_t count = needed; count <= std::min(most, open.size()); ++count) {
      if (count > needed && !promising(guest, left, count - needed)) break;
      if (neighbours_)
        try_neighbours(guest, open, count, left);
      else
        try_all(guest, open, count, left);
    }
  }

  /// All sets of `count` of the nodes, in order.
  void try_all(std::size_t guest, const std::vector<int>& open, std::size_t count, const Left& left) {
    std::vector<bool> chosen(open.size(), false);
    std::fill_n(chosen.begin(), count, true);
    do {
      std::set<int> choice;
      for (std::size_t i = 0; i < open.size(); ++i)
        if (chosen[i]) choice.insert(choice.end(), open[i]);
      try_on(guest, choice, left);
    } while (work_ < most_work && std::prev_permutation(chosen.begin(), chosen.end()));
  }

  /// Those that follow each other, and those with most room.
  void try_neighbours(std::size_t guest, const std::vector<int>& open, std::size_t count, const Left& left) {
    std::vector<int> rest;
    Left rooms;
    for (const int node : open) {
      if (wanted(guest) && left.at(node) == 0) continue;
      rest.push_back(node);
      rooms[node] = left.at(node);
    }
    if (rest.size() < count) return;
    std::set<std::set<int>> choices;
    for (auto first = rest.begin(); rest.end() - first >= static_cast<std::ptrdiff_t>(count); ++first)
      choices.emplace(first, first + static_cast<std::ptrdiff_t>(count));
    std::set<int> roomy;
    for (const auto& [pages, node] : largest(rooms))
      if (roomy.size() < count) roomy.insert(node);
    choices.insert(std::move(roomy));
    for (const auto& choice : choices)
      if (work_ < most_work) try_on(guest, choice, left);
  }

  void try_on(std::size_t guest, const std::set<int>& choice, const Left& left) {
    ++work_;
    std::uint64_t there = 0;
    for (const int node : choice) {
      const auto at = left.find(node);
      if (at == left.end()) return;
      there += at->second;
    }
    if (there < wanted(guest)) return;
    work_ += 2 * nodes_.size() + 4;  // what it costs beside looking at a set
    auto parts = spread(wanted(guest), choice, left);
    if (!parts) return;
    auto rest = left;
    for (const auto& [node, pages] : *parts) rest[node] -= pages;
    for (const int node : choice) (*parts)[node];
    layout_[guest] = std::move(*parts);
    if (promising(guest + 1, rest, 0)) place(guest + 1, rest);
  }

  /// False when nothing that begins with the first `placed` guests can be as good as the best. \param more  nodes than
  /// the others need at least
  bool promising(std::size_t placed, const Left& left, std::size_t more) const {
    if (best_.empty()) return true;
    std::size_t nodes = std::accumulate(width_of_.begin() + static_cast<std::ptrdiff_t>(placed), width_of_.end(), more);
    std::map<int, std::size_t> open;
    for (std::size_t guest = 0; guest < placed; ++guest) {
      nodes += layout_[guest].size();
      if (!wanted(guest))
        for (const auto& [node, pages] : layout_[guest]) ++open[node];
    }
    std::uint64_t smallest = ~std::uint64_t{0};
    for (std::size_t guest = 0; guest < layout_.size(); ++guest) {
      if (wanted(guest)) continue;
      std::uint64_t sum = 0;
      if (guest < placed) {
        for (const auto& [node, pages] : layout_[guest]) sum += left.at(node) / open[node];
      } else {
        const auto rooms = largest(left);
        for (std::size_t i = 0; i < std::min(width_of_[guest], rooms.size()); ++i) sum += rooms[i].first;
      }
      smallest = std::min(smallest, sum);
    }
    return smallest > smallest_ || (smallest == smallest_ && nodes <= width_);
  }

  /// Gives the guests that asked for nothing what is left.
  void judge(Left left) {
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
  /// Some tens of milliseconds; all layouts of eight nodes and four guests are less.
  static constexpr std::size_t most_work = 300000;

  std::vector<int> nodes_;
  std::vector<std::size_t> width_of_;  ///< by guest, the least
  bool neighbours_ = false;            ///< only nodes that follow each other
  std::size_t work_ = 0;
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

NodeRoom node_room(const ProposalInput& in, Kib keep_free, const std::set<int>& guests, Containers containers) {
  NodeRoom room;
  const Kib of_containers = containers == Containers::count ? containers_of(in.pve) : 0;
  const Kib spread_out = arc_of(in.snapshot) + of_containers + ordinary_guests(in, [&](const PveVm& vm) {
                           return !guests.count(vm.id) && (in.pve.starts_with_host(vm.id, vm.on_boot) || vm.running);
                         });
  for (const Kib page_size : {kib_per_gib, 2 * kib_per_mib}) {
    room.page_size = page_size;
    room.others = spread_out;
    for (const auto& [id, node] : in.snapshot.nodes) {
      if (!can_hold_guests(in.snapshot.nodes, id) || (in.pve.known && id > last_pve_node)) continue;
      const auto beside = pages_beside(in.snapshot, guests, {id, page_size});
      const Kib to_come = still_to_come(in.snapshot, guests, node, page_size);
      room.others += beside * page_size + to_come;
      const Kib keep =
          keep_free + part_of(spread_out, node, in.snapshot) + to_come + used_by_host(in, node, of_containers);
      if (const auto pages = most_pages(in.snapshot, node, page_size, keep); pages > beside)
        room.pages[id] = pages - beside;
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
