#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/routes.hpp"

/// Network interfaces and whether somebody uses them.
namespace hostsplit::inventory_parts {
namespace {

/// Interfaces that are up and have no known use: one of them must have what could not be found.
std::vector<PciAddress> candidates(const Network& network, const std::set<std::string>& used) {
  std::vector<PciAddress> found;
  for (const auto& interface : network.interfaces()) {
    if (used.contains(interface) || network.is_down(interface)) continue;
    if (const auto function = network.function_of(interface)) found.push_back(*function);
  }
  return found;
}

/// pppd runs over a pseudo terminal, which a VPN has at its other end, and over no line of its own. Those of its
/// standard descriptors tell only where it was started; without any other it may be waiting to dial.
bool over_a_pseudo_terminal(const Root& root, const std::string& pid) {
  bool pseudo = false;
  for (const auto& fd : root.list("proc/" + pid + "/fd")) {
    const auto file = root.link_text("proc/" + pid + "/fd/" + fd);
    if (!file || (file->starts_with("/dev/tty") && *file != "/dev/tty")) return false;
    pseudo = pseudo || (file->starts_with("/dev/pts/") && to_number<int>(fd).value_or(0) > 2);
  }
  return pseudo;
}

/// pppd holds the modem; which one is known from its open files.
void read_ppp(const Root& root, Snapshot& snapshot, const std::string& interface) {
  std::vector<PciAddress> modems;
  bool any = false, all_pseudo = true;
  for (const auto& name : root.list("sys/class/tty")) {
    if (!name.starts_with("ttyUSB") && !name.starts_with("ttyACM")) continue;
    const auto path = device_path(root, "sys/class/tty/" + name);
    if (const auto function = path ? nearest_function(*path) : std::nullopt) modems.push_back(*function);
  }
  for (const auto& pid : root.list("proc")) {
    if (!to_number<int>(pid) || root.read("proc/" + pid + "/comm", 64) != "pppd") continue;
    any = true;
    all_pseudo = all_pseudo && over_a_pseudo_terminal(root, pid);
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
  if (modems.empty() || (any && all_pseudo)) return;
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

/// Daemons that listen on every card there is, for what its neighbour or a DHCP server says.
bool listens_everywhere(const std::string& command) {
  static const std::set<std::string> names{"lldpd",           "lldpad", "ladvd",    "cdpd",
                                           "systemd-network", "dhcpcd", "dhclient", "NetworkManager"};
  return names.contains(command);
}

/// Who has a socket open; empty where nobody does who can be seen.
std::string owner_of_socket(const Root& root, std::string_view inode) {
  const auto wanted = "socket:[" + std::string(inode) + "]";
  for (const auto& pid : root.list("proc")) {
    if (!to_number<int>(pid)) continue;
    for (const auto& fd : root.list("proc/" + pid + "/fd"))
      if (root.link_text("proc/" + pid + "/fd/" + fd) == wanted) {
        const auto command = root.read("proc/" + pid + "/comm", 64).value_or("process");
        return listens_everywhere(command) ? std::string() : command + " (process " + pid + ")";
      }
  }
  return {};
}

/// Programs that listen to all that arrives at a card without an address (net/packet/af_packet.c): sk, RefCnt, Type,
/// Proto (ETH_P_ALL), Iface, R, Rmem, User, Inode.
void read_listeners(const Root& root, const Network& network, const std::set<std::string>& used, Snapshot& snapshot) {
  const auto text = root.read("proc/net/packet").value_or("");
  std::set<std::pair<std::string, std::string>> told;
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 9 || fields[3] != "0003" || fields[4] == "0") continue;
    for (const auto& interface : network.interfaces()) {
      const auto function = used.contains(interface) ? std::nullopt : network.function_of(interface);
      if (!function || root.read("sys/class/net/" + interface + "/ifindex", 32) != fields[4]) continue;
      const auto who = owner_of_socket(root, fields[8]);
      if (!who.empty() && told.emplace(who, interface).second)
        snapshot.uses.push_back({UseKind::process, who, interface, {*function}});
    }
  }
}

bool is_told(const Snapshot& snapshot, const std::string& interface) {
  return std::any_of(snapshot.uses.begin(), snapshot.uses.end(), [&](const auto& use) {
    return use.kind == UseKind::network && use.name == interface && use.unknown.empty();
  });
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
    if (is_told(snapshot, interface)) continue;  // the boot needs it
    if (const auto function = network.function_of(interface))
      snapshot.uses.push_back({UseKind::network, interface, interface, {*function}, used.contains(interface)});
    else if (interface.starts_with("ppp") && network.with_lowers(interface).size() == 1)
      read_ppp(root, snapshot, interface);
  }
  for (const auto& address : network.addresses_without_interface()) {
    auto maybe = candidates(network, used);
    if (maybe.empty()) continue;
    HostUse use{UseKind::network, "address " + address, address, std::move(maybe), true};
    use.unknown = "no route shows which interface has this address";
    snapshot.uses.push_back(std::move(use));
  }
  read_listeners(root, network, used, snapshot);
}

}  // namespace hostsplit::inventory_parts
