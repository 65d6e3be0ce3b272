#pragma once
#include <set>
#include <string>
#include <vector>

#include "core/state/config.hpp"
#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// What the host would lose if it gave these functions away, as errors: lifelines (`group-lifeline`), the last
/// keyboard (`last-keyboard`), the last USB controller (`last-usb`). They become warnings where `may_lose`
/// names them: "keyboard", "usb", or a lifeline by its name or device ("/mnt/backup", "enp5s0", "ttyS4"); never "/".
std::vector<Finding> guard_lifelines(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                                     const std::vector<Named>& may_lose);

/// Why the host cannot do without a function: "/ is mounted from it (nvme0n1p2)".
std::string use_text(const HostUse& use);
/// \return a lifeline that stands on the function, or nullptr.
const HostUse* lifeline_on(const Snapshot& snapshot, const PciAddress& address);

/// Functions that must change driver while a process holds their group open (`group-in-use`): unbinding would ask the
/// guest to give the device up and then block for as long as it runs (drivers/vfio/vfio_main.c).
std::vector<Finding> guard_holders(const Snapshot& snapshot, const std::set<PciAddress>& moving);

/// \return the holder of the function's group, or nullptr.
const GroupHolder* holder_of(const Snapshot& snapshot, const PciAddress& address);

}  // namespace hostsplit
