#include <algorithm>
#include <map>
#include <tuple>

#include "host/inventory/parts.hpp"

/// USB root hubs, ports and devices (Documentation/ABI/testing/sysfs-bus-usb). A port's `disable` is never read:
/// that takes the hub's lock and wakes it up.
namespace hostsplit::inventory_parts {
namespace {

constexpr std::string_view usb_devices = "sys/bus/usb/devices/";

/// A hub or device that was found, while its details are still to be read.
struct Node {
  std::string path;  ///< "sys/devices/.../usb1/1-2"
  PciAddress controller;
  std::string interface;  ///< name of the first interface, "1-0:1.0"; ports are below it
};

struct Bus {
  PciAddress controller;
  UsbHalf half = UsbHalf::usb2;
};

/// One look at the bus: nodes by name, buses by number.
struct Survey {
  std::map<std::string, Node> nodes;
  std::map<int, Bus> buses;
};

/// "usb3" -> 3
std::optional<int> root_hub_bus(std::string_view name) {
  if (!name.starts_with("usb")) return std::nullopt;
  return to_number<int>(name.substr(3));
}

/// "1-1-port3" -> "1.3", "usb2-port1" -> "1"
std::string port_path(std::string_view name) {
  const auto mark = name.rfind("-port");
  if (mark == std::string_view::npos) return {};
  const auto number = name.substr(mark + 5);
  const auto hub = name.substr(0, mark);
  if (!to_number<unsigned>(number)) return {};
  const auto dash = hub.find('-');
  if (dash == std::string_view::npos) return std::string(number);
  return std::string(hub.substr(dash + 1)) + "." + std::string(number);
}

/// Port paths in the order of sockets: "2" before "10".
std::vector<unsigned> path_order(const std::string& path) {
  std::vector<unsigned> order;
  for (const auto part : split(path, '.')) order.push_back(to_number<unsigned>(part).value_or(0));
  return order;
}

Survey survey(const Root& root, Snapshot& snapshot) {
  Survey found;
  std::map<std::string, std::string> interfaces;
  for (const auto& name : root.list("sys/bus/usb/devices")) {
    if (const auto colon = name.find(':'); colon != std::string::npos) {
      interfaces.try_emplace(name.substr(0, colon), name);
      continue;
    }
    const auto path = device_path(root, std::string(usb_devices) + name);
    const auto controller = path ? nearest_function(*path) : std::nullopt;
    // Virtual and platform buses are below no PCI function: nothing that could be given away.
    if (!controller || !snapshot.functions.contains(*controller)) continue;
    // Whatever has a root hub is a controller, as dwc3 in host mode, whose class says otherwise.
    if (root_hub_bus(name))
      snapshot.controllers.try_emplace(*controller, Controller{*controller, ControllerKind::other, {}, {}});
    found.nodes[name] = {*path, *controller, {}};
  }
  for (auto& [name, node] : found.nodes) {
    const auto bus = root_hub_bus(name);
    const auto entry = interfaces.find(bus ? std::to_string(*bus) + "-0" : name);
    if (entry != interfaces.end()) node.interface = entry->second;
  }
  return found;
}

void read_port(const Root& root, Snapshot& snapshot, const Survey& found, const std::string& directory, int bus,
               const std::string& name) {
  const auto path = directory + "/" + name;
  const auto connect_type = root.read(path + "/connect_type", 64);
  const auto location = root.read(path + "/location", 64);
  if (!connect_type && !location) return;  // vanished while we looked
  UsbPort port;
  port.name = name;
  port.path = port_path(name);
  port.bus = bus;
  port.half = found.buses.at(bus).half;
  port.controller = found.buses.at(bus).controller;
  port.connect_type = connect_type.value_or("unknown");
  if (port.connect_type != "hotplug" && port.connect_type != "hardwired" && port.connect_type != "not used" &&
      port.connect_type != "unknown") {
    report_garbage(snapshot, path + "/connect_type", port.connect_type, "the connector's type is unknown");
    port.connect_type = "unknown";
  }
  if (location && location->starts_with("0x"))
    port.location = to_number<std::uint32_t>(std::string_view(*location).substr(2), 16).value_or(0);
  if (location && port.location == 0 && *location != "0x00000000")
    report_garbage(snapshot, path + "/location", *location, "the connector's location is unknown");
  if (const auto peer = root.link_name(path + "/peer")) {
    port.peer_path = port_path(*peer);
    if (port.peer_path->empty()) port.peer_path.reset();
  }
  // Its `device` link always leads to this name (drivers/usb/core/hub.c): no need to read it.
  const auto device = std::to_string(bus) + "-" + port.path;
  if (found.nodes.contains(device)) port.device = device;
  snapshot.ports.push_back(std::move(port));
}

/// \return how many ports the hub has.
int read_ports(const Root& root, Snapshot& snapshot, const Survey& found, const std::string& hub, int bus) {
  const auto& node = found.nodes.at(hub);
  if (node.interface.empty()) return 0;
  const auto directory = node.path + "/" + node.interface;
  int count = 0;
  for (const auto& name : root.list(directory)) {
    if (port_path(name).empty() || !name.starts_with(hub + "-port")) continue;
    read_port(root, snapshot, found, directory, bus, name);
    ++count;
  }
  return count;
}

/// Speeds as sysfs prints them (drivers/usb/core/sysfs.c), "1.5" included.
bool valid_speed(std::string_view speed) {
  constexpr std::string_view known[] = {"1.5", "12", "480", "5000", "10000", "20000"};
  return std::find(std::begin(known), std::end(known), speed) != std::end(known);
}

void read_root_hub(const Root& root, Snapshot& snapshot, Survey& found, const std::string& name, int bus) {
  const auto& node = found.nodes.at(name);
  const auto speed = root.read(node.path + "/speed", 64);
  if (!speed && !root.exists(node.path)) return;
  const std::string consequence = "the ports of bus " + std::to_string(bus) + " are left out";
  if (!speed) return report_missing(snapshot, node.path + "/speed", consequence);
  if (!valid_speed(*speed)) return report_garbage(snapshot, node.path + "/speed", *speed, consequence);
  const UsbHalf half = speed->size() >= 4 ? UsbHalf::usb3 : UsbHalf::usb2;  // 5000 and more
  found.buses[bus] = {node.controller, half};
  const int ports = read_ports(root, snapshot, found, name, bus);
  snapshot.controllers.at(node.controller).root_hubs.push_back({bus, half, *speed, ports});
}

/// "46d/c31c/6401" -> vendor and product
void read_product(std::string_view text, UsbDevice& device) {
  const auto parts = split(text, '/');
  if (parts.size() < 2) return;
  device.vendor = to_number<std::uint16_t>(parts[0], 16).value_or(0);
  device.product = to_number<std::uint16_t>(parts[1], 16).value_or(0);
}

void read_device(const Root& root, Snapshot& snapshot, const Survey& found, const std::string& name) {
  const auto dash = name.find('-');
  const auto bus = to_number<int>(std::string_view(name).substr(0, dash));
  if (dash == std::string::npos || !bus || !found.buses.contains(*bus)) return;
  const auto& node = found.nodes.at(name);
  const auto uevent = root.read(node.path + "/uevent", 4096);
  if (!uevent) return;  // unplugged while we looked
  const auto text = [&](const char* attribute) { return root.read(node.path + "/" + attribute, 1024); };
  UsbDevice device;
  device.name = name;
  device.bus = *bus;
  device.path = name.substr(dash + 1);
  device.half = found.buses.at(*bus).half;
  device.controller = node.controller;
  device.number = to_number<int>(value_of(*uevent, "DEVNUM")).value_or(0);
  device.hub = value_of(*uevent, "TYPE").starts_with("9/");
  read_product(value_of(*uevent, "PRODUCT"), device);
  const auto speed = text("speed");
  if (speed && valid_speed(*speed)) device.speed = *speed;
  if (speed && device.speed.empty())
    report_garbage(snapshot, node.path + "/speed", *speed, "the speed of " + name + " is unknown");
  device.version = text("version").value_or("");
  device.version.erase(0, device.version.find_first_not_of(' '));  // sysfs pads it: " 2.00"
  device.serial = text("serial").value_or("");
  device.manufacturer = text("manufacturer").value_or("");
  device.product_name = text("product").value_or("");
  if (device.hub) read_ports(root, snapshot, found, name, *bus);
  snapshot.devices.push_back(std::move(device));
}

void sort_ports(std::vector<UsbPort>& ports) {
  std::sort(ports.begin(), ports.end(), [](const UsbPort& a, const UsbPort& b) {
    if (std::tie(a.controller, a.half) != std::tie(b.controller, b.half))
      return std::tie(a.controller, a.half) < std::tie(b.controller, b.half);
    const auto left = path_order(a.path), right = path_order(b.path);
    return std::tie(left, a.bus) < std::tie(right, b.bus);
  });
}

}  // namespace

void read_usb(const Root& root, Snapshot& snapshot) {
  Survey found = survey(root, snapshot);
  for (const auto& [name, node] : found.nodes)
    if (const auto bus = root_hub_bus(name)) read_root_hub(root, snapshot, found, name, *bus);
  for (const auto& [name, node] : found.nodes) read_device(root, snapshot, found, name);
  for (auto& [address, controller] : snapshot.controllers)
    std::sort(controller.root_hubs.begin(), controller.root_hubs.end(),
              [](const RootHub& a, const RootHub& b) { return a.bus < b.bus; });
  sort_ports(snapshot.ports);
}

}  // namespace hostsplit::inventory_parts
