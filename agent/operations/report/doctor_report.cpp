#include "operations/report/doctor_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/printable.hpp"
#include "operations/report/json_parts.hpp"
#include "operations/report/report.hpp"

namespace hostsplit {
namespace {
using Json = nlohmann::ordered_json;

/// Three answers: what could not be checked is not ok.
const char* answer_of(const Checkup& checkup) {
  return !checkup.findings.empty() ? "finding" : checkup.unknown.empty() ? "ok" : "unknown";
}

bool is_ok(const Checkup& checkup) {
  return checkup.findings.empty() && checkup.unknown.empty();
}

std::size_t count(const std::vector<Finding>& all, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const Finding& finding) { return finding.severity == severity; }));
}

/// Notes stand behind what could not be checked.
struct Parted {
  std::vector<Finding> severe, notes;
};
Parted by_severity(const std::vector<Finding>& all) {
  Parted parts;
  for (const auto& finding : all) (finding.severity == Severity::info ? parts.notes : parts.severe).push_back(finding);
  return parts;
}

/// One line for each check that could not be made, or not wholly.
std::string unknown_text(const std::vector<Checkup>& checkups, const Paint& paint) {
  std::string text;
  for (const auto& checkup : checkups)
    if (!checkup.unknown.empty())
      text += fmt::format("{}: {}: {}\n", paint.yellow("unknown"), paint.bold(checkup.title),
                          printable(fmt::format("{}", fmt::join(checkup.unknown, "; "))));
  return text;
}

/// "2 errors, 1 warning, 1 unknown"
std::string summary(const Diagnosis& diagnosis, const Paint& paint) {
  std::vector<std::string> parts;
  const auto add = [&](std::size_t count, const char* thing, std::string (Paint::*colour)(const std::string&) const) {
    if (count != 0) parts.push_back((paint.*colour)(fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s")));
  };
  add(count(diagnosis.findings, Severity::error), "error", &Paint::red);
  add(count(diagnosis.findings, Severity::warning), "warning", &Paint::yellow);
  const auto unknown = static_cast<std::size_t>(std::count_if(
      diagnosis.checkups.begin(), diagnosis.checkups.end(), [](const auto& check) { return !check.unknown.empty(); }));
  if (unknown != 0) parts.push_back(paint.yellow(fmt::format("{} unknown", unknown)));
  if (parts.empty()) parts.push_back(paint.green("Nothing is wrong"));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string ok_text(const std::vector<Checkup>& checkups, const Paint& paint, bool verbose) {
  const auto count = std::count_if(checkups.begin(), checkups.end(), is_ok);
  if (!verbose)
    return fmt::format("{} of {} checks are ok (hostsplit doctor --verbose lists them).\n", count, checkups.size());
  std::string text = fmt::format("{} of {} checks are ok:\n", count, checkups.size());
  for (const auto& checkup : checkups)
    if (is_ok(checkup)) text += fmt::format("  {}  {}\n", paint.green("ok"), checkup.title);
  return text;
}

}  // namespace

std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint, bool verbose) {
  const auto [severe, notes] = by_severity(diagnosis.findings);
  std::string text = summary(diagnosis, paint) + "\n";
  for (const auto& part :
       {findings_text(severe, paint), unknown_text(diagnosis.checkups, paint), findings_text(notes, paint)})
    if (!part.empty()) text += "\n" + part;
  if (diagnosis.recipe) text += "\n" + pages_text(*diagnosis.recipe);
  return text + "\n" + ok_text(diagnosis.checkups, paint, verbose);
}

std::string diagnosis_json(const Diagnosis& diagnosis) {
  Json checks = Json::array();
  for (const auto& checkup : diagnosis.checkups)
    checks.push_back({{"name", checkup.name},
                      {"title", checkup.title},
                      {"fine", is_ok(checkup)},
                      {"answer", answer_of(checkup)},
                      {"unknown", checkup.unknown}});
  return printed({{"version", 1},
                  {"checks", std::move(checks)},
                  {"findings", findings_json(diagnosis.findings)},
                  {"pages", pages_json(diagnosis.recipe)}});
}

}  // namespace hostsplit
