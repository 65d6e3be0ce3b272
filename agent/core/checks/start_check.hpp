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

/// What is asked before a VM starts, each including the one before.
enum class StartChecks {
  lifelines,    ///< without what merely makes the VM start badly
  controllers,  ///< without its pages, while they are on the move
  all
};

/// Why a VM had better not start now, in one sentence with its remedy: the host would lose a lifeline, a controller of
/// it is not with vfio-pci or another guest holds it, or its pages are not free. Empty when nothing speaks against it,
/// and always for a VM nothing was applied for.
std::optional<std::string> objection(const Snapshot& snapshot, const BootPlan& applied, int vm, StartChecks checks);

/// The steps that bring back pages a VM needs and does not find free: what a start of another VM has trimmed.
std::vector<Step> missing_pages(const Snapshot& snapshot, const BootPlan& applied, int vm);

}  // namespace hostsplit
