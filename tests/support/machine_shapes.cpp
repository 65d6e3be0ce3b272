#include "support/machine_shapes.hpp"

#include <fmt/format.h>

#include <stdexcept>

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

void Shapes::function(const PciSpec& spec, const RootPorts& ports) {
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
    for (const auto& [other, number] : bus_)
      if (other != spec.below && number == bus) refuse(fmt::format("bus {} is behind {} already", bus, other));
  }
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
  if (known->second.spec.driver.empty()) refuse(controller + " has no driver, so nothing shows up there");
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
}

}  // namespace hostsplit::testing
