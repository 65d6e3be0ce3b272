#include "operations/doctor.hpp"

#include <algorithm>
#include <utility>

#include "core/base/error.hpp"
#include "host/inventory/host_setup.hpp"
#include "operations/request.hpp"

namespace hostsplit {
namespace {

/// What only the plan knows: what it found, where pages come from, and which functions belong to VMs.
struct OfPlan {
  std::vector<Finding> findings;
  std::optional<PageRecipe> recipe;
  std::set<PciAddress> assigned;
  std::vector<Claim> claims;
};

OfPlan ask_plan(const State& state) {
  OfPlan of_plan;
  if (!state.config) return of_plan;
  if (auto against = misfit(*state.config, state.snapshot)) {
    of_plan.findings.push_back(std::move(*against));
    return of_plan;
  }
  const Plan planned = plan_for(state, Apply{});
  of_plan.findings = planned.findings;
  of_plan.recipe = planned.pages;
  of_plan.claims = planned.target.claims;
  for (const auto& claim : planned.target.claims) of_plan.assigned.insert(claim.address);
  return of_plan;
}

std::vector<Finding> each_once(const std::vector<Finding>& all) {
  std::vector<Finding> once;
  for (const auto& finding : all) {
    const bool told = std::any_of(once.begin(), once.end(), [&](const Finding& other) {
      return other.code == finding.code && other.subject == finding.subject && other.message == finding.message;
    });
    if (!told) once.push_back(finding);
  }
  return once;
}

}  // namespace

Diagnosis diagnose(const Root& root) {
  Diagnosis diagnosis;
  State state;
  std::vector<Finding> all = observe_past_damage(root, state);
  all.insert(all.end(), state.findings.begin(), state.findings.end());
  const HostSetup setup = read_setup(root);
  // What is set in VMs is no part of what the doctor asks the plan for.
  const PveConfigs pve = *std::exchange(state.pve, std::nullopt);
  const OfPlan of_plan = ask_plan(state);
  diagnosis.checkups =
      examine({state.snapshot, setup, state.config, pve, of_plan.assigned, of_plan.claims, state.applied});
  for (const auto& checkup : diagnosis.checkups)
    all.insert(all.end(), checkup.findings.begin(), checkup.findings.end());
  all.insert(all.end(), of_plan.findings.begin(), of_plan.findings.end());
  diagnosis.recipe = of_plan.recipe;
  all.insert(all.end(), state.snapshot.findings.begin(), state.snapshot.findings.end());
  diagnosis.findings = each_once(all);
  return diagnosis;
}

}  // namespace hostsplit
