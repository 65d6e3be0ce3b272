#pragma once
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Adds to the uses what only those need who are about to take something, and what costs too much for a service that
/// looks again and again: disks, serial lines and USB devices that processes have open (/proc/*/fd), a UPS, and others.
void read_open_devices(const Root& root, Snapshot& snapshot);

/// Adds what guests other than those a function goes to lose with it: `usbN:`, raw disks, serial lines of VMs, device
/// entries of containers. Disks are lifelines, but for volumes on what is a lifeline itself. Says of network cards in
/// use what the cluster sends over them. Reads /etc/pve.
void read_guest_uses(const Root& root, const PveConfigs& pve, Snapshot& snapshot);

/// Of read_open_devices(): what the host does with USB devices that no open file shows: a UPS by its settings, what it
/// serves to others by USB/IP, and security keys that a login asks for.
void read_host_services(const Root& root, Snapshot& snapshot);

}  // namespace hostsplit
