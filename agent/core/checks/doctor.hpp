#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/host_setup.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// One check and its answer: findings; else unknown, where something could not be looked at; else fine.
struct Checkup {
  std::string name;   ///< stable: "iommu"
  std::string title;  ///< "the IOMMU is on"
  std::vector<Finding> findings;
  std::vector<std::string> unknown = {};  ///< what could not be looked at, and why
};

struct DoctorInput {
  const Snapshot& snapshot;
  const HostSetup& setup;
  const std::optional<Config>& config;
  const PveConfigs& pve;
  std::set<PciAddress> assigned = {};  ///< functions that belong to VMs
  std::vector<Claim> claims = {};      ///< the same, with their VMs, as the configuration wants them
  std::optional<BootPlan> applied = {};
};

/// Every check, in the order in which somebody would set a host up: firmware, kernel, modules, memory, guests.
std::vector<Checkup> examine(const DoctorInput& input);

}  // namespace hostsplit
