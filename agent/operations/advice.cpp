#include "operations/advice.hpp"

#include <algorithm>

#include "core/checks/pve_lint.hpp"
#include "host/inventory/proxmox.hpp"
#include "core/checks/host_pci.hpp"

namespace hostsplit {

std::vector<Finding> pve_advice(const Root& root, const View& view, const std::vector<Claim>& wanted) {
  if (!view.config) return {};
  const PveConfigs pve = read_pve(root);
  if (!pve.known) return {};
  auto findings = lint_pve(pve, *view.config, view.snapshot);
  for (auto& finding : lint_host_pci({pve, view.snapshot, wanted, view.applied}))
    findings.push_back(std::move(finding));
  for (auto& finding : findings) finding.severity = std::min(finding.severity, Severity::warning);
  return findings;
}

Plan with_advice(const Root& root, const View& view, Plan plan) {
  if (has_errors(plan.findings)) return plan;
  for (auto& finding : pve_advice(root, view, plan.target.claims)) plan.findings.push_back(std::move(finding));
  return plan;
}

}  // namespace hostsplit
