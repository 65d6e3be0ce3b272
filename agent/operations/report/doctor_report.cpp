#include "operations/report/doctor_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "operations/report/json_parts.hpp"
#include "operations/report/report.hpp"

namespace hostsplit {
namespace {
using Json = nlohmann::ordered_json;
}  // namespace

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
  Json checks = Json::array();
  for (const auto& checkup : diagnosis.checkups)
    checks.push_back({{"name", checkup.name}, {"title", checkup.title}, {"fine", checkup.findings.empty()}});
  return printed({{"version", 1},
                  {"checks", std::move(checks)},
                  {"findings", findings_json(diagnosis.findings)},
                  {"pages", pages_json(diagnosis.recipe)}});
}

}  // namespace hostsplit
