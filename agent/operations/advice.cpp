#include "operations/advice.hpp"

#include <algorithm>

#include "core/checks/host_pci.hpp"
#include "core/checks/pve_lint.hpp"
#include "core/memory/pools.hpp"
#include "host/inventory/proxmox.hpp"

namespace hostsplit {

std::vector<Finding> pve_advice(const Root& root, const State& state, const std::vector<Claim>& wanted) {
  if (!state.config) return {};
  const PveConfigs pve = read_pve(root);
  if (!pve.known) return {};
  const auto reserved = with_others(wanted_pages(*state.config), *state.config, state.snapshot, state.applied);
  auto findings = lint_pve(pve, *state.config, state.snapshot, reserved);
  for (auto& finding : lint_host_pci({pve, state.snapshot, wanted, state.applied}))
    findings.push_back(std::move(finding));
  for (auto& finding : findings) finding.severity = std::min(finding.severity, Severity::warning);
  return findings;
}

Plan with_advice(const Root& root, const State& state, Plan plan) {
  if (has_errors(plan.findings)) return plan;
  for (auto& finding : pve_advice(root, state, plan.target.claims)) plan.findings.push_back(std::move(finding));
  return plan;
}

}  // namespace hostsplit
