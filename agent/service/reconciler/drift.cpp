#include "service/reconciler/drift.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hostsplit {
namespace {

/// What makes a drift the same as before: the step, and what was found.
std::string state_of(const Step& step) {
  const auto record = drift_record(step, "");
  return step.id + "\n" + (record ? record->from + "\n" + record->to : "");
}

}  // namespace

std::optional<AuditRecord> drift_record(const Step& step, const std::string& result) {
  if (std::holds_alternative<LoadModule>(step.action)) return {};
  const Description description = describe(step.action);
  AuditRecord record;
  record.event = "drift";
  record.result = result;
  record.step = step.id;
  record.set(description.fields);
  // All of them: any of these ports may be the one that somebody misses.
  if (const auto* bind = std::get_if<Bind>(&step.action))
    record.port = fmt::format("{}", fmt::join(labels_of(bind->causes), ","));
  record.reason = description.drift.empty() ? "not as applied" : description.drift;
  const auto subject = !record.controller.empty() ? record.controller
                       : !record.node.empty()     ? "node " + record.node
                                                  : description.sentence;
  record.message = subject + ": " + record.reason;
  return record;
}

std::vector<Step> DriftLog::news(const std::vector<Step>& steps) {
  std::vector<Step> fresh;
  std::set<std::string> present;
  for (const auto& step : steps)
    if (present.insert(state_of(step)).second && !told_.contains(state_of(step))) fresh.push_back(step);
  told_ = std::move(present);
  return fresh;
}

void DriftLog::repaired(const Step& step) {
  told_.erase(state_of(step));
}

}  // namespace hostsplit
