#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/base/number.hpp"
#include "core/memory/pools.hpp"
#include "core/memory/pve_start.hpp"
#include "core/planner/vm_steps.hpp"
#include "core/proposal/cores.hpp"
#include "core/proposal/nodes.hpp"
#include "core/proposal/proposal.hpp"
#include "core/proposal/sockets.hpp"
#include "core/proxmox/values.hpp"
#include "core/proxmox/vm_settings.hpp"
#include "core/usb/claims.hpp"
#include "core/usb/guards.hpp"

namespace hostsplit {
namespace {

constexpr auto card_remedy =
    "A USB controller card in a slot with an IOMMU group of its own adds one; fewer VMs, or a VM without sockets "
    "(--vm 102=), need fewer";

/// The default, or on a small machine a quarter of its smallest node.
Kib floor_of(const ProposalInput& in) {
  if (in.config) return in.config->keep_free;
  Kib smallest = std::numeric_limits<Kib>::max();
  for (const auto& [id, node] : in.snapshot.nodes)
    if (node.memory != 0) smallest = std::min(smallest, node.memory);
  return std::min(Config().keep_free, smallest / 4 / kib_per_mib * kib_per_mib);
}

class Proposer {
 public:
  explicit Proposer(const ProposalInput& in)
      : in_(with_guests(in)),
        base_(in_.config.value_or(Config())),
        taken_(taken_by_guests(in_.pve, in_.snapshot)) {
    done_.keep_free = floor_of(in_);
  }

  Proposal run() {
    check_guests();
    check_machine();
    if (done_.obstacles.empty()) place();
    if (done_.obstacles.empty()) judge();
    return std::move(done_);
  }

 private:
  static ProposalInput with_guests(ProposalInput in) {
    if (in.wishes.empty())
      for (const int vm : proposed_guests(in.pve, in.config)) in.wishes.push_back({vm, {}, {}, {}});
    return in;
  }

  void error(std::string code, std::string subject, std::string message, std::string remedy) {
    done_.obstacles.push_back(
        {std::move(code), Severity::error, std::move(subject), std::move(message), std::move(remedy)});
  }

  std::string vm_name(int id) const {
    const PveVm* vm = in_.pve.vm(id);
    return vm ? vm->name : std::string();
  }

  void check_guests() {
    if (in_.wishes.empty())
      return error("no-guests", "VMs", "there is no VM that could get a part",
                   "Create the VMs in Proxmox VE first, size and sockets do not matter, then run this again");
    for (const auto& wish : in_.wishes) {
      if (!in_.pve.known) continue;
      // A lock passes; the plan waits for it.
      auto against = vm_obstacle(in_.pve, wish.vm);
      if (against && against->code != "vm-locked" && against->code != "pve-no-quorum")
        error("guest-unfit", against->subject, against->message, against->remedy);
    }
  }

  void check_machine() {
    const bool sockets = std::any_of(in_.wishes.begin(), in_.wishes.end(),
                                     [](const auto& wish) { return !wish.ports || !wish.ports->empty(); });
    if (!sockets) return;
    if (!in_.snapshot.iommu)
      return error("iommu-off-yet", "IOMMU", "it is off, so no socket can be given to a VM",
                   "Switch it on in the firmware setup (AMD-Vi or VT-d) and reboot, or give the VMs no sockets");
    if (in_.ports.ports.empty())
      return error("no-sockets", "sockets", "none has been learned yet, so none can be given to a VM",
                   "Run hostsplit learn and plug a stick into each socket, or give the VMs no sockets");
    groups_ = socket_groups(in_.snapshot, in_.ports, base_, in_.wishes.front().vm, taken_);
    check_asked();
  }

  /// Sockets that were asked for: each known, able to leave, and not together with one of another VM.
  void check_asked() {
    std::map<std::size_t, std::pair<int, std::string>> owner;
    for (const auto& wish : in_.wishes) {
      for (const auto& label : wish.ports.value_or(std::vector<std::string>())) {
        const auto index = group_with(label);
        if (!index) {
          error("port-unknown", label, fmt::format("VM {} is to get it, and it has not been learned", wish.vm),
                "Run hostsplit learn, or correct the label: hostsplit ports");
          continue;
        }
        const auto& group = groups_[*index];
        if (!group.never.empty())
          error("sockets-together", label, "it stays with the host: " + group.never,
                "Choose a socket of another group");
        const auto [first, fresh] = owner.try_emplace(*index, wish.vm, label);
        if (!fresh && first->second.first != wish.vm)
          error("sockets-together", label,
                describe(LeftOut{LeftOut::Kind::shares_group, label, wish.vm, group.group.value_or(0),
                                 first->second.second, first->second.first}),
                "Give both to one VM, or choose a socket of another group for one of them");
      }
    }
  }

