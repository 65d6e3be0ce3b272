#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

struct VmStepsInput {
  const PveConfigs& pve;
  const Snapshot& snapshot;
  const Config& config;
  const std::vector<Claim>& claims;  ///< what the configuration gives to VMs
  const Baseline& baseline;
};

/// What is to be set in Proxmox VE, and what stands against it.
struct VmSteps {
  std::vector<Step> steps;
  std::vector<Finding> findings;
};

/// Brings the VMs of the configuration to what it says, and their start check into a storage with snippets; keys that
/// hostsplit set earlier and nobody wants any more go back to what they were. Nothing without `vms = "set"`. Errors,
/// each about a VM that would have to be changed: `vm-missing`, `vm-elsewhere`, `vm-locked`, `vm-template`,
/// `pve-no-quorum`, `vm-no-start` (what is set would keep it from starting); notes: `vm-running`, `vm-own-hook`,
/// `pve-no-snippets`.
VmSteps set_vm_steps(const VmStepsInput& input);

/// Puts back what hostsplit set and what still has its value; the rest is named (`vm-key-changed`). Where Proxmox VE
/// was not read or is not there, every key is tried, so that nothing is forgotten. \param pve  nullptr: not read
VmSteps restore_vm_steps(const PveConfigs* pve, const Baseline& baseline);

/// Adds hook scripts of hostsplit, of VMs and in storages, that the record does not know: there was none before.
void recognise_hooks(const PveConfigs& pve, Baseline& baseline);

/// Why Proxmox VE would not take a change of this VM now; empty when nothing is known to.
std::optional<Finding> vm_obstacle(const PveConfigs& pve, int vm);

/// Below the root: "var/lib/vz/snippets/hostsplit-hook".
std::string hook_path(const PveStorage& storage);
/// True for paths that hook_path() returns.
bool is_hook(const std::string& path);

}  // namespace hostsplit
