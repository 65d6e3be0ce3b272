#include <algorithm>
#include <set>

#include "host/inventory/follow.hpp"
#include "host/inventory/parts.hpp"

/// What may carry what could not be followed: a network disk of an unknown server, a file system in a process of its
/// own, a phone by MTP.
namespace hostsplit::inventory_parts {
namespace {

/// Kinds of functions through which no file system is reached (PCI Code and ID Assignment Specification): display,
/// multimedia, memory, input, processors, encryption, signal processing, accelerators, instrumentation; interrupt and
/// DMA controllers and the like, SMBus, I2C. Of 08, SD hosts (05) and others (80: Thunderbolt before USB4) are not.
bool of_a_kind_without_files(std::uint32_t pci_class) {
  constexpr std::uint32_t kinds[] = {0x03, 0x04, 0x05, 0x09, 0x0b, 0x10, 0x11, 0x12, 0x13};
  constexpr std::uint32_t narrower[] = {0x0800, 0x0801, 0x0802, 0x0803, 0x0804, 0x0806, 0x0807, 0x0c05, 0x0c80};
  return std::find(std::begin(kinds), std::end(kinds), pci_class >> 16) != std::end(kinds) ||
         std::find(std::begin(narrower), std::end(narrower), pci_class >> 8) != std::end(narrower);
}

/// Functions a file system that nobody knows may depend on: disks, networks, USB controllers with something plugged in,
/// and whatever is of no known kind. Displays, sound and the like are left out, unless a block device, a network
/// interface or a serial port is below them.
/// \param carriers  functions with block devices
std::vector<PciAddress> may_carry_unknown(const Root& root, const Snapshot& snapshot,
                                          const std::vector<PciAddress>& carriers) {
  std::set<PciAddress> in_use(carriers.begin(), carriers.end());
  for (const std::string place : {"sys/class/net", "sys/class/tty"})
    for (const auto& name : root.list(place))
      if (const auto path = device_path(root, place + "/" + name))
        if (const auto function = nearest_function(*path)) in_use.insert(*function);
  for (const auto& device : snapshot.devices)
    if (!device.hub) in_use.insert(device.controller);
  std::vector<PciAddress> found;
  for (const auto& [address, function] : snapshot.functions)
    if (in_use.contains(address) ||
        (!snapshot.controller(address) && !of_a_kind_without_files(function.fingerprint.pci_class)))
      found.push_back(address);
  return found;
}

}  // namespace

std::optional<std::vector<PciAddress>> possible_carriers(const Root& root, const Snapshot& snapshot,
                                                         const Follower& follow, const Followed& followed) {
  if (followed.unknown.empty()) return std::nullopt;
  std::vector<PciAddress> functions;
  switch (followed.where) {
    case Followed::Where::disks: functions = follow.carriers(); break;
    case Followed::Where::network: functions = follow.network().anywhere("").functions; break;
    case Followed::Where::plugged: functions = may_carry_unknown(root, snapshot, follow.carriers()); break;
    case Followed::Where::anywhere: return functions;
  }
  if (functions.empty()) return std::nullopt;
  return functions;
}

}  // namespace hostsplit::inventory_parts
