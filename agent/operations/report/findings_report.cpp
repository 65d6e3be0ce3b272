#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/printable.hpp"
#include "core/base/utf8.hpp"
#include "operations/report/report.hpp"
#include "operations/report/wrap.hpp"

namespace hostsplit {
namespace {

/// Findings that differ in their subject only are one.
struct Said {
  Finding finding;
  std::vector<std::string> subjects;
};

std::string severity_text(Severity severity, const Paint& paint) {
  switch (severity) {
    case Severity::error: return paint.red("error");
    case Severity::warning: return paint.yellow("warning");
    case Severity::info: return "note";
  }
  return "";
}

void add(const Finding& finding, std::vector<Said>& said) {
  for (auto& each : said) {
    Finding same = each.finding;
    same.subject = finding.subject;
    if (same != finding) continue;
    if (std::find(each.subjects.begin(), each.subjects.end(), finding.subject) == each.subjects.end())
      each.subjects.push_back(finding.subject);
    return;
  }
  said.push_back({finding, {finding.subject}});
}

/// Those that the same thing corrects beside each other; what is severe first.
std::vector<std::vector<Said>> by_remedy(const std::vector<Finding>& findings) {
  std::vector<Said> said;
  for (const auto& finding : findings) add(finding, said);
  std::stable_sort(said.begin(), said.end(),
                   [](const Said& a, const Said& b) { return a.finding.severity > b.finding.severity; });
  std::vector<std::vector<Said>> groups;
  for (auto& each : said) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return !each.finding.remedy.empty() && group.front().finding.remedy == each.finding.remedy;
    });
    if (same == groups.end())
      groups.push_back({std::move(each)});
    else
      same->push_back(std::move(each));
  }
  return groups;
}

}  // namespace

std::string remedy_text(const std::string& remedy, std::size_t width, const std::string& before) {
  const std::string text = before + printable(remedy);
  const std::string hang(std::min(before.find_first_not_of(' '), before.size()) + 2, ' ');
  // A command begins with the name of a program, a sentence with a capital letter; what is quoted is left whole.
  const bool command = !remedy.empty() && remedy.front() >= 'a' && remedy.front() <= 'z' &&
                       remedy.find_first_of("'\"") == std::string::npos;
  if (width == 0 || display_width(text) <= width || !command) return text + "\n";
  const auto lines = broken(text.substr(hang.size() - 2), width - hang.size() - 2, false);
  return hang.substr(2) + fmt::format("{}", fmt::join(lines, " \\\n" + hang)) + "\n";
}

std::string findings_text(const std::vector<Finding>& findings, const Paint& paint) {
  std::string text;
  for (const auto& group : by_remedy(findings)) {
    for (const auto& [finding, subjects] : group)
      text += fmt::format("{}: {}: {}  {}\n", severity_text(finding.severity, paint),
                          paint.bold(printable(fmt::format("{}", fmt::join(subjects, ", ")))),
                          printable(finding.message), paint.faint("[" + finding.code + "]"));
    const auto& remedy = group.front().finding.remedy;
    if (!remedy.empty()) text += remedy_text(remedy, paint.width, "  fix: ");
  }
  return text;
}

}  // namespace hostsplit
