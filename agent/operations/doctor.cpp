#include "operations/doctor.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/printable.hpp"
#include "host/host_setup.hpp"
#include "host/inventory.hpp"
#include "host/inventory_pve.hpp"
#include "host/store.hpp"
#include "operations/operations.hpp"
#include "operations/pages_json.hpp"
#include "operations/report.hpp"

namespace hostsplit {
namespace {

using Json = nlohmann::ordered_json;

/// Everything that can be seen; damaged files are told and left out.
View look_tolerantly(const Root& root, std::vector<Finding>& findings) {
  View view;
  view.snapshot = inventory(root);
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
};

OfPlan ask_plan(const View& view) {
  OfPlan of_plan;
  if (!view.config) return of_plan;
  try {
    const Plan planned = plan(view);
    of_plan.findings = planned.findings;
    of_plan.recipe = planned.pages;
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
  const View view = look_tolerantly(root, all);
  const HostSetup setup = read_setup(root);
  const PveConfigs pve = read_pve(root);
  const OfPlan of_plan = ask_plan(view);
  diagnosis.checkups = examine({view.snapshot, setup, view.config, pve, of_plan.assigned});
  for (const auto& checkup : diagnosis.checkups)
    all.insert(all.end(), checkup.findings.begin(), checkup.findings.end());
  all.insert(all.end(), of_plan.findings.begin(), of_plan.findings.end());
  diagnosis.recipe = of_plan.recipe;
  all.insert(all.end(), view.snapshot.findings.begin(), view.snapshot.findings.end());
  diagnosis.findings = each_once(all);
  return diagnosis;
}

std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint) {
  std::string text;
  for (const auto& checkup : diagnosis.checkups) {
    const bool fine = checkup.findings.empty();
    const bool bad = has_errors(checkup.findings);
    text += fmt::format("  {}  {}\n",
                        fine  ? paint.green("fine")
                        : bad ? paint.red("look")
                              : paint.yellow("look"),
                        checkup.title);
  }
  if (!diagnosis.findings.empty()) text += "\n" + findings_text(diagnosis.findings, paint);
  if (diagnosis.recipe) text += "\n" + pages_text(*diagnosis.recipe);
  return text;
}

std::string diagnosis_json(const Diagnosis& diagnosis) {
  Json checks = Json::array(), findings = Json::array();
  for (const auto& checkup : diagnosis.checkups)
    checks.push_back({{"name", checkup.name}, {"title", checkup.title}, {"fine", checkup.findings.empty()}});
  for (const auto& finding : diagnosis.findings)
    findings.push_back({{"code", finding.code},
                        {"severity", to_string(finding.severity)},
                        {"subject", finding.subject},
                        {"message", finding.message},
                        {"remedy", finding.remedy.empty() ? Json(nullptr) : Json(finding.remedy)}});
  const Json document{
      {"version", 1}, {"checks", checks}, {"findings", findings}, {"pages", pages_json(diagnosis.recipe)}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hostsplit
