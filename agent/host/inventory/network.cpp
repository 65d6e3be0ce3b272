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

/// The directory of its interfaces stays with a device whose interface was moved into the network namespace of a
/// container or a service, and shows nothing here (net/core/net-sysfs.c).
void add_moved(const Root& root, Snapshot& snapshot, const std::string& name, const std::string& link) {
  const auto path = device_path(root, link);
  const auto function = path ? nearest_function(*path) : std::nullopt;
  if (!function || !root.exists(*path + "/net") || !root.list(*path + "/net").empty()) return;
  HostUse use{UseKind::network, "network card " + name, name, {*function}, true};
  use.via = "its interface is in the network namespace of a container or a service";
  snapshot.uses.push_back(std::move(use));
}

void read_moved(const Root& root, Snapshot& snapshot) {
  for (const auto& name : root.list("sys/bus/usb/devices"))
    if (name.find(':') != std::string::npos) add_moved(root, snapshot, name, "sys/bus/usb/devices/" + name);
  for (const auto& [address, function] : snapshot.functions)
    if (function.fingerprint.pci_class >> 16 == 0x02 && !function.driver.empty())
      add_moved(root, snapshot, to_string(address), "sys/bus/pci/devices/" + to_string(address));
}

}  // namespace

void read_network_uses(const Root& root, Snapshot& snapshot) {
  const Network network(root);
  auto used = network.in_use();
  if (!root.exists("proc/net/route") && !network.interfaces().empty()) {
    report_missing(snapshot, "proc/net/route", "every network interface is taken to be in use");
    used.insert(network.interfaces().begin(), network.interfaces().end());
  }
  read_moved(root, snapshot);
  for (const auto& interface : network.interfaces()) {
    if (const auto function = network.function_of(interface))
      snapshot.uses.push_back({UseKind::network, interface, interface, {*function}, used.contains(interface)});
    else if (interface.starts_with("ppp") && network.with_lowers(interface).size() == 1)
      read_ppp(root, snapshot, interface);
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
