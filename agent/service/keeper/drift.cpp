#include "service/keeper/drift.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace hostsplit {
namespace {

std::string name_or_none(const std::string& driver) {
  return driver.empty() ? "none" : driver;
}

/// Why the function belongs there, without what the drift record says anyway: "port front-1, port front-2" of
/// "drift: belongs to port front-1, port front-2 of VM 101 (fluent-a)".
std::string cause(const Step& step, const Bind& bind) {
  if (!bind.port.empty()) return "port " + bind.port;
  constexpr std::string_view prefix = "drift: belongs to ";
  std::string_view reason = step.reason;
  if (reason.starts_with(prefix)) reason.remove_prefix(prefix.size());
  return std::string(reason.substr(0, reason.rfind(" of VM ")));
}

/// The labels among the causes, separated by commas. Labels have neither blanks nor commas.
std::string labels_in(std::string_view causes) {
  constexpr std::string_view word = "port ";
  std::string labels;
  while (causes.starts_with(word)) {
    const auto end = std::min(causes.find(", "), causes.size());
    labels += (labels.empty() ? "" : ",") + std::string(causes.substr(word.size(), end - word.size()));
    causes.remove_prefix(std::min(end + 2, causes.size()));
  }
  return labels;
}

void tell(AuditRecord& record, const Step& step, const Bind& bind) {
  record.controller = to_string(bind.address);
  if (bind.group) record.group = std::to_string(*bind.group);
  if (bind.vm) record.vm = std::to_string(*bind.vm);
  const auto why = cause(step, bind);
  record.port = labels_in(why);
  record.from = name_or_none(bind.from);
  record.to = name_or_none(bind.to);
  record.rung = "runtime";
  const auto found = bind.from == bind.to ? "driver_override is not as applied"
                     : bind.from.empty()  ? "no driver is bound"
                                          : "driver is " + bind.from;
  const auto owner = bind.vm ? fmt::format("VM {} owns it", *bind.vm) : std::string("the host owns it");
  record.reason = found + " but " + owner + (why.empty() ? "" : " (" + why + ")");
  record.message = record.controller + ": " + record.reason;
}

void tell(AuditRecord& record, const Step&, const Reserve& reserve) {
  record.node = std::to_string(reserve.node);
  for (const int vm : reserve.vms) record.vm += (record.vm.empty() ? "" : ",") + std::to_string(vm);
  record.from = std::to_string(reserve.from);
  record.to = std::to_string(reserve.to);
  record.reason = fmt::format("{} pages of {} are reserved but {} were applied", reserve.from,
                              format_size(reserve.page_size), reserve.to);
  record.message = fmt::format("node {}: {}", reserve.node, record.reason);
}

template <class Other>
void tell(AuditRecord& record, const Step&, const Other& action) {
  record.reason = "not as applied";
  record.message = "not as applied: " + describe(Action(action));
}

/// What makes a drift the same as before: the step, and what was found.
std::string state_of(const Step& step) {
  const auto record = drift_record(step, "");
  return step.id + "\n" + (record ? record->from + "\n" + record->to : "");
}

}  // namespace

std::optional<AuditRecord> drift_record(const Step& step, const std::string& result) {
  if (std::holds_alternative<LoadModule>(step.action)) return {};
  AuditRecord record;
  record.event = "drift";
  record.result = result;
  record.step = step.id;
  std::visit([&](const auto& action) { tell(record, step, action); }, step.action);
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
