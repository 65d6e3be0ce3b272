#pragma once
#include <map>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/state/port_map.hpp"

namespace hostsplit {

/// Which functions belong to which VM, and what stands against it.
struct Claims {
  std::map<PciAddress, Claim> by_address;
  std::vector<Finding> findings;
};

/// From labels and addresses to functions, closed over EHCI companions and over IOMMU groups: a group is the unit that
/// can be given to a VM (Documentation/driver-api/vfio.rst). Members whose driver leaves the group viable, and those
/// without one, stay where they are. A bridge cannot be given (`bridge`), by whatever name.
Claims resolve_claims(const Snapshot& snapshot, const Config& config, const PortMap& ports);

/// "VM 101 (fluent-a)".
std::string vm_text(int id, const Config& config);

}  // namespace hostsplit