  std::optional<std::size_t> group_with(const std::string& label) const {
    for (std::size_t index = 0; index < groups_.size(); ++index)
      if (std::count(groups_[index].labels.begin(), groups_[index].labels.end(), label)) return index;
    return std::nullopt;
  }

  void place() {
    std::set<int> guests;
    for (const auto& wish : in_.wishes) guests.insert(wish.vm);
    NodeRoom room = node_room(in_, done_.keep_free, guests);
    auto layouts = best_layouts(in_, room);
    if (layouts.empty()) {
      room = node_room(in_, done_.keep_free, guests, Containers::pass_over);
      layouts = best_layouts(in_, room);
    }
    if (layouts.empty()) return no_room(room);
    for (const auto& wish : in_.wishes) devices_.push_back(kept_devices(in_.snapshot, in_.pve, wish.vm));
    Leavable leavable(in_.snapshot, groups_, base_.may_lose, taken_);
    const Layout* best = nullptr;
    std::tuple<std::size_t, int> best_rank;
    std::set<std::vector<int>> seen;
    for (const auto& layout : layouts) {
      std::vector<std::set<int>> nodes;
      for (const auto& parts : layout) nodes.push_back(nodes_of(parts));
      // Nothing else about the nodes counts here.
      if (!seen.insert(distances_from(in_.snapshot, nodes, groups_, devices_)).second) continue;
      Dealt dealt = deal_sockets(in_.snapshot, groups_, in_.wishes, nodes, leavable);
      const std::tuple rank(guests_without(dealt).size(), distance(dealt, nodes));
      if (best && best_rank <= rank) continue;
      best = &layout;
      best_rank = rank;
      dealt_ = std::move(dealt);
    }
    if (const auto without = guests_without(dealt_); !without.empty()) return too_few_groups(without, leavable);
    for (std::size_t guest = 0; guest < in_.wishes.size(); ++guest) share(guest, (*best)[guest], room);
    share_cpus(*best);
    order_starts();
    leave_out(leavable);
  }

  void no_room(const NodeRoom& room) {
    std::vector<std::string> nodes;
    for (const auto& [node, pages] : room.pages)
      nodes.push_back(fmt::format("node {} has {}", node, format_size(pages * room.page_size)));
    std::string others;
    if (room.others != 0) others = fmt::format(", and other guests and ZFS need {}", format_size(room.others));
    error("no-room", "memory",
          fmt::format("the VMs do not fit: the host keeps {} of each node beside what it uses now{}; then {}",
                      format_size(done_.keep_free), others,
                      nodes.empty() ? "nothing is left" : fmt::format("{}", fmt::join(nodes, ", "))) +
              pve_bounds(),
          "Less memory for a VM, fewer VMs, a lower keep_free under [host], or more memory in the machine");
  }

  /// Empty where the machine is within them.
  std::string pve_bounds() const {
    if (!in_.pve.known || in_.snapshot.nodes.size() <= most_pve_nodes) return {};
    return fmt::format("; Proxmox VE puts a VM on at most {} of the nodes 0 to {}", most_pve_nodes, last_pve_node);
  }

  std::vector<int> guests_without(const Dealt& dealt) const {
    std::vector<int> without;
    for (std::size_t guest = 0; guest < in_.wishes.size(); ++guest) {
      const bool has = std::any_of(dealt.begin(), dealt.end(), [&](const auto& each) { return each.second == guest; });
      if (!has && !in_.wishes[guest].ports) without.push_back(in_.wishes[guest].vm);
    }
    return without;
  }

  int distance(const Dealt& dealt, const std::vector<std::set<int>>& nodes) const {
    int sum = 0;
    for (const auto& [index, guest] : dealt) sum += distance_to(in_.snapshot, groups_[index], nodes[guest]);
    for (std::size_t guest = 0; guest < nodes.size(); ++guest)
      for (const auto& device : devices_[guest]) sum += distance_to(in_.snapshot, device, nodes[guest]);
    return sum;
  }

  void too_few_groups(const std::vector<int>& without, Leavable& leavable) {
    std::vector<std::string> why;
    for (std::size_t index = 0; index < groups_.size(); ++index) {
      if (dealt_.count(index)) continue;
      std::set<std::size_t> leaving{index};
      for (const auto& [other, guest] : dealt_) leaving.insert(other);
      why.push_back(
          fmt::format("{} cannot leave: {}", fmt::join(groups_[index].labels, ", "), leavable.against(leaving)));
    }
    error("too-few-groups", "sockets",
          fmt::format("nothing is left for VM {}: of {} groups of learned sockets {} can go to VMs{}{}",
                      fmt::join(without, ", VM "), groups_.size(), dealt_.size(), why.empty() ? "" : "; ",
                      fmt::join(why, "; ")),
          card_remedy);
  }

