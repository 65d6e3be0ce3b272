#include "core/usb/keyboards.hpp"

#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "core/machine/use_via.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/tokens.hpp"

/// Keyboards by what they are, and other input devices.
namespace hostsplit::inventory_parts {
namespace {

/// All letters of a keyboard, KEY_Q to KEY_P, KEY_A to KEY_L, KEY_Z to KEY_M (linux/input-event-codes.h). Power
/// buttons, remote controls and mice lack them.
constexpr std::uint64_t letters() {
  std::uint64_t bits = 0;
  for (int key = 16; key <= 25; ++key) bits |= std::uint64_t{1} << key;
  for (int key = 30; key <= 38; ++key) bits |= std::uint64_t{1} << key;
  for (int key = 44; key <= 50; ++key) bits |= std::uint64_t{1} << key;
  return bits;
}

/// \param capabilities words in hexadecimal, the lowest keys last
bool has_letters(std::string_view capabilities) {
  const auto parts = words_of(capabilities);
  if (parts.empty()) return false;
  const auto lowest = to_number<std::uint64_t>(parts.back(), 16);
  return lowest && (*lowest & letters()) == letters();
}

/// The USB device an input device belongs to: the path up to its interface, "1-3:1.0".
std::string usb_device_of(const std::string& path) {
  for (auto at = path.find(':'); at != std::string::npos; at = path.find(':', at + 1)) {
    const auto begin = path.rfind('/', at);
    const auto name = std::string_view(path).substr(begin + 1, at - begin - 1);
    if (name.find('-') != std::string_view::npos && to_number<int>(name.substr(0, name.find('-'))))
      return path.substr(0, begin);
  }
  return {};
}

/// Adds what one interface of the device is (usb.org, class codes).
void read_interface(const Root& root, const std::string& interface, KeyboardEvidence& evidence) {
  const auto text = [&](const char* attribute) { return root.read(interface + "/" + attribute, 8).value_or(""); };
  if (reads_cards(root, interface)) evidence.smart_card = true;
  if (text("bInterfaceClass") == "03" && text("bInterfaceSubClass") == "01" && text("bInterfaceProtocol") == "01")
    evidence.boot_keyboard = true;
  if (reports_fido(root, interface)) evidence.fido = true;
}

KeyboardEvidence evidence_of(const Root& root, const std::string& path, const std::string& label) {
  KeyboardEvidence evidence;
  evidence.name = label;
  const auto device = usb_device_of(path);
  if (device.empty()) return evidence;
  const auto uevent = root.read(device + "/uevent", 4096).value_or("");
  const auto product = split(value_of(uevent, "PRODUCT"), '/');
  if (product.size() >= 2) {
    evidence.vendor = to_number<std::uint16_t>(product[0], 16).value_or(0);
    evidence.product = to_number<std::uint16_t>(product[1], 16).value_or(0);
  }
  for (const auto* attribute : {"manufacturer", "product"})
    evidence.name += " " + root.read(device + "/" + attribute, 256).value_or("");
  const std::string name(last_component(device));
  evidence.mouse_first = root.read(device + "/" + name + ":1.0/bInterfaceProtocol", 8) == "02";
  for (const auto& entry : root.list(device))
    if (entry.starts_with(name + ":")) read_interface(root, device + "/" + entry, evidence);
  return evidence;
}

/// Adapters a Bluetooth keyboard may be connected to: as the kernel registered them, else USB devices that are such.
std::vector<PciAddress> bluetooth_adapters(const Root& root, const Snapshot& snapshot) {
  std::vector<PciAddress> found;
  for (const auto& name : root.list("sys/class/bluetooth")) {
    const auto path = device_path(root, "sys/class/bluetooth/" + name);
    if (const auto function = path ? nearest_function(*path) : std::nullopt) found.push_back(*function);
  }
  if (!found.empty()) return found;
  for (const auto& device : snapshot.devices) {
    const auto uevent = root.read("sys/bus/usb/devices/" + device.name + "/uevent", 4096).value_or("");
    const bool by_class = value_of(uevent, "TYPE") == "224/1/1";  // Wireless, RF, Bluetooth (usb.org class codes)
    if (by_class || device.product_name.find("luetooth") != std::string::npos) found.push_back(device.controller);
  }
  return found;
}

void add_virtual_keyboard(const Root& root, Snapshot& snapshot, const std::string& path, HostUse use) {
  // bluetoothd brings its keyboards by uhid, with the bus of Bluetooth in their names; all else that is virtual, uinput
  // and uhid of other buses, is a program and nothing to log in with.
  if (path.find("/uhid/0005:") == std::string::npos) return;
  use.via = by_bluetooth;
  use.functions = bluetooth_adapters(root, snapshot);
  if (use.functions.empty()) use.unknown = "the Bluetooth adapter it is connected to was not found";
  snapshot.uses.push_back(std::move(use));
}

/// Attached over the network, or made by a program: nothing at this machine, and gone after the next boot
/// (drivers/usb/usbip/vhci_hcd.c, drivers/usb/gadget/udc/dummy_hcd.c).
bool of_no_socket(const std::string& path) {
  return path.find("/vhci_hcd.") != std::string::npos || path.find("/dummy_hcd.") != std::string::npos;
}

void read_input(const Root& root, Snapshot& snapshot, const std::string& name) {
  const auto path = device_path(root, "sys/class/input/" + name);
  if (!path || of_no_socket(*path)) return;
  const auto function = nearest_function(*path);
  const auto keys = root.read(*path + "/capabilities/key", 4096);
  const auto label = root.read(*path + "/name", 1024);
  if (!keys && !label) return;  // unplugged while we looked
  const auto kind = keys && has_letters(*keys) ? UseKind::keyboard : UseKind::input;
  HostUse use{kind, label.value_or(name), name, {}, false};
  if (function) use.functions.push_back(*function);
  if (kind == UseKind::keyboard && path->find("/devices/virtual/") != std::string::npos)
    return add_virtual_keyboard(root, snapshot, *path, std::move(use));
  if (kind == UseKind::keyboard) use.weak = weak_keyboard(evidence_of(root, *path, use.name));
  // By the kernel's own HIDP: .../bluetooth/hci0/hci0:256/0005:05AC:0239.0006/input/input9 (net/bluetooth/hidp).
  if (kind == UseKind::keyboard && path->find("/bluetooth/hci") != std::string::npos) use.via = by_bluetooth;
  // A PS/2 keyboard is attached to no PCI function and still is a keyboard the host keeps.
  if (!function && kind != UseKind::keyboard) return;
  snapshot.uses.push_back(std::move(use));
}

}  // namespace

void read_inputs(const Root& root, Snapshot& snapshot) {
  if (!root.exists("sys/class/input")) report_missing(snapshot, "sys/class/input", "keyboards are unknown");
  for (const auto& name : root.list("sys/class/input"))
    if (name.starts_with("input") && to_number<unsigned>(std::string_view(name).substr(5)))
      read_input(root, snapshot, name);
}

}  // namespace hostsplit::inventory_parts
