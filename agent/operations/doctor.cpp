#include "operations/doctor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/hugepages.hpp"
#include "core/printable.hpp"
#include "host/host_setup.hpp"
#include "host/inventory.hpp"
#include "host/inventory_pve.hpp"
#include "host/store.hpp"
#include "operations/operations.hpp"
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
  return view;
}

void add_plan_findings(const View& view, std::vector<Finding>& findings) {
  if (!view.config) return;
  try {
    const auto planned = plan(view).findings;
    findings.insert(findings.end(), planned.begin(), planned.end());
  } catch (const Error& error) {
    findings.push_back({"config-does-not-fit", Severity::error, error.object(), error.what(), error.remedy()});
  }
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

std::optional<PageRecipe> recipe_for(const View& view, const HostSetup& setup) {
  if (!view.config) return {};
  const auto wanted = wanted_pages(*view.config);
  if (wanted.empty() || has_errors(check_pages(view.snapshot, wanted, view.config->keep_free))) return {};
  return choose_pages(wanted, view.snapshot.nodes, setup.kernel);
}

std::string recipe_text(const PageRecipe& recipe) {
  std::string text =
      fmt::format("Huge pages best come from {}: {}.\n",
                  recipe.source == PageSource::run_time ? std::string("the reserve unit at boot")
                                                        : fmt::format("the kernel ({})", to_string(recipe.source)),
                  recipe.reason);
  if (!recipe.words.empty())
    text += fmt::format("  words for the kernel command line: {}\n", fmt::join(recipe.words, " "));
  if (recipe.needs_keep_hugepages) text += "  every VM with huge pages then needs keephugepages: 1\n";
  return text;
}

}  // namespace

Diagnosis diagnose(const Root& root) {
  Diagnosis diagnosis;
  std::vector<Finding> all;
  const View view = look_tolerantly(root, all);
  const HostSetup setup = read_setup(root);
  const PveConfigs pve = read_pve(root);
  diagnosis.checkups = examine({view.snapshot, setup, view.config, pve});
  for (const auto& checkup : diagnosis.checkups)
    all.insert(all.end(), checkup.findings.begin(), checkup.findings.end());
  add_plan_findings(view, all);
  all.insert(all.end(), view.snapshot.findings.begin(), view.snapshot.findings.end());
  diagnosis.findings = each_once(all);
  diagnosis.recipe = recipe_for(view, setup);
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
  if (diagnosis.recipe) text += "\n" + recipe_text(*diagnosis.recipe);
  return text;
}

std::string diagnosis_json(const Diagnosis& diagnosis) {
  Json checks = Json::array(), findings = Json::array(), recipe = nullptr;
  for (const auto& checkup : diagnosis.checkups)
    checks.push_back({{"name", checkup.name}, {"title", checkup.title}, {"fine", checkup.findings.empty()}});
  for (const auto& finding : diagnosis.findings)
    findings.push_back({{"code", finding.code},
                        {"severity", to_string(finding.severity)},
                        {"subject", finding.subject},
                        {"message", finding.message},
                        {"remedy", finding.remedy.empty() ? Json(nullptr) : Json(finding.remedy)}});
  if (diagnosis.recipe)
    recipe = {{"source", to_string(diagnosis.recipe->source)},
              {"reason", diagnosis.recipe->reason},
              {"words", diagnosis.recipe->words},
              {"needs_keephugepages", diagnosis.recipe->needs_keep_hugepages}};
  const Json document{{"version", 1}, {"checks", checks}, {"findings", findings}, {"pages", recipe}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hostsplit
