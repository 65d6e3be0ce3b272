#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/printable.hpp"
#include "operations/report/report.hpp"
#include "operations/report/sections.hpp"

namespace hostsplit {
namespace {

/// "Plan: 7 steps; 2 of them take effect at the next boot"
std::string plan_headline(const std::vector<Step>& steps) {
  const auto later =
      std::count_if(steps.begin(), steps.end(), [](const Step& step) { return describe(step.action).at_next_boot; });
  std::string text = fmt::format("Plan: {} step{}", steps.size(), steps.size() == 1 ? "" : "s");
  if (later != 0) text += fmt::format("; {} of them take{} effect at the next boot", later, later == 1 ? "s" : "");
  return text;
}

/// The kernel command lines of the next boot that change, and what the kernel makes of them.
std::string lines_text(const std::vector<LineChange>& lines) {
  std::string text;
  for (const auto& line : lines) {
    text += fmt::format("\nKernel command line from the next boot on ({})\n     before: {}\n     after: {}\n",
                        line.loader, printable(line.before), printable(line.after));
    if (line.pages_before != line.pages_after)
      text += fmt::format("     huge pages before: {}\n     huge pages after: {}\n", describe(line.pages_before),
                          describe(line.pages_after));
  }
  return text;
}

/// \param number  place in the order of execution; 0: not shown
std::string step_text(const Step& step, int number, const Paint& paint) {
  const auto reason = paint.faint("reason: " + printable(step.reason));
  const auto sentence = describe(step.action).sentence;
  return number == 0 ? fmt::format("  {}\n    {}\n", sentence, reason)
                     : fmt::format("{:>3}. {}\n     {}\n", number, sentence, reason);
}

std::string section_text(const std::vector<Step>& steps, Section section, const std::string& lists_all,
                         const Paint& paint) {
  std::string text;
  std::size_t written = 0, removed = 0;
  int number = 0;
  for (const auto& step : steps) {
    ++number;
    if (section_of(step) != section) continue;
    if (lists_all.empty())
      text += step_text(step, number, paint);
    else if (is_file_step(step))
      ++(std::holds_alternative<RemoveFile>(step.action) ? removed : written);
    else
      text += step_text(step, 0, paint);
  }
  const auto files = files_text(written, removed);
  if (!files.empty())
    text += fmt::format("  {} ({} lists {})\n", files, lists_all, written + removed == 1 ? "it" : "them");
  return text;
}

std::string titled(const char* title, const std::string& text, const Paint& paint) {
  return text.empty() ? "" : "\n" + paint.bold(title) + "\n" + text;
}

std::string sections_text(const Plan& plan, const std::string& lists_all, const Paint& paint) {
  const auto section = [&](Section which) { return section_text(plan.steps, which, lists_all, paint); };
  std::string text = paint.bold(plan_headline(plan.steps)) + "\n" + titled("Now", section(Section::now), paint) +
                     titled("At the next boot", section(Section::next_boot), paint);
  if (plan.pages) text += "\n" + pages_text(*plan.pages);
  text += lines_text(plan.lines);
  return text + titled("In Proxmox VE", section(Section::proxmox), paint);
}

}  // namespace

std::string pages_text(const PageRecipe& recipe) {
  const char* from = recipe.source == PageSource::run_time
                         ? "run time: hostsplit-reserve.service reserves them early at boot"
                     : recipe.source == PageSource::command_line ? "the kernel command line"
                                                                 : "areas the kernel keeps movable (CMA)";
  std::string text = fmt::format("Huge pages come from {}\n     reason: {}\n", from, recipe.reason);
  if (!recipe.words.empty())
    text += fmt::format("     kernel parameters: {}{}\n", fmt::join(recipe.words, " "),
                        recipe.pending ? " (from the next boot on)" : "");
  if (recipe.needs_keep_hugepages) text += "     every VM with huge pages needs keephugepages: 1\n";
  return text;
}

std::string plan_text(const Plan& plan, const Paint& paint, const std::string& lists_all) {
  if (has_errors(plan.findings))
    return paint.bold("This plan cannot be applied:") + "\n\n" + findings_text(plan.findings, paint);
  std::string text =
      plan.steps.empty() ? "Nothing to do: the machine is as wanted.\n" : sections_text(plan, lists_all, paint);
  const auto [proxmox, others] = parted(plan.findings);
  text += titled("In Proxmox VE, by hand", findings_text(proxmox, paint), paint);
  if (!others.empty()) text += "\n" + findings_text(others, paint);
  return text;
}

}  // namespace hostsplit
