#include "operations/report/doctor_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "operations/report/json_parts.hpp"
#include "operations/report/report.hpp"

namespace hostsplit {
namespace {
using Json = nlohmann::ordered_json;

/// Three answers: what could not be checked is not ok.
const char* answer_of(const Checkup& checkup) {
  return !checkup.findings.empty() ? "finding" : checkup.unknown.empty() ? "ok" : "unknown";
}

/// The same for people, with the severity of the worst finding.
std::string answer_text(const Checkup& checkup, const Paint& paint) {
  if (checkup.findings.empty()) return checkup.unknown.empty() ? paint.green("     ok") : paint.yellow("unknown");
  const auto worst = std::max_element(checkup.findings.begin(), checkup.findings.end(),
                                      [](const Finding& a, const Finding& b) { return a.severity < b.severity; });
  switch (worst->severity) {
    case Severity::error: return paint.red("  error");
    case Severity::warning: return paint.yellow("warning");
    case Severity::info: return "   note";
  }
  return {};
}

}  // namespace

std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint) {
  std::string text;
  for (const auto& checkup : diagnosis.checkups) {
    text += fmt::format("  {}  {}\n", answer_text(checkup, paint), checkup.title);
    for (const auto& reason : checkup.unknown) text += fmt::format("           not checked: {}\n", reason);
  }
  if (!diagnosis.findings.empty()) text += "\n" + findings_text(diagnosis.findings, paint);
  if (diagnosis.recipe) text += "\n" + pages_text(*diagnosis.recipe);
  return text;
}

std::string diagnosis_json(const Diagnosis& diagnosis) {
  Json checks = Json::array();
  for (const auto& checkup : diagnosis.checkups)
    checks.push_back({{"name", checkup.name},
                      {"title", checkup.title},
                      {"fine", checkup.findings.empty() && checkup.unknown.empty()},
                      {"answer", answer_of(checkup)},
                      {"unknown", checkup.unknown}});
  return printed({{"version", 1},
                  {"checks", std::move(checks)},
                  {"findings", findings_json(diagnosis.findings)},
                  {"pages", pages_json(diagnosis.recipe)}});
}

}  // namespace hostsplit
