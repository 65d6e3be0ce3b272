#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// What VMs of Proxmox VE that run or start with the host take from it by their own configurations, and which VM: it
/// does not stay, whatever hostsplit gives away.
struct GuestTakes {
  std::map<PciAddress, int> functions;   ///< hostpciN, mappings and args, with what goes along in their groups
  std::map<std::string, int> keyboards;  ///< by HostUse::device ("input3"): usbN, mappings and args
  bool operator==(const GuestTakes&) const = default;
};
GuestTakes taken_by_guests(const PveConfigs& pve, const Snapshot& snapshot);

/// The functions a hostpciN line names that the machine has.
std::set<PciAddress> named_by(const PveHostPci& line, const PveConfigs& pve, const Snapshot& snapshot);

/// What QEMU arguments give a VM past every hostpciN line, as such a line: `-device vfio-pci,host=ADDRESS`,
/// `sysfsdev=PATH`, and the same in JSON.
PveHostPci line_of_arguments(std::string_view args);

/// What Proxmox VE gives to vfio-pci with the function, without asking: the other members of its group but those with
/// a bus below them (PVE::SysFSTools, pci_dev_group_bind_to_vfio).
std::set<PciAddress> taken_along_with(const PciFunction& function, const Snapshot& snapshot);

}  // namespace hostsplit
