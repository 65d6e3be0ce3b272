#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/state/rung.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// All the choice of a rung depends on.
struct LadderInput {
  const Snapshot& snapshot;
  const BootPlan& target;
  const Config& config;
  const Baseline& baseline;
  const std::optional<RungRecord>& climbed;  ///< what was climbed to earlier
};

/// The rung that is to be in force from the next boot on.
struct Ladder {
  Rung rung = Rung::runtime;
  std::string why;          ///< of a rung above `boot`; empty otherwise
  std::vector<Step> steps;  ///< the climb itself and its files; or what stood there before
  std::string modprobe;     ///< what /etc/modprobe.d/hostsplit.conf is to hold; empty: there is none
  std::vector<Finding> findings;
};

/// Climbs only after the rung in force was seen in the image that booted, and one of the assigned controllers had the
/// host's driver all the same when hostsplit first looked at this boot. To `ids` only if no function with such an id
/// stays with the host; to `blacklist` only if the configuration allows it and no lifeline of the host, known or
/// not followed, depends on a controller. A rung that cannot hold any more, because a twin was added, is left for
/// `boot`.
Ladder choose_rung(const LadderInput& input);

/// Steps that make modprobe.d and modules-load.d as they were before hostsplit.
std::vector<Step> leave_ladder(const Snapshot& snapshot, const Baseline& baseline);
/// The step by which `undo` forgets a climb.
std::vector<Step> forget_rung_steps(const std::optional<RungRecord>& climbed);

}  // namespace hostsplit
