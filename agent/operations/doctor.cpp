#include "operations/doctor.hpp"


#include <algorithm>

#include "core/base/error.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/host_setup.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/store.hpp"
#include "operations/operations.hpp"

namespace hostsplit {
namespace {

/// Everything that can be seen; damaged files are told and left out.
View look_tolerantly(const Root& root, std::vector<Finding>& findings) {
  View view;
  view.snapshot = inventory(root);
  read_open_devices(root, view.snapshot);
  const auto load = [&](const char* code, auto& into, auto read) {
    try {
      into = read(root);
    } catch (const Error& error) {
      findings.push_back({code, Severity::error, error.object(), error.what(), error.remedy()});
    }
  };
  load("config-damaged", view.config, load_config);
  load("ports-damaged", view.ports, load_port_map);
  load("baseline-damaged", view.baseline, load_baseline);
  load("plan-damaged", view.applied, load_boot_plan);
  view.climbed = load_rung(root);
  return view;
}

/// What only the plan knows: what it found, where pages come from, and which functions belong to VMs.
struct OfPlan {
  std::vector<Finding> findings;
  std::optional<PageRecipe> recipe;
  std::set<PciAddress> assigned;
  std::vector<Claim> claims;
};

OfPlan ask_plan(const View& view) {
  OfPlan of_plan;
  if (!view.config) return of_plan;
  try {
    const Plan planned = plan(view);
    of_plan.findings = planned.findings;
    of_plan.recipe = planned.pages;
    of_plan.claims = planned.target.claims;
    for (const auto& claim : planned.target.claims) of_plan.assigned.insert(claim.address);
  } catch (const Error& error) {
    of_plan.findings.push_back({"config-does-not-fit", Severity::error, error.object(), error.what(), error.remedy()});
  }
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
  std::vector<Finding> all;
  View view = look_tolerantly(root, all);
  const HostSetup setup = read_setup(root);
  const PveConfigs pve = read_pve(root);
  read_guest_uses(root, pve, view.snapshot);
  const OfPlan of_plan = ask_plan(view);
  diagnosis.checkups =
      examine({view.snapshot, setup, view.config, pve, of_plan.assigned, of_plan.claims, view.applied});
  for (const auto& checkup : diagnosis.checkups)
    all.insert(all.end(), checkup.findings.begin(), checkup.findings.end());
  all.insert(all.end(), of_plan.findings.begin(), of_plan.findings.end());
  diagnosis.recipe = of_plan.recipe;
  all.insert(all.end(), view.snapshot.findings.begin(), view.snapshot.findings.end());
  diagnosis.findings = each_once(all);
  return diagnosis;
}

}  // namespace hostsplit
