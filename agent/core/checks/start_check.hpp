#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// True when something was applied for this VM.
bool applied_for(const BootPlan& applied, int vm);

/// Why a VM had better not start now, in one sentence with its remedy: the host would lose a lifeline, a controller of
/// it is not with vfio-pci or another guest holds it, or its pages are not free. Empty when nothing speaks against it,
/// and always for a VM nothing was applied for.
/// \param only_lifelines leaves out what merely makes the VM start badly
std::optional<std::string> objection(const Snapshot& snapshot, const BootPlan& applied, int vm, bool only_lifelines);

/// The steps that bring back pages a VM needs and does not find free: what a start of another VM has trimmed.
std::vector<Step> missing_pages(const Snapshot& snapshot, const BootPlan& applied, int vm);

}  // namespace hostsplit