  void share(std::size_t guest, const std::map<int, std::uint64_t>& parts, const NodeRoom& room) {
    const auto& wish = in_.wishes[guest];
    VmShare vm;
    vm.vm = wish.vm;
    vm.name = vm_name(wish.vm);
    vm.page_size = room.page_size;
    vm.all_cpus = true;
    for (const auto& [node, pages] : parts)
      if (pages != 0) vm.memory[node] = pages * room.page_size;
    vm.why_memory = {wish.memory ? Reason::Kind::asked : Reason::Kind::under_floor, 0, 0, room.others};
    int nearest = std::numeric_limits<int>::max();
    for (const auto& [index, to] : dealt_) {
      if (to != guest) continue;
      nearest = std::min(nearest, distance_to(in_.snapshot, groups_[index], nodes_of(parts)));
      for (const auto& label : groups_[index].labels)
        if (!wish.ports || std::count(wish.ports->begin(), wish.ports->end(), label)) vm.ports.push_back(label);
    }
    vm.why_ports = {wish.ports ? Reason::Kind::asked
                               : (vm.ports.empty() ? Reason::Kind::none_left : Reason::Kind::nearest_group)};
    vm.why_nodes = {Reason::Kind::own_node};
    if (nearest != std::numeric_limits<int>::max() && nearest != 0)
      vm.why_nodes = {Reason::Kind::near_sockets, 0, nearest};
    else if (are_on(in_.snapshot, devices_[guest], nodes_of(parts)))
      vm.why_nodes = {Reason::Kind::near_devices};
    if (!wish.nodes.empty())
      vm.why_nodes = {Reason::Kind::asked};
    else if (wish.memory && parts.size() > 1)
      vm.why_nodes = {Reason::Kind::too_large, static_cast<int>(parts.size())};
    done_.vms.push_back(std::move(vm));
  }

  void share_cpus(const Layout& layout) {
    for (const auto& [id, node] : in_.snapshot.nodes) {
      std::vector<std::uint64_t> weights;
      std::vector<VmShare*> on_it;
      for (std::size_t guest = 0; guest < layout.size(); ++guest)
        if (const auto parts = layout[guest].find(id); parts != layout[guest].end()) {
          weights.push_back(parts->second);
          on_it.push_back(&done_.vms[guest]);
        }
      if (on_it.empty()) continue;
      const auto shares = share_cores(in_.snapshot, node, weights);
      if (!shares)
        return error(
            "too-few-cores", fmt::format("node {}", id),
            fmt::format("{} VMs are to share it, and it has fewer cores (CPUs {})", on_it.size(), to_string(node.cpus)),
            "Fewer VMs, or NPS1 in the firmware setup, which makes one large node");
      for (std::size_t i = 0; i < on_it.size(); ++i) {
        on_it[i]->cpus.insert((*shares)[i].cpus.begin(), (*shares)[i].cpus.end());
        on_it[i]->all_cpus = on_it[i]->all_cpus && on_it.size() == 1;
        on_it[i]->why_cpus = (*shares)[i].why;
        if (on_it.size() > 1 && on_it[i]->memory.size() == 1 && on_it[i]->why_nodes.kind == Reason::Kind::own_node)
          on_it[i]->why_nodes = {Reason::Kind::shared_node, static_cast<int>(on_it.size())};
      }
    }
  }

  /// As Proxmox VE starts them once each has an order of its own, where it can have one: VMs with an order first.
  void order_starts() {
    std::set<int> together;
    std::map<int, int> orders;
    for (const auto& share : done_.vms) {
      const auto vm = in_.pve.next.find(share.vm);
      if (vm == in_.pve.next.end()) continue;
      if (vm->second.on_boot && !in_.pve.managed.count(share.vm)) together.insert(share.vm);
      if (vm->second.start_order) orders[share.vm] = *vm->second.start_order;
    }
    for (const auto& order : start_orders(in_.pve, together))
      if (order.set == 0)
        done_.starts_overlap = true;
      else
        orders[order.set] = parse_number<int>(pve_properties(order.value, "order")["order"]).value_or(0);
    std::vector<VmShare*> starts;
    for (auto& vm : done_.vms) starts.push_back(&vm);
    const auto rank = [&](const VmShare* share) {
      constexpr int behind_all = std::numeric_limits<int>::max();
      return std::pair(orders.count(share->vm) ? orders.at(share->vm) : behind_all, share->vm);
    };
    std::sort(starts.begin(), starts.end(), [&](const auto* a, const auto* b) { return rank(a) < rank(b); });
    for (std::size_t i = 0; i < starts.size(); ++i) starts[i]->start = static_cast<int>(i) + 1;
  }

