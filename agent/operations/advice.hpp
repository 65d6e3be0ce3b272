#pragma once
#include <vector>

#include "core/planner/plan.hpp"
#include "host/system/root.hpp"
#include "operations/state.hpp"

namespace hostsplit {

/// What stands in Proxmox VE against the VMs of the configuration, with the `qm set` lines that fix it: lint_pve(),
/// lint_host_pci(). Nothing of it keeps a plan from being applied, hence warnings at most. Empty where there is no
/// Proxmox VE or no configuration. Reads /etc/pve: not for the service.
/// What the plan itself sets in Proxmox VE is not advised.
std::vector<Finding> pve_advice(const Root& root, const State& state, const Plan& plan = {});

/// The plan with that advice behind its findings. A plan that is refused stays as it is.
Plan with_advice(const Root& root, const State& state, Plan plan);

}  // namespace hostsplit
