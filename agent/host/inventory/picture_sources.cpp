#include "host/inventory/picture_sources.hpp"

#include <algorithm>
#include <set>

#include "formats/pci/pci_ids.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit {
namespace {

constexpr std::size_t largest_pci_ids = 8 << 20;  // it has 1.5 MB, and grows

/// Where the port objects of each hub are, by the hub's name: "usb1" -> "1-0:1.0".
std::map<std::string, std::string> hub_interfaces(const Root& root) {
  std::map<std::string, std::string> interfaces;
  for (const auto& name : root.list("sys/bus/usb/devices")) {
    const auto colon = name.find(':');
    if (colon == std::string::npos) continue;
    std::string hub = name.substr(0, colon);
    if (hub.ends_with("-0")) hub = "usb" + hub.substr(0, hub.size() - 2);
    interfaces.try_emplace(std::move(hub), name);
  }
  return interfaces;
}

bool valid_panel(const std::string& panel) {
  constexpr std::string_view known[] = {"top", "bottom", "left", "right", "front", "back"};
  return std::find(std::begin(known), std::end(known), panel) != std::end(known);
}

}  // namespace

std::map<PciAddress, std::string> read_controller_names(const Root& root, const Snapshot& snapshot) {
  std::map<PciAddress, std::string> names;
  std::set<PciIdPair> wanted;
  const auto ids_of = [&](const PciAddress& address) -> PciIdPair {
    const PciFunction* function = snapshot.function(address);
    return function ? PciIdPair{function->fingerprint.ids.vendor, function->fingerprint.ids.device} : PciIdPair{};
  };
  for (const auto& [address, controller] : snapshot.controllers) wanted.insert(ids_of(address));
  if (wanted.empty()) return names;
  const auto text = root.read("usr/share/misc/pci.ids", largest_pci_ids);
  if (!text) return names;
  const auto found = pci_names(*text, wanted);
  for (const auto& [address, controller] : snapshot.controllers)
    if (const auto name = found.find(ids_of(address)); name != found.end()) names[address] = name->second;
  return names;
}

PortPlaces read_port_places(const Root& root, const Snapshot& snapshot) {
  PortPlaces places;
  const auto interfaces = hub_interfaces(root);
  for (const auto& port : snapshot.ports) {
    const auto mark = port.name.rfind("-port");
    const auto interface = interfaces.find(port.name.substr(0, mark));
    if (mark == std::string::npos || interface == interfaces.end()) continue;
    const auto directory = "sys/bus/usb/devices/" + interface->second + "/" + port.name + "/physical_location/";
    const auto text = [&](const char* attribute) { return root.read(directory + attribute, 64).value_or(""); };
    PortPlace place{text("panel"), {}, {}};
    if (!valid_panel(place.panel) || text("dock") == "yes") continue;
    place.vertical = text("vertical_position");
    place.horizontal = text("horizontal_position");
    places[{port.controller, port.half, port.path}] = std::move(place);
  }
  return places;
}

}  // namespace hostsplit
