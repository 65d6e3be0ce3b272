#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

/// Network interfaces and whether the host can be reached without them.
namespace hostsplit::inventory_parts {
namespace {

/// Interfaces with a default route: destination and prefix length all zero.
std::set<std::string> default_route_interfaces(const Root& root) {
  std::set<std::string> names;
  const auto ipv4 = root.read("proc/net/route").value_or(""), ipv6 = root.read("proc/net/ipv6_route").value_or("");
  for (const auto line : split(ipv4, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() >= 8 && fields[1] == "00000000" && fields[7] == "00000000") names.emplace(fields[0]);
  }
  for (const auto line : split(ipv6, '\n')) {
    const auto fields = words_of(line);
    // The unreachable default on lo is always there.
    if (fields.size() >= 10 && fields[0] == "00000000000000000000000000000000" && fields[1] == "00" &&
        fields.back() != "lo")
      names.emplace(fields.back());
  }
  return names;
}

/// Bridges and bonds, which somebody made on purpose, and the Open vSwitch datapath below which all its ports stand.
bool carries_others(const Root& root, const std::string& interface) {
  const std::string directory = "sys/class/net/" + interface;
  return interface.starts_with("vmbr") || interface == "ovs-system" || root.exists(directory + "/bridge") ||
         root.exists(directory + "/bonding");
}

/// Adds an interface and everything below it: bridge ports, bond slaves, the parents of VLANs (`lower_*` links).
void add_with_lowers(const Root& root, const std::string& interface, std::set<std::string>& carrying) {
  if (!carrying.insert(interface).second) return;
  for (const auto& entry : root.list("sys/class/net/" + interface))
    if (entry.starts_with("lower_")) add_with_lowers(root, entry.substr(6), carrying);
}

}  // namespace

void read_network_uses(const Root& root, Snapshot& snapshot) {
  const auto interfaces = root.list("sys/class/net");
  if (interfaces.empty()) return;
  std::set<std::string> carrying;
  for (const auto& interface : default_route_interfaces(root)) add_with_lowers(root, interface, carrying);
  for (const auto& interface : interfaces)
    if (carries_others(root, interface)) add_with_lowers(root, interface, carrying);
  for (const auto& interface : interfaces) {
    const auto path = device_path(root, "sys/class/net/" + interface);
    const auto function = path ? nearest_function(*path) : std::nullopt;
    if (!function) continue;
    snapshot.uses.push_back({UseKind::network, interface, interface, *function, carrying.contains(interface)});
  }
}

}  // namespace hostsplit::inventory_parts
