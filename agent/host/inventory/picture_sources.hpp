#pragma once
#include <map>
#include <string>

#include "core/machine/snapshot.hpp"
#include "core/picture/panels.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// What only a picture needs, and inventory() therefore does not read.

/// Names of the USB controllers from the pci.ids of the machine (Debian package pci.ids); those without one are left
/// out.
std::map<PciAddress, std::string> read_controller_names(const Root& root, const Snapshot& snapshot);

/// Where firmware says the ports are (ACPI _PLD; Documentation/ABI/testing/sysfs-devices-physical_location). Left out:
/// ports it says nothing about, those of a docking station, and values no kernel writes.
PortPlaces read_port_places(const Root& root, const Snapshot& snapshot);

}  // namespace hostsplit
