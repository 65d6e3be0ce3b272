#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// Moves a function to the driver `to`, with `final_override` in driver_override afterwards; for no VM and no port.
Step bind_step(const PciFunction& function, std::string to, std::optional<std::string> final_override,
               std::string reason);

/// Gives a function back as it was bound before hostsplit; where that is not known, to the driver the kernel has for
/// it. \return empty when it is so already
std::optional<Step> return_step(const PciFunction& function, const BindingBefore& before, std::string reason);

/// Loads vfio-pci where one of `binds`, which are all Bind, needs it and it is not there.
std::vector<Step> module_steps(const Snapshot& snapshot, const std::vector<Step>& binds);

/// Removes one of hostsplit's own files. \param path below the root
Step forget_step(const std::string& path, std::string reason);

/// The functions that steps move.
std::set<PciAddress> moving(const std::vector<Step>& steps);

/// True for a step that changes a pool of huge pages.
bool touches_pool(const Step& step);

}  // namespace hostsplit
