#include "core/machine/pve.hpp"

namespace hostsplit {

const char* to_string(PvePages pages) {
  switch (pages) {
    case PvePages::none: return "none";
    case PvePages::any: return "any";
    case PvePages::small: return "2";
    case PvePages::big: return "1024";
  }
  return "none";
}

std::vector<PveHostAddress> addresses_of(const PveHostPci& host_pci, const PveConfigs& configs) {
  if (host_pci.mapping.empty()) return host_pci.addresses;
  std::vector<PveHostAddress> addresses;
  for (const auto& mapping : configs.mappings) {
    if (mapping.id != host_pci.mapping) continue;
    for (const auto& entry : mapping.entries)
      if (entry.node == configs.node) addresses.insert(addresses.end(), entry.addresses.begin(), entry.addresses.end());
  }
  return addresses;
}

}  // namespace hostsplit
