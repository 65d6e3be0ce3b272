#pragma once
#include <map>
#include <string>

#include "core/machine/snapshot.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// What only somebody who learns sockets asks about USB devices; by the sysfs name of the device.
struct UsbFacts {
  /// What the host uses it for: "a keyboard", "/ is mounted from it (sda2)". Those are not sticks to learn with.
  std::map<std::string, std::string> used;
  /// On which panel its socket is, where the firmware says (physical_location/panel of the port,
  /// Documentation/ABI/testing/sysfs-devices-physical_location): "front", "back", ...
  std::map<std::string, std::string> panels;
};
/// \param snapshot  of inventory(), a moment ago
UsbFacts read_usb_facts(const Root& root, const Snapshot& snapshot);

}  // namespace hostsplit
