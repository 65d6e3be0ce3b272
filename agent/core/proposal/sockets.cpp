#include "core/proposal/sockets.hpp"

#include <algorithm>
#include <limits>
#include <tuple>

#include "core/base/names.hpp"
#include "core/usb/claims.hpp"
#include "core/usb/guards.hpp"

namespace hostsplit {
namespace {

std::string first_error(const std::vector<Finding>& findings) {
  for (const auto& finding : findings)
    if (finding.severity == Severity::error) return finding.message;
  return {};
}

std::set<PciAddress> still_with_host(const Snapshot& snapshot, const std::set<PciAddress>& functions) {
  std::set<PciAddress> leaving;
  for (const auto& address : functions)
    if (snapshot.function(address)->driver != names::vfio_driver) leaving.insert(address);
  return leaving;
}

std::vector<std::string> texts_of(const std::vector<Named>& names) {
  std::vector<std::string> texts;
  for (const auto& name : names) texts.push_back(name.text);
  return texts;
}

/// What one socket takes along, as if some VM asked for it alone.
SocketGroup group_of(const Snapshot& snapshot, const PortMap& ports, const LearnedPort& port, const Config& base,
                     int vm, const GuestTakes& guests) {
  Config config = base;
  config.vms.clear();
  config.vms[vm].id = vm;
  config.vms[vm].ports = {{port.label, 0}};
  const Claims claims = resolve_claims(snapshot, config, ports);
  SocketGroup group;
  group.labels = {port.label};
  group.never = first_error(claims.findings);
  for (const auto& [address, claim] : claims.by_address) {
    group.functions.insert(address);
    const PciFunction& function = *snapshot.function(address);
    if (function.node && snapshot.nodes.count(*function.node)) group.nodes.insert(*function.node);
    if (!group.group) group.group = function.group;
  }
  if (const Located at = locate(snapshot, port.controller); at.kind == Located::Kind::found)
    group.controllers[port.label] = *at.address;
  if (group.never.empty())
    group.never = first_error(
        losses(snapshot, {still_with_host(snapshot, group.functions), {}, {}, texts_of(base.may_lose), guests}));
  return group;
}

}  // namespace

std::vector<SocketGroup> socket_groups(const Snapshot& snapshot, const PortMap& ports, const Config& base, int vm,
                                       const GuestTakes& guests) {
  std::vector<SocketGroup> groups;
  for (const auto& port : ports.ports) {
    SocketGroup group = group_of(snapshot, ports, port, base, vm, guests);
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const SocketGroup& other) {
      return !group.functions.empty() && other.functions == group.functions;
    });
    if (same == groups.end()) {
      groups.push_back(std::move(group));
    } else {
      same->labels.push_back(port.label);
      same->controllers.merge(group.controllers);
    }
  }
  return groups;
}

Leavable::Leavable(const Snapshot& snapshot, const std::vector<SocketGroup>& groups, const std::vector<Named>& may_lose,
                   GuestTakes guests)
    : snapshot_(snapshot),
      groups_(groups),
      may_lose_(texts_of(may_lose)),
      guests_(std::move(guests)) {}

const std::string& Leavable::against(const std::set<std::size_t>& chosen) {
  const auto [known, fresh] = known_.try_emplace(chosen);
  if (!fresh) return known->second;
  std::set<PciAddress> functions;
  for (const auto index : chosen) {
    functions.insert(groups_[index].functions.begin(), groups_[index].functions.end());
    if (!groups_[index].never.empty()) return known->second = groups_[index].never;
  }
  return known->second =
             first_error(losses(snapshot_, {still_with_host(snapshot_, functions), {}, {}, may_lose_, guests_}));
}

int distance_to(const Snapshot& snapshot, const SocketGroup& group, const std::set<int>& nodes) {
  int nearest = std::numeric_limits<int>::max();
  for (const int from : group.nodes)
    for (const int to : nodes) {
      const auto& distances = snapshot.nodes.at(from).distances;
      constexpr int unknown = 20;  // what ACPI calls remote
      const int distance = static_cast<std::size_t>(to) < distances.size() ? distances[static_cast<std::size_t>(to)]
                                                                           : (from == to ? 10 : unknown);
      nearest = std::min(nearest, distance);
    }
  return nearest == std::numeric_limits<int>::max() ? 0 : nearest;
}

