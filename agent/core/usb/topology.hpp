#pragma once
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/port_map.hpp"
#include "core/usb/guards.hpp"

namespace hostsplit {

/// What the machine's layout makes of these claims, as warnings: groups that only pcie_acs_override separates from what
/// the host needs (`acs-override`), and sockets that an EHCI of an Intel 7 to 9 series chipset shares with the xHCI
/// (`shares-sockets`; drivers/usb/host/pci-quirks.c, usb_enable_intel_xhci_ports).
std::vector<Finding> note_topology(const Snapshot& snapshot, const std::vector<Claim>& claims);

/// Labels of learned sockets by where their halves are now.
SocketLabels socket_labels(const Snapshot& snapshot, const PortMap& ports);

/// True for the xHCI of an Intel 7, 8 or 9 series chipset: its sockets can be switched to EHCI.
bool switches_to_ehci(const PciIds& ids);

}  // namespace hostsplit
