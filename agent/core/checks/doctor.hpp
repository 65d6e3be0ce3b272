#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/state/config.hpp"
#include "core/base/finding.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/host_setup.hpp"
#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// One check and what it found; no findings: fine.
struct Checkup {
  std::string name;   ///< stable: "iommu"
  std::string title;  ///< "the IOMMU is on"
  std::vector<Finding> findings;
};

struct DoctorInput {
  const Snapshot& snapshot;
  const HostSetup& setup;
  const std::optional<Config>& config;
  const PveConfigs& pve;
  std::set<PciAddress> assigned = {};  ///< functions that belong to VMs
};

/// Every check, in the order in which somebody would set a host up: firmware, kernel, modules, memory, guests.
std::vector<Checkup> examine(const DoctorInput& input);

}  // namespace hostsplit
