#include "core/usb/learn.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "core/base/error.hpp"
#include "core/base/utf8.hpp"

namespace hostsplit {
namespace {

bool same_device(const UsbDevice& a, const UsbDevice& b) {
  return a.name == b.name && a.number == b.number && a.vendor == b.vendor && a.product == b.product &&
         a.serial == b.serial && a.controller == b.controller;
}

bool contains(const std::vector<UsbDevice>& devices, const UsbDevice& wanted) {
  return std::any_of(devices.begin(), devices.end(), [&](const auto& device) { return same_device(device, wanted); });
}

const UsbPort* port_at(const Snapshot& snapshot, const PciAddress& controller, UsbHalf half, const std::string& path) {
  for (const auto& port : snapshot.ports)
    if (port.controller == controller && port.half == half && port.path == path) return &port;
  return nullptr;
}

UsbHalf other_half(UsbHalf half) {
  return half == UsbHalf::usb2 ? UsbHalf::usb3 : UsbHalf::usb2;
}

/// The port of the other half that is the same connector, by the kernel's pairing or by the firmware's location.
const UsbPort* peer_of(const Snapshot& snapshot, const UsbPort& port) {
  if (port.peer_path) return port_at(snapshot, port.controller, other_half(port.half), *port.peer_path);
  if (port.location == 0) return nullptr;
  for (const auto& other : snapshot.ports)
    if (other.controller == port.controller && other.half != port.half && other.location == port.location)
      return &other;
  return nullptr;
}

/// Is that half of that controller already part of a learned port?
const LearnedPort* claimed_by(const PortMap& map, const Fingerprint& controller, UsbHalf half,
                              const std::string& path) {
  for (const auto& port : map.ports)
    if (port.controller == controller && port.half(half) && port.half(half)->path == path) return &port;
  return nullptr;
}

void observe(LearnedPort& port, const Snapshot& snapshot) {
  const Located located = locate(snapshot, port.controller);
  if (located.kind != Located::Kind::found) return;
  port.last_address = located.address;
  port.last_group = snapshot.function(*located.address)->group;
  const Controller* controller = snapshot.controller(*located.address);
  // A controller on vfio-pci has no buses; what was seen last stays the best that is known.
  if (!controller) return;
  for (const auto& hub : controller->root_hubs) {
    if (port.half(hub.half)) (hub.half == UsbHalf::usb2 ? port.last_bus_usb2 : port.last_bus_usb3) = hub.bus;
  }
}

LearnedPort new_port(const PortMap& map, const Snapshot& snapshot, const UsbDevice& device, const std::string& label) {
  const PciFunction* function = snapshot.function(device.controller);
  if (!function)
    throw Error("learn", label, "device " + device.name + " is not attached to a PCI controller",
                "Use a socket of a PCI USB controller.");
  LearnedPort port;
  port.label = label;
  port.controller = function->fingerprint;
  port.half(device.half) = LearnedHalf{device.path, true};

  const UsbPort* here = port_at(snapshot, device.controller, device.half, device.path);
  const UsbPort* peer = here ? peer_of(snapshot, *here) : nullptr;
  const UsbHalf peer_half = other_half(device.half);
  // The kernel may name a peer that it does not show.
  const auto path = peer ? std::optional(peer->path) : here ? here->peer_path : std::nullopt;
  if (path && !claimed_by(map, port.controller, peer_half, *path)) {
    port.half(peer_half) = LearnedHalf{*path, false};
    const bool firmware_says_so = here->location != 0 && peer && peer->location == here->location;
    port.pairing = firmware_says_so ? Pairing::location : Pairing::number;
  }
  observe(port, snapshot);
  return port;
}

}  // namespace

UsbChanges usb_changes(const Snapshot& before, const Snapshot& after) {
  UsbChanges changes;
  for (const auto& device : after.devices)
    if (!contains(before.devices, device)) changes.came.push_back(device);
  for (const auto& device : before.devices)
    if (!contains(after.devices, device)) changes.went.push_back(device);
  return changes;
}

std::string in_words(const UsbDevice& device) {
  auto name = device.product_name.empty() ? id_pair(device.vendor, device.product) : device.product_name;
  if (!device.serial.empty()) name += " (serial " + device.serial + ")";
  return name;
}

Recognition recognise(const PortMap& map, const Snapshot& snapshot, const UsbDevice& device) {
  for (std::size_t i = 0; i < map.ports.size(); ++i) {
    const LearnedPort& port = map.ports[i];
    const auto& half = port.half(device.half);
    if (!half || half->path != device.path) continue;
    const Located located = locate(snapshot, port.controller);
    if (located.address != device.controller) continue;
    if (located.kind == Located::Kind::found)
      return {half->seen ? Recognition::Kind::known : Recognition::Kind::other_half, i};
    if (located.kind == Located::Kind::other_device) return {Recognition::Kind::contradiction, i};
  }
  const UsbPort* port = port_at(snapshot, device.controller, device.half, device.path);
  const auto turned = port ? turned_plug(map, snapshot, *port) : std::nullopt;
  return turned ? Recognition{Recognition::Kind::known, *turned} : Recognition{};
}

std::optional<std::size_t> turned_plug(const PortMap& map, const Snapshot& snapshot, const UsbPort& port) {
  if (port.half != UsbHalf::usb3 || port.location == 0) return std::nullopt;
  for (std::size_t i = 0; i < map.ports.size(); ++i) {
    const auto& [usb2, usb3] = std::tie(map.ports[i].half(UsbHalf::usb2), map.ports[i].half(UsbHalf::usb3));
    if (!usb2 || !usb3 || usb3->path == port.path) continue;
    if (locate(snapshot, map.ports[i].controller).address != port.controller) continue;
    const UsbPort* side = port_at(snapshot, port.controller, UsbHalf::usb2, usb2->path);
    if (side && side->location == port.location) return i;
  }
  return std::nullopt;
}

PortMap learn_port(const PortMap& map, const Snapshot& snapshot, const UsbDevice& device, const std::string& label) {
  PortMap learned = map;
  const Recognition recognition = recognise(map, snapshot, device);
  const bool joined = recognition.kind == Recognition::Kind::known || recognition.kind == Recognition::Kind::other_half;
  if (joined && map.ports[recognition.index].label == label) {
    LearnedPort& port = learned.ports[recognition.index];
    if (port.half(device.half)->path == device.path) port.half(device.half)->seen = true;
    observe(port, snapshot);
    return learned;
  }
  require_new_label(map, label);
  if (recognition.kind == Recognition::Kind::known) {
    const std::string& name = map.ports[recognition.index].label;
    throw Error("use label", label, "this socket is already called " + name,
                "Rename it: hostsplit ports rename " + shell_word(name) + " " + shell_word(label),
                Error::Kind::bad_input);
  }
  if (recognition.kind == Recognition::Kind::other_half) {
    // The user says the inferred half is another connector: the inference was wrong, the user is right.
    LearnedPort& port = learned.ports[recognition.index];
    port.half(device.half).reset();
    port.pairing = Pairing::none;
  }
  learned.ports.push_back(new_port(learned, snapshot, device, label));
  return learned;
}

PortMap refresh_observations(const PortMap& map, const Snapshot& snapshot) {
  PortMap refreshed = map;
  for (auto& port : refreshed.ports) observe(port, snapshot);
  return refreshed;
}

namespace {

std::optional<Finding> check_controller(const LearnedPort& port, const Snapshot& snapshot) {
  const Located located = locate(snapshot, port.controller);
  const std::string relearn = "Run hostsplit learn and plug a stick into " + port.label +
                              " again, or remove it: hostsplit ports forget " + shell_word(port.label);
  switch (located.kind) {
    case Located::Kind::found: return std::nullopt;
    case Located::Kind::absent:
      return Finding{"port-absent", Severity::warning, port.label,
                     "its controller " + describe(port.controller) + " is not in this machine now",
                     "Put the card back, or remove the port: hostsplit ports forget " + shell_word(port.label)};
    case Located::Kind::other_device: {
      const auto& there = snapshot.function(*located.address)->fingerprint;
      return Finding{"port-map-contradiction", Severity::warning, port.label,
                     fmt::format("it was learned on {}, but {} sits there now ({})", describe(port.controller),
                                 id_pair(there.ids.vendor, there.ids.device), to_string(*located.address)),
                     relearn};
    }
    case Located::Kind::moved:
      return Finding{"port-map-contradiction", Severity::warning, port.label,
                     fmt::format("its controller {} is gone; {} has the same ids, but whether it is the same "
                                 "one is not known",
                                 describe(port.controller), to_string(*located.address)),
                     relearn};
  }
  return std::nullopt;
}

std::optional<Finding> check_path(const LearnedPort& port, const Snapshot& snapshot, UsbHalf which) {
  const Located located = locate(snapshot, port.controller);
  if (located.kind != Located::Kind::found || !port.half(which)) return std::nullopt;
  const Controller* controller = snapshot.controller(*located.address);
  if (!controller) return std::nullopt;
  const std::string& path = port.half(which)->path;
  const int first = std::atoi(path.c_str());
  for (const auto& hub : controller->root_hubs) {
    if (hub.half != which || hub.ports == 0 || first <= hub.ports) continue;
    return Finding{
        "port-map-contradiction", Severity::warning, port.label,
        fmt::format("its {} half is port {}, but {} has only {} of them", to_string(which), path,
                    to_string(*located.address), hub.ports),
        "Correct ports.toml, or forget and learn it again: hostsplit ports forget " + shell_word(port.label)};
  }
  return std::nullopt;
}

}  // namespace

std::vector<Finding> check_port_map(const PortMap& map, const Snapshot& snapshot) {
  std::vector<Finding> findings;
  for (auto port = map.ports.begin(); port != map.ports.end(); ++port) {
    if (auto finding = check_controller(*port, snapshot)) findings.push_back(*finding);
    for (const UsbHalf half : {UsbHalf::usb2, UsbHalf::usb3}) {
      if (auto finding = check_path(*port, snapshot, half)) findings.push_back(*finding);
      const auto twin = std::find_if(map.ports.begin(), port, [&](const auto& earlier) {
        return earlier.controller == port->controller && earlier.half(half) && port->half(half) &&
               earlier.half(half)->path == port->half(half)->path;
      });
      if (twin != port)
        findings.push_back({"port-map-contradiction", Severity::warning, port->label,
                            fmt::format("{} and it claim the same place, {} half {}", twin->label, to_string(half),
                                        port->half(half)->path),
                            "Remove one of them: hostsplit ports forget " + shell_word(port->label)});
    }
  }
  return findings;
}

}  // namespace hostsplit
