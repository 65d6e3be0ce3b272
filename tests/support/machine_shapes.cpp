#include "support/machine_shapes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <stdexcept>
#include <string_view>

namespace hostsplit::testing {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw std::runtime_error(why);
}

/// "0000:03" of "0000:03:00.3"
std::string bus_of(const std::string& address) {
  return address.substr(0, address.rfind(':'));
}

std::string half_of(const UsbSpec& spec) {
  return spec.speed.size() >= 4 ? "usb3" : "usb2";
}

/// "046d:c31c"
bool are_ids(const std::string& text) {
  constexpr std::string_view digits = "0123456789abcdefABCDEF";
  constexpr std::size_t colon = 4, size = 9;
  if (text.size() != size || text[colon] != ':') return false;
  return std::count_if(text.begin(), text.end(), [&](char c) { return digits.find(c) != digits.npos; }) == size - 1;
}

bool is_speed(const std::string& text) {
  constexpr const char* speeds[] = {"1.5", "12", "480", "5000", "10000", "20000"};
  return std::find(std::begin(speeds), std::end(speeds), text) != std::end(speeds);
}

/// A link of PCI Express has one device at its end, number 0; virtual functions (SR-IOV) count on from there.
bool is_root_port(const PciSpec& spec) {
  return spec.below.starts_with("pci") && spec.driver == "pcieport" && is_bus_bridge(spec.pci_class);
}

}  // namespace

void Shapes::root(const std::string& name) {
  if (!name.starts_with("pci") || name.size() != 10) refuse(name + " is no host bridge: pciDDDD:BB");
  if (!bridges_.insert(name).second) refuse(name + " is there twice");
}

void Shapes::nested(const std::string& name, const std::string& below) {
  if (!name.starts_with("pci") || name.size() != 11) refuse(name + " is no host bridge of VMD: pci1xxxx:BB");
  if (!functions_.contains(below)) refuse("the fake host has no function " + below);
  bridges_.insert(name);
}

void Shapes::function(const PciSpec& spec, const RootPorts& ports, bool of_another) {
  const auto colon = spec.address.find(':');
  if (colon == std::string::npos || !parse_pci_address(spec.address.substr(colon + 1)))
    refuse(spec.address + " is no address");
  if (functions_.contains(spec.address)) refuse(spec.address + " is there twice");
  const auto bus = bus_of(spec.address);
  if (spec.below.starts_with("pci")) {
    if (!bridges_.contains(spec.below)) refuse("there is no host bridge " + spec.below);
    if (spec.below.substr(3) != bus) refuse(spec.address + " is not on the bus of " + spec.below);
  } else {
    const auto above = functions_.find(spec.below);
    if (above == functions_.end()) refuse("the fake host has no function " + spec.below);
    if (!is_bus_bridge(above->second.spec.pci_class)) refuse(spec.below + " is no bridge, so nothing is behind it");
    if (bus <= bus_of(spec.below)) refuse(spec.address + " has a bus number that is not above that of its bridge");
    const auto& one = bus_.try_emplace(spec.below, bus).first->second;
    if (one != bus) refuse(fmt::format("behind {} is bus {}, so {} is not there", spec.below, one, spec.address));
    const bool first = spec.address.substr(bus.size() + 1, 2) == "00";
    if (is_root_port(above->second.spec) && !first && !of_another)
      refuse(spec.address + " is not device 0, and behind a root port is no other");
    for (const auto& [other, number] : bus_)
      if (other != spec.below && number == bus) refuse(fmt::format("bus {} is behind {} already", bus, other));
  }
  if (!are_ids(spec.ids) || !are_ids(spec.subsystem)) refuse(spec.address + " has ids that are none: 1022:148c");
  at_least("usb2", ports.usb2, 0);
  at_least("usb3", ports.usb3, 0);
  if (spec.group) names_["group"].insert(std::to_string(*spec.group));
  if (spec.node >= 0 && !nodes_.contains(spec.node))
    refuse(fmt::format("{} is on node {}, which is not there", spec.address, spec.node));
  const bool any = ports.usb2 > 0 || ports.usb3 > 0;
  if (any && spec.pci_class >> 8 != 0x0c03)
    refuse(spec.address + " has sockets, but not the class of a USB controller");
  if (ports.usb3 > 0 && controller_kind(spec.pci_class) && controller_kind(spec.pci_class) != ControllerKind::xhci)
    refuse(spec.address + " has USB3 sockets, but is no xHCI");
  if (is_bus_bridge(spec.pci_class) && spec.driver == "vfio-pci") refuse("vfio-pci takes no bridge: " + spec.address);
  functions_[spec.address] = {spec, ports};
}