  void leave_out(Leavable& leavable) {
    for (std::size_t index = 0; index < groups_.size(); ++index) {
      const auto& group = groups_[index];
      const auto to = dealt_.find(index);
      if (to == dealt_.end()) {
        std::set<std::size_t> leaving{index};
        for (const auto& [other, guest] : dealt_) leaving.insert(other);
        const std::string& against = leavable.against(leaving);
        for (const auto& label : group.labels)
          done_.left_out.push_back({against.empty() ? LeftOut::Kind::stays : LeftOut::Kind::host_needs,
                                    label,
                                    0,
                                    group.group.value_or(0),
                                    {},
                                    0,
                                    against});
      } else {
        leave_out_together(group, to->second);
      }
    }
  }

  /// Sockets of other controllers than the first: that they go along is not obvious.
  void leave_out_together(const SocketGroup& group, std::size_t owner) {
    const std::string& first = done_.vms[owner].ports.empty() ? group.labels.front() : done_.vms[owner].ports.front();
    const auto mine = group.controllers.find(first);
    if (mine == group.controllers.end()) return;
    for (const auto& label : group.labels) {
      const auto controller = group.controllers.find(label);
      if (controller == group.controllers.end() || controller->second == mine->second) continue;
      for (const auto& other : done_.vms)
        if (other.vm != done_.vms[owner].vm)
          done_.left_out.push_back(
              {LeftOut::Kind::shares_group, label, other.vm, group.group.value_or(0), first, done_.vms[owner].vm, {}});
    }
  }

  /// The result held against what every plan is held against.
  void judge() {
    const Config config = proposed_config(done_, in_.config, in_.pve.known);
    auto findings = resolve_claims(in_.snapshot, config, in_.ports).findings;
    for (auto& finding : check_pages(in_.snapshot, wanted_pages(config), config.keep_free))
      findings.push_back(std::move(finding));
    for (auto& finding : findings)
      if (finding.severity == Severity::error) done_.obstacles.push_back(std::move(finding));
  }

  const ProposalInput in_;
  const Config base_;
  const GuestTakes taken_;
  std::vector<SocketGroup> groups_;
  std::vector<std::vector<SocketGroup>> devices_;  ///< by guest, of kept_devices()
  Dealt dealt_;
  Proposal done_;
};

}  // namespace

bool can_hold_guests(const std::map<int, NumaNode>& nodes, int node) {
  const auto found = nodes.find(node);
  return found != nodes.end() && found->second.memory != 0 && !found->second.cpus.empty();
}

std::vector<int> proposed_guests(const PveConfigs& pve, const std::optional<Config>& config) {
  std::vector<int> guests;
  if (config)
    for (const auto& [id, vm] : config->vms) guests.push_back(id);
  if (!guests.empty()) return guests;
  constexpr std::size_t halves = 2;
  std::vector<std::pair<Kib, int>> by_memory;
  for (const auto& [id, vm] : pve.next)
    if (!vm.is_template) by_memory.emplace_back(vm.memory.value_or(0), id);
  std::sort(by_memory.begin(), by_memory.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second < b.second; });
  for (std::size_t i = 0; i < std::min(halves, by_memory.size()); ++i) guests.push_back(by_memory[i].second);
  std::sort(guests.begin(), guests.end());
  return guests;
}

Proposal propose(const ProposalInput& input) {
  return Proposer(input).run();
}

Config proposed_config(const Proposal& proposal, const std::optional<Config>& now, bool proxmox) {
  Config config = now.value_or(Config());
  config.keep_free = proposal.keep_free;
  if (!now && proxmox) config.guests = GuestPolicy::set;
  for (const auto& share : proposal.vms) {
    VmWish& vm = config.vms[share.vm];
    vm.id = share.vm;
    if (vm.name.empty()) vm.name = share.name;
    vm.node.reset();
    vm.memory = 0;
    vm.spread.clear();
    vm.page_size = share.page_size;
    if (share.memory.size() == 1) {
      vm.node = share.memory.begin()->first;
      vm.memory = share.memory.begin()->second;
    } else {
      vm.spread = share.memory;
    }
    // All of its nodes is the default; where it stands there already, it may.
    if (!share.all_cpus)
      vm.cpus = share.cpus;
    else if (vm.cpus != share.cpus)
      vm.cpus.reset();
    vm.ports.clear();
    for (const auto& label : share.ports) vm.ports.push_back({label, 0});
    if (!share.ports.empty()) vm.controllers.clear();
  }
  return config;
}

}  // namespace hostsplit
