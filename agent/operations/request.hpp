#pragma once
#include <string>
#include <variant>
#include <vector>

#include "core/planner/plan.hpp"
#include "operations/state.hpp"

namespace hostsplit {

/// Bring the host to what the configuration wants.
struct Apply {
  bool operator==(const Apply&) const = default;
};
/// Put the host back as it was before hostsplit.
struct Undo {
  bool operator==(const Undo&) const = default;
};
/// Move controllers between a VM and the host, each with its whole IOMMU group.
struct Transfer {
  enum class To {
    host,  ///< `release`: until the next boot or `take`
    vm     ///< `take`: back to the VM it was given to
  };
  To to = To::host;
  std::vector<std::string> targets;  ///< labels of ports or PCI addresses
  bool operator==(const Transfer&) const = default;
};
/// Do again what is needed for the applied plan to hold. Steps are independent of each other.
struct Repair {
  std::vector<std::string> steps;  ///< ids of those that may be tried now
  bool operator==(const Repair&) const = default;
};
/// What hostsplit-reserve.service does early at boot: pages, and bindings where xhci is loaded right after it.
struct EarlyBoot {
  bool operator==(const EarlyBoot&) const = default;
};
/// For a boot on which hostsplit is suspended: functions and pools are as before hostsplit.
struct StepAside {
  bool operator==(const StepAside&) const = default;
};

/// Write this configuration, then bring the host to what it wants.
struct Setup {
  std::string config;  ///< text of hostsplit.toml
  bool operator==(const Setup&) const = default;
};

/// Everything that makes hostsplit change the machine.
using Request = std::variant<Apply, Undo, Transfer, Repair, EarlyBoot, StepAside, Setup>;

/// "apply", "undo", "take", "release", "repair", "boot", "step-aside", "setup".
const char* verb_of(const Request& request);
/// What follows the verb: targets, step ids or a configuration.
std::vector<std::string> words_of(const Request& request);
/// Inverse of the two above. \throws Error(bad_input) for an unknown verb, or one that lacks its targets.
Request make_request(const std::string& verb, const std::vector<std::string>& words);

/// Reads as much as a request depends on: see observe() and observe_applied(). \throws Error(bad_input).
State observe_for(const Root& root, const Request& request);

/// Decides what a request comes to; touches nothing. Errors among the findings forbid carrying it out.
/// \throws Error(bad_input) when the configuration does not fit the machine, or a target names nothing here.
Plan plan_for(const State& state, const Request& request);

/// What apply comes to; a configuration that does not fit the machine is a finding, `config-does-not-fit`, for verbs
/// that only look. \throws Error as plan_for() for everything else.
Plan plan_or_misfit(const State& state);
/// That finding; empty when it fits.
std::optional<Finding> misfit(const Config& config, const Snapshot& snapshot);

}  // namespace hostsplit
