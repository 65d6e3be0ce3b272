#include "operations/advice.hpp"

#include <algorithm>

#include "core/checks/host_pci.hpp"
#include "core/checks/pve_lint.hpp"
#include "core/memory/pools.hpp"
#include "formats/proxmox/vm_config.hpp"
#include "host/inventory/proxmox.hpp"

namespace hostsplit {

namespace {

/// Proxmox VE as it is once the plan was carried out.
void take_over(const Plan& plan, PveConfigs& pve) {
  for (const auto& step : plan.steps)
    if (const auto* set = std::get_if<SetPve>(&step.action); set && set->object.kind == PveObject::Kind::vm)
      if (const auto vm = pve.next.find(std::stoi(set->object.id)); vm != pve.next.end())
        vm->second = with_changes(vm->second, set->changes);
}

}  // namespace

std::vector<Finding> pve_advice(const Root& root, const State& state, const Plan& plan) {
  if (!state.config) return {};
  PveConfigs pve = state.pve ? *state.pve : read_pve(root);
  if (!pve.known) return {};
  take_over(plan, pve);
  const auto reserved = with_others(wanted_pages(*state.config), *state.config, state.snapshot, state.applied);
  auto findings = lint_pve(pve, *state.config, state.snapshot, reserved);
  for (auto& finding : lint_host_pci({pve, state.snapshot, plan.target.claims, state.applied}))
    findings.push_back(std::move(finding));
  for (auto& finding : findings) finding.severity = std::min(finding.severity, Severity::warning);
  return findings;
}

Plan with_advice(const Root& root, const State& state, Plan plan) {
  if (has_errors(plan.findings)) return plan;
  for (auto& finding : pve_advice(root, state, plan)) plan.findings.push_back(std::move(finding));
  return plan;
}

}  // namespace hostsplit
