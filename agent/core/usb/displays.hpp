#pragma once
#include <set>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/usb/guest_takes.hpp"

namespace hostsplit {

/// `boot-display` for each display among what goes that the firmware booted with, and `last-display` where displays go
/// and none stays. Displays are VGA-compatible and other display controllers (PCI class 0x0300, 0x0380); a 3D
/// controller (0x0302, accelerators and the second GPU of laptops) is one where its driver shows a connector, a virtual
/// function never.
/// \param leaving  what hostsplit gives away
/// \param guests  what VMs take by their own configurations
/// \param returning  what the same plan gives back to the host, and stays with it
std::vector<Finding> lost_displays(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                                   const GuestTakes& guests, const std::set<PciAddress>& returning = {});

}  // namespace hostsplit
