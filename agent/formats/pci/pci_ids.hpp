#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace hostsplit {

/// Vendor and device.
using PciIdPair = std::pair<std::uint16_t, std::uint16_t>;

/// Names of some devices in the text of pci.ids (pci.ids(5)): of the device, or of its vendor alone where the device is
/// not in it. Those of unknown vendors are left out. The text is written by others: names are printable().
std::map<PciIdPair, std::string> pci_names(std::string_view text, const std::set<PciIdPair>& wanted);

}  // namespace hostsplit
