#pragma once
#include <optional>
#include <string>

#include "core/machine/snapshot.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Looks at the machine below `root`. Never throws for what it finds: a missing, empty or garbage attribute leaves
/// its field at "unknown" and, where it matters, adds a finding (codes `attribute-missing`, `attribute-garbage`).
/// A whole PCI function or port that vanishes while being read is left out.
Snapshot inventory(const Root& root);

/// One PCI function, as inventory() would read it: to look again just before acting.
/// \return empty when nothing sits there.
std::optional<PciFunction> read_function(const Root& root, const PciAddress& address);

/// Who sits at an address, and nothing else about it: for the last look before a write. \return empty when nobody does.
struct Occupant {
  Fingerprint function;
  std::string driver;  ///< empty: none
};
std::optional<Occupant> read_occupant(const Root& root, const PciAddress& address);

/// Adds which CPUs share cores and L3 caches, and what ZFS may keep as its cache: some hundred files that only a
/// proposal needs.
void read_topology(const Root& root, Snapshot& snapshot);

/// CPUs that are present and switched off.
CpuSet read_offline_cpus(const Root& root);
CpuSet read_isolated_cpus(const Root& root);

/// One NUMA node with its pools, as inventory() would read it. \return empty when there is no such node.
std::optional<NumaNode> read_node(const Root& root, int node);

}  // namespace hostsplit