std::vector<SocketGroup> kept_devices(const Snapshot& snapshot, const PveConfigs& pve, int vm) {
  std::vector<SocketGroup> devices;
  const PveVm* next = pve.next_start(vm);
  if (!next) return devices;
  for (const auto& line : next->host_pci) {
    SocketGroup device;
    for (const auto& wanted : addresses_of(line, pve))
      for (const auto& [address, function] : snapshot.functions)
        if (means(wanted, address) && !snapshot.controllers.count(address) && function.node &&
            snapshot.nodes.count(*function.node))
          device.nodes.insert(*function.node);
    if (!device.nodes.empty()) devices.push_back(std::move(device));
  }
  return devices;
}

std::vector<int> distances_from(const Snapshot& snapshot, const std::vector<std::set<int>>& nodes,
                                const std::vector<SocketGroup>& groups,
                                const std::vector<std::vector<SocketGroup>>& devices) {
  std::vector<int> all;
  for (std::size_t guest = 0; guest < nodes.size(); ++guest) {
    for (const auto& device : devices[guest]) all.push_back(distance_to(snapshot, device, nodes[guest]));
    for (const auto& group : groups) all.push_back(distance_to(snapshot, group, nodes[guest]));
  }
  return all;
}

bool are_on(const Snapshot& snapshot, const std::vector<SocketGroup>& devices, const std::set<int>& nodes) {
  constexpr int local = 10;  // what ACPI calls the distance of a node to itself
  return !devices.empty() && std::all_of(devices.begin(), devices.end(), [&](const SocketGroup& device) {
    return distance_to(snapshot, device, nodes) <= local;
  });
}

namespace {

/// Deals in rounds; a round that cannot serve everybody is not begun, except the first.
class Dealer {
 public:
  Dealer(const Snapshot& snapshot, const std::vector<SocketGroup>& groups, const std::vector<PartWanted>& wishes,
         const std::vector<std::set<int>>& nodes, Leavable& leavable)
      : snapshot_(snapshot),
        groups_(groups),
        wishes_(wishes),
        nodes_(nodes),
        leavable_(leavable) {}

  Dealt run() {
    for (std::size_t guest = 0; guest < wishes_.size(); ++guest) {
      if (!wishes_[guest].ports) {
        open_.push_back(guest);
        continue;
      }
      for (std::size_t index = 0; index < groups_.size(); ++index)
        for (const auto& label : groups_[index].labels)
          if (std::count(wishes_[guest].ports->begin(), wishes_[guest].ports->end(), label)) dealt_[index] = guest;
    }
    // The host counts as one of them: it keeps as many as each VM gets.
    const std::size_t rounds = open_.empty() ? 0 : std::max<std::size_t>(1, groups_.size() / (wishes_.size() + 1));
    for (std::size_t number = 0; number < rounds; ++number) {
      const Dealt before = dealt_;
      if (round()) continue;
      if (number != 0) dealt_ = before;
      break;
    }
    return dealt_;
  }

 private:
  bool round() {
    for (const auto guest : open_) {
      const auto index = nearest(guest);
      if (!index) return false;
      dealt_[*index] = guest;
    }
    return true;
  }

  std::optional<std::size_t> nearest(std::size_t guest) {
    std::optional<std::size_t> best;
    std::tuple<int, std::size_t> best_rank;
    for (std::size_t index = 0; index < groups_.size(); ++index) {
      if (dealt_.count(index) || !groups_[index].never.empty()) continue;
      std::set<std::size_t> leaving{index};
      for (const auto& [other, to] : dealt_) leaving.insert(other);
      if (!leavable_.against(leaving).empty()) continue;
      const std::tuple rank(distance_to(snapshot_, groups_[index], nodes_[guest]), index);
      if (best && best_rank <= rank) continue;
      best = index;
      best_rank = rank;
    }
    return best;
  }

  const Snapshot& snapshot_;
  const std::vector<SocketGroup>& groups_;
  const std::vector<PartWanted>& wishes_;
  const std::vector<std::set<int>>& nodes_;
  Leavable& leavable_;
  std::vector<std::size_t> open_;  ///< guests that asked for nothing
  Dealt dealt_;
};

}  // namespace

Dealt deal_sockets(const Snapshot& snapshot, const std::vector<SocketGroup>& groups,
                   const std::vector<PartWanted>& wishes, const std::vector<std::set<int>>& nodes, Leavable& leavable) {
  return Dealer(snapshot, groups, wishes, nodes, leavable).run();
}

}  // namespace hostsplit
