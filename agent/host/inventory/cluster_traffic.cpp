#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "core/base/text.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/routes.hpp"

/// What a cluster of Proxmox VE sends over which network card.
namespace hostsplit::inventory_parts {
namespace {

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
std::map<std::string, std::set<std::string>> cluster_interfaces(const Root& root, const std::vector<Traffic>& sent) {
  std::map<std::string, std::set<std::string>> found;
  const Network network(root);
  for (const auto& traffic : sent) {
    const auto reach = network.reach(traffic.address);
    if (!reach.unknown.empty()) continue;  // the interfaces that are in use are lifelines in any case
    for (const auto& interface : reach.interfaces)
      for (const auto& part : network.with_lowers(interface)) found[part].insert(traffic.purpose);
  }
  return found;
}

}  // namespace

void name_cluster_traffic(const Root& root, Snapshot& snapshot) {
  const auto sent = cluster_traffic(root);
  if (sent.empty()) return;
  const auto interfaces = cluster_interfaces(root, sent);
  for (auto& use : snapshot.uses) {
    if (use.kind != UseKind::network || use.device != use.name || !use.unknown.empty()) continue;
    if (const auto found = interfaces.find(use.name); found != interfaces.end())
      use.via = fmt::format("{}", fmt::join(found->second, ", "));
  }
}

}  // namespace hostsplit::inventory_parts
