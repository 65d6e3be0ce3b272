#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "core/base/text.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/routes.hpp"

/// Network interfaces and whether somebody uses them.
namespace hostsplit::inventory_parts {
namespace {

/// Interfaces that are up and have no known use: one of them must have what could not be found.
std::vector<PciAddress> candidates(const Root& root, const Network& network, const std::set<std::string>& used) {
  std::vector<PciAddress> found;
  for (const auto& interface : network.interfaces()) {
    if (used.contains(interface) || root.read("sys/class/net/" + interface + "/operstate", 64) == "down") continue;
    if (const auto function = network.function_of(interface)) found.push_back(*function);
  }
  return found;
}

/// pppd holds the modem; which one is known from its open files.
void read_ppp(const Root& root, Snapshot& snapshot, const std::string& interface) {
  std::vector<PciAddress> modems;
  for (const auto& name : root.list("sys/class/tty")) {
    if (!name.starts_with("ttyUSB") && !name.starts_with("ttyACM")) continue;
    const auto path = device_path(root, "sys/class/tty/" + name);
    if (const auto function = path ? nearest_function(*path) : std::nullopt) modems.push_back(*function);
  }
  for (const auto& pid : root.list("proc")) {
    if (!to_number<int>(pid) || root.read("proc/" + pid + "/comm", 64) != "pppd") continue;
    for (const auto& fd : root.list("proc/" + pid + "/fd")) {
      const auto file = root.link_text("proc/" + pid + "/fd/" + fd).value_or("");
      if (!file.starts_with("/dev/tty")) continue;
      const auto path = device_path(root, "sys/class/tty/" + file.substr(5));
      if (const auto function = path ? nearest_function(*path) : std::nullopt) {
        snapshot.uses.push_back({UseKind::network, interface, file.substr(5), {*function}, true});
        return;
      }
    }
  }
  if (modems.empty()) return;
  HostUse use{UseKind::network, interface, interface, modems, true};
  use.unknown = "which modem it runs over could not be found out";
  snapshot.uses.push_back(std::move(use));
}

/// What a cluster sends, and an address it goes to.
struct Traffic {
  std::string purpose;
  std::string address;
};

/// "10.1.2.0/24, 10.1.3.0/24" as addresses.
void add_networks(std::string_view text, const std::string& purpose, std::vector<Traffic>& found) {
  while (!text.empty()) {
    const auto network = trimmed(cut(text, ','));
    if (!network.empty()) found.push_back({purpose, std::string(network.substr(0, network.find('/')))});
  }
}

/// corosync.conf(5), ceph.conf, and `migration: network=` of datacenter.cfg.
std::vector<Traffic> cluster_traffic(const Root& root) {
  std::vector<Traffic> found;
  auto text = root.read("etc/corosync/corosync.conf").value_or("");
  for (const auto line : split(text, '\n')) {
    auto rest = trimmed(line);
    const auto key = cut(rest, ':');
    if (key.starts_with("ring") && key.ends_with("_addr")) add_networks(rest, "corosync", found);
  }
  text = root.read("etc/pve/ceph.conf").value_or("");
  for (const auto line : split(text, '\n')) {
    auto rest = line;
    std::string key(trimmed(cut(rest, '=')));
    std::replace(key.begin(), key.end(), ' ', '_');
    if (key == "public_network" || key == "cluster_network") add_networks(rest, "Ceph", found);
  }
  text = root.read("etc/pve/datacenter.cfg").value_or("");
  for (const auto line : split(text, '\n')) {
    if (!line.starts_with("migration:")) continue;
    const auto at = line.find("network=");
    if (at != std::string_view::npos)
      add_networks(line.substr(at + 8, line.find(',', at) - at - 8), "migration", found);
  }
  return found;
}

/// Interface to what the cluster sends over it, for people.
std::map<std::string, std::set<std::string>> cluster_interfaces(const Root& root, const Network& network) {
  std::map<std::string, std::set<std::string>> found;
  for (const auto& traffic : cluster_traffic(root)) {
    const auto reach = network.reach(traffic.address);
    if (!reach.unknown.empty()) continue;  // the interfaces that are in use are lifelines in any case
    for (const auto& interface : reach.interfaces)
      for (const auto& part : network.with_lowers(interface)) found[part].insert(traffic.purpose);
  }
  return found;
}

}  // namespace

void read_network_uses(const Root& root, Snapshot& snapshot) {
  const Network network(root);
  const auto used = network.in_use();
  const auto traffic = cluster_interfaces(root, network);
  for (const auto& interface : network.interfaces()) {
    if (const auto function = network.function_of(interface)) {
      HostUse use{UseKind::network, interface, interface, {*function}, used.contains(interface)};
      if (const auto sent = traffic.find(interface); sent != traffic.end())
        use.via = fmt::format("{}", fmt::join(sent->second, ", "));
      snapshot.uses.push_back(std::move(use));
    } else if (interface.starts_with("ppp") && network.with_lowers(interface).size() == 1) {
      read_ppp(root, snapshot, interface);
    }
  }
  for (const auto& address : network.addresses_without_interface()) {
    auto maybe = candidates(root, network, used);
    if (maybe.empty()) continue;
    HostUse use{UseKind::network, "address " + address, address, std::move(maybe), true};
    use.unknown = "no route shows which interface has this address";
    snapshot.uses.push_back(std::move(use));
  }
}

}  // namespace hostsplit::inventory_parts
