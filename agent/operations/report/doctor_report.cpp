#include "operations/report/doctor_report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "operations/report/pages_json.hpp"
#include "operations/report/report.hpp"

namespace hostsplit {
namespace {
using Json = nlohmann::ordered_json;

/// Three answers: what was not looked at is not fine.
const char* answer_of(const Checkup& checkup) {
  return !checkup.findings.empty() ? "look" : checkup.unknown.empty() ? "fine" : "unknown";
}

}  // namespace

std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint) {
  std::string text;
  for (const auto& checkup : diagnosis.checkups) {
    const bool bad = has_errors(checkup.findings);
    const std::string answer = answer_of(checkup);
    text += fmt::format("  {}{}  {}\n", std::string(7 - answer.size(), ' '),
                        answer == "fine" ? paint.green(answer)
                        : bad            ? paint.red(answer)
                                         : paint.yellow(answer),
                        checkup.title);
    for (const auto& reason : checkup.unknown) text += fmt::format("           not looked at: {}\n", reason);
  }
  if (!diagnosis.findings.empty()) text += "\n" + findings_text(diagnosis.findings, paint);
  if (diagnosis.recipe) text += "\n" + pages_text(*diagnosis.recipe);
  return text;
}

std::string diagnosis_json(const Diagnosis& diagnosis) {
  Json checks = Json::array(), findings = Json::array();
  for (const auto& checkup : diagnosis.checkups)
    checks.push_back({{"name", checkup.name},
                      {"title", checkup.title},
                      {"fine", checkup.findings.empty() && checkup.unknown.empty()},
                      {"answer", answer_of(checkup)},
                      {"unknown", checkup.unknown}});
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
