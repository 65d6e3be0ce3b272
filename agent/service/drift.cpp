#include "service/drift.hpp"

#include <fmt/format.h>

namespace hostsplit {
namespace {

std::string name_or_none(const std::string& driver) {
  return driver.empty() ? "none" : driver;
}

/// Why the function belongs there, without what the drift record says anyway.
std::string_view cause(const Step& step) {
  constexpr std::string_view prefix = "drift: belongs to ";
  const std::string_view reason = step.reason;
  return reason.starts_with(prefix) ? reason.substr(prefix.size()) : reason;
}

/// The label, from the bind itself or from "port <label> of ..." (Claim::why). Labels have no blanks.
std::string label_of(const Step& step, const Bind& bind) {
  constexpr std::string_view prefix = "port ";
  if (!bind.port.empty() || !cause(step).starts_with(prefix)) return bind.port;
  const auto rest = cause(step).substr(prefix.size());
  return std::string(rest.substr(0, rest.find(' ')));
}

void tell(AuditRecord& record, const Step& step, const Bind& bind) {
  record.controller = to_string(bind.address);
  if (bind.group) record.group = std::to_string(*bind.group);
  if (bind.vm) record.vm = std::to_string(*bind.vm);
  record.port = label_of(step, bind);
  record.from = name_or_none(bind.from);
  record.to = name_or_none(bind.to);
  record.rung = "runtime";
  const auto found = bind.from == bind.to ? "driver_override is not as applied"
                     : bind.from.empty()  ? "no driver is bound"
                                          : "driver is " + bind.from;
  const auto owner = bind.vm ? fmt::format("VM {} owns it", *bind.vm) : std::string("the host owns it");
  const auto why = record.port.empty() ? std::string(cause(step)) : "port " + record.port;
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