void Shapes::carries(const PciSpec& spec, const std::string& what) const {
  const auto base = spec.pci_class >> 16;
  const bool fits = what == "disk"        ? base == 0x01
                    : what == "interface" ? base == 0x02 || base == 0x0d || spec.pci_class == 0x0c0340
                                          : !is_bridge(spec.pci_class);
  if (!fits) refuse(fmt::format("{} of class {} has no {}", spec.address, class_text(spec.pci_class), what));
  if (spec.driver.empty()) refuse(fmt::format("{} has no driver, and so no {}", spec.address, what));
}

void Shapes::usb(const std::string& controller, const std::string& path, const UsbSpec& spec) {
  const auto known = functions_.find(controller);
  if (known == functions_.end()) refuse("the fake host has no function " + controller);
  const auto& driver = known->second.spec.driver;
  if (driver.empty() || is_vfio_driver(driver) || driver == "pci-stub")
    refuse(fmt::format("{} has {}, so nothing shows up there", controller, driver.empty() ? "no driver" : driver));
  if (!are_ids(spec.ids)) refuse(spec.ids + " are no ids: 046d:c31c");
  if (!is_speed(spec.speed)) refuse(spec.speed + " is no speed of USB: 1.5, 12, 480, 5000, 10000, 20000");
  at_least("hub_ports", spec.hub_ports, 0);
  const bool more =
      spec.keyboard || !spec.disk.empty() || !spec.interface.empty() || !spec.tty.empty() || !spec.bluetooth.empty();
  if (spec.hub_ports > 0 && more) refuse(path + " is a hub, and a hub is nothing else");
  const auto half = half_of(spec);
  const auto dot = path.rfind('.');
  const int number = std::stoi(path.substr(dot == std::string::npos ? 0 : dot + 1));
  int ports = half == "usb3" ? known->second.ports.usb3 : known->second.ports.usb2;
  if (dot != std::string::npos) {
    const auto hub = hubs_.find(controller + " " + half + " " + path.substr(0, dot));
    if (hub == hubs_.end())
      refuse(fmt::format("there is no {} hub at {} port {}", half, controller, path.substr(0, dot)));
    ports = hub->second;
  }
  if (number < 1 || number > ports)
    refuse(fmt::format("{} has {} {} port{} there, so there is no port {}", controller, ports, half,
                       ports == 1 ? "" : "s", path));
  const auto place = controller + " " + half + " " + path;
  if (!plugged_.insert(place).second) refuse("two devices are in " + place);
  if (spec.hub_ports > 0) hubs_[place] = spec.hub_ports;
  if (!spec.disk.empty()) disk(spec.disk, 0);
  if (!spec.interface.empty()) named("interface", spec.interface);
  if (!spec.tty.empty()) named("tty", spec.tty);
  if (!spec.bluetooth.empty()) named("adapter", spec.bluetooth);
}

void Shapes::node(int id) {
  at_least("id", id, 0);
  if (!nodes_.insert(id).second) refuse(fmt::format("node {} is there twice", id));
}

void Shapes::disk(const std::string& name, int partitions) {
  at_least("partitions", partitions, 0);
  named("block device", name);
  const bool digit = std::isdigit(static_cast<unsigned char>(name.back())) != 0;
  for (int number = 1; number <= partitions; ++number)
    named("block device", name + (digit ? "p" : "") + std::to_string(number));
}

void Shapes::named(const std::string& kind, const std::string& name) {
  constexpr std::size_t longest = 15;  // IFNAMSIZ
  if (name.empty()) refuse(kind + " without a name");
  if (kind == "interface" && name.size() > longest)
    refuse(fmt::format("{} is longer than {} characters, so no interface has that name", name, longest));
  if (!names_[kind].insert(name).second) refuse(fmt::format("{} {} is there twice", kind, name));
}

void Shapes::needs(const std::string& kind, const std::string& name) const {
  const auto known = names_.find(kind);
  if (known == names_.end() || !known->second.contains(name)) refuse(fmt::format("there is no {} {}", kind, name));
}

void Shapes::opens(const std::string& file) const {
  absolute(file);
  constexpr std::string_view devices = "/dev/";
  if (!file.starts_with(devices)) return;
  const auto name = file.substr(devices.size());
  for (const auto* block : {"sd", "nvme", "dm-", "md", "loop", "sr"})
    if (name.starts_with(block) && name.find('/') == std::string::npos) return needs("block device", name);
  for (const auto* line : {"ttyUSB", "ttyACM", "ttyS"})
    if (name.starts_with(line)) return needs("tty", name);
}

void Shapes::absolute(const std::string& path) const {
  if (!path.starts_with('/')) refuse(path + " is no path from the root");
}

void Shapes::at_least(const std::string& what, int number, int least) const {
  if (number < least) refuse(fmt::format("{} is {}, and at least {} is possible", what, number, least));
}

}  // namespace hostsplit::testing
