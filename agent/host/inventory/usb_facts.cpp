#include "host/inventory/usb_facts.hpp"

#include "core/usb/guards.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit {
namespace {

using namespace inventory_parts;

/// The USB device that a kernel device is or sits on, the nearest one; empty where there is none.
std::string usb_device_below(const Root& root, const Snapshot& snapshot, const std::string& kernel_device) {
  for (const char* place : {"sys/class/input/", "sys/class/block/", "sys/class/net/", "sys/class/tty/"}) {
    const auto path = device_path(root, place + kernel_device);
    if (!path) continue;
    std::string found;
    for (const auto part : split(*path, '/'))
      if (const auto* device = snapshot.device(std::string(part))) found = device->name;
    if (!found.empty()) return found;
  }
  return "";
}

std::string what_for(const HostUse& use) {
  if (use.kind == UseKind::keyboard) return use.weak.empty() ? "a keyboard" : use.weak;
  return use_text(use);
}

}  // namespace

UsbFacts read_usb_facts(const Root& root, const Snapshot& snapshot) {
  UsbFacts facts;
  for (const auto& use : snapshot.uses) {
    if (!use.lifeline && use.kind != UseKind::keyboard) continue;
    if (const auto device = usb_device_below(root, snapshot, use.device); !device.empty())
      facts.used.try_emplace(device, what_for(use));
  }
  for (const auto& device : snapshot.devices)
    if (const auto panel = root.read("sys/bus/usb/devices/" + device.name + "/port/physical_location/panel", 32))
      facts.panels[device.name] = *panel;
  return facts;
}

}  // namespace hostsplit
