#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

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

/// Whether the start of the VM gives what the line names to vfio-pci. With `mdev=` a part of the card is made for it
/// and the driver stays, with `driver=keep` as well (PVE::QemuServer::PCI, prepare_pci_device).
bool binds_to_vfio(const PveHostPci& line);

/// True when what the line's address means is behind this function (Intel VMD). Proxmox VE gives that function to
/// vfio-pci with it: both are in one group (PVE::SysFSTools, pci_dev_group_bind_to_vfio; drivers/pci/search.c,
/// pci_for_each_dma_alias by pci_real_dma_dev), and all the other disks behind it go along.
bool carries(const PciFunction& function, const PveHostAddress& wanted);

/// The functions a hostpciN line names that the machine has; for what is behind Intel VMD, the one that carries it.
std::set<PciAddress> named_by(const PveHostPci& line, const PveConfigs& pve, const Snapshot& snapshot);

/// What QEMU arguments give a VM past every hostpciN line, as such a line: `-device vfio-pci,host=ADDRESS`,
/// `sysfsdev=PATH`, and the same in JSON.
PveHostPci line_of_arguments(std::string_view args);

/// What QEMU arguments give a VM of the host's USB devices: `-device usb-host,...`, and the same in JSON.
struct UsbOfArguments {
  std::optional<std::uint16_t> vendor, product;
  std::string host_bus, host_port, host_address;  ///< as written; empty where they are not
};
std::vector<UsbOfArguments> usb_of_arguments(std::string_view args);

/// What Proxmox VE gives to vfio-pci with the function, without asking: the other members of its group but those with
/// a bus below them (PVE::SysFSTools, pci_dev_group_bind_to_vfio).
std::set<PciAddress> taken_along_with(const PciFunction& function, const Snapshot& snapshot);

}  // namespace hostsplit
