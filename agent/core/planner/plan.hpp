#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/boot/boot_loader.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/memory/page_source.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/state/port_map.hpp"
#include "core/state/rung.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// What is to be done, in order, and what was found on the way. Errors among the findings forbid running it.
struct Plan {
  std::vector<Step> steps;
  std::vector<Finding> findings;
  BootPlan target;                  ///< what will be kept true once the steps are done
  std::vector<LineChange> lines;    ///< kernel command lines of the next boot that change
  std::optional<PageRecipe> pages;  ///< where huge pages come from; empty: none are wanted, or more than fit
  bool operator==(const Plan&) const = default;
};

/// All a decision depends on.
struct PlanInput {
  const Snapshot& snapshot;
  const Config& config;
  const PortMap& ports;
  const Baseline& baseline;
  const std::optional<BootPlan>& applied;    ///< what is in force now
  const std::optional<RungRecord>& climbed;  ///< the rung that was climbed to, if one was
  const PveConfigs* pve = nullptr;           ///< nullptr: it was not read, so no VM is set
};

/// Decides; touches nothing. The second plan after a successful first one has no steps.
/// \pre check_against_machine() passed.
Plan make_plan(const PlanInput& input);

/// What only the machine can tell about a configuration: nodes and CPUs that do not exist.
/// \throws Error(bad_input) naming file, line and key.
void check_against_machine(const Config& config, const Snapshot& snapshot);

/// The plan that returns everything to the baseline. \param pve  nullptr: not read; then its keys are tried all the
/// same
Plan make_undo_plan(const Snapshot& snapshot, const Baseline& baseline, const std::optional<BootPlan>& applied,
                    const PveConfigs* pve);

/// Only what must be done again so that `applied` holds: used by the daemon for drift and at start, and by the reserve
/// unit. Looks at bindings and pools, never at configuration. \param released lent to the host until the next boot:
/// left where they are
Plan make_repair_plan(const Snapshot& snapshot, const BootPlan& applied, const std::set<PciAddress>& released = {});

/// For a boot that is sat out: functions and pools are as before hostsplit, whoever took them. Files stay as they are.
Plan make_step_aside_plan(const Snapshot& snapshot, const Baseline& baseline);

}  // namespace hostsplit
