#pragma once
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/usb/guest_takes.hpp"

namespace hostsplit {

/// A set of functions that is to leave the host, all at once.
struct Departure {
  std::set<PciAddress> leaving;
  std::map<PciAddress, int> to = {};       ///< the VM each of them goes to, as far as known
  std::set<PciAddress> returning = {};     ///< functions the same plan gives back to the host
  std::vector<std::string> may_lose = {};  ///< given up by explicit wish
  GuestTakes guests = {};                  ///< what VMs take by themselves, and so does not stay with the host
};

/// The one question: what does the host or another guest lose if these functions, and everything behind those of them
/// that are bridges, leave? Asked for claims, explicit functions, hostpciN lines of Proxmox VE, the start of a VM,
/// take, repair and doctor alike. Errors:
///   group-lifeline    something that must not be lost depends on one of them
///   lifeline-unknown  something in use could not be followed to hardware, and may depend on one of them
///   last-keyboard     no keyboard would stay at which somebody can log in, or type the passphrase of the root disk
///   last-usb          no controller with working sockets would stay
/// What `guests` take does not stay, either.
/// and as warnings what a guest or a process uses and can do without (`guest-loses`, `process-loses`), and what the VM
/// that gets a function names of it by a file of the host, without which it does not start (`guest-loses`).
/// An error becomes a warning where `may_lose` names it: "keyboard", "usb", or a use by its name or device
/// ("/mnt/backup", "enp5s0", "ttyS4", "VM 105"). Never what the boot depends on: `/`, `/boot`, the ESP, and the only
/// keyboard where the root disk is opened by a passphrase.
std::vector<Finding> losses(const Snapshot& snapshot, const Departure& departure);

/// What was given up when the plan was applied, and for what is done at boot or for a single VM always "keyboard" and
/// "usb": whoever gave the controllers away knew.
std::vector<std::string> given_up_when_applied(const BootPlan& applied);

/// The functions, all that sit behind those of them that are bridges or keep tunnels (USB4 and Thunderbolt host
/// interfaces, with what the kernel links to them; where it links no port, all that may be in a dock), and the virtual
/// functions (SR-IOV) of those: they go with it.
std::set<PciAddress> with_all_behind(const Snapshot& snapshot, const std::set<PciAddress>& functions);

/// Why the host cannot do without a function: "/ is mounted from it (nvme0n1p2)".
std::string use_text(const HostUse& use);
/// \return a lifeline that depends on the function or on one behind it, or nullptr.
const HostUse* lifeline_on(const Snapshot& snapshot, const PciAddress& address);

/// Names of sockets by controller, half and port path.
using SocketLabels = std::map<std::tuple<PciAddress, UsbHalf, std::string>, std::string>;

/// What is plugged into each controller that leaves, by the name of its socket where that was learned (`plugged-in`).
std::vector<Finding> plugged_in(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                                const SocketLabels& label_of);

/// Functions that must change driver while a process holds their group open (`group-in-use`): unbinding would ask the
/// guest to give the device up and then block for as long as it runs (drivers/vfio/vfio_main.c). So does the end of a
/// virtual function (SR-IOV), which goes with its physical one.
std::vector<Finding> guard_holders(const Snapshot& snapshot, const std::set<PciAddress>& moving);

/// \return the holder of the function's group, or nullptr.
const GroupHolder* holder_of(const Snapshot& snapshot, const PciAddress& address);

}  // namespace hostsplit
