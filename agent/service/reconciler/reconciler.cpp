#include "service/reconciler/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/escalation.hpp"
#include "core/steps/steps.hpp"
#include "host/store/lock.hpp"
#include "host/store/store.hpp"
#include "operations/status.hpp"
#include "service/journal/log.hpp"

namespace hostsplit {
namespace {

constexpr int longest_postponement_s = 32;

const Step* step_of(const Plan& plan, const std::string& id) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& s) { return s.id == id; });
  return found == plan.steps.end() ? nullptr : &*found;
}

bool prepares(const Step& step) {
  return std::holds_alternative<LoadModule>(step.action);
}

bool is_error(const Finding& finding) {
  return finding.severity == Severity::error;
}

bool is_quarantined(const Step& step, const std::vector<Quarantined>& quarantined) {
  const auto* bind = std::get_if<Bind>(&step.action);
  return bind != nullptr && std::any_of(quarantined.begin(), quarantined.end(),
                                        [&](const Quarantined& one) { return one.address == bind->address; });
}

/// The steps that may run now, and those they need.
Plan due_now(const Plan& needed, const RepairPolicy& policy, const std::vector<Quarantined>& quarantined,
             Reconciler::Time now) {
  Plan due;
  due.target = needed.target;
  bool real = false;
  for (const auto& step : needed.steps) {
    if (!prepares(step) && policy.ask(step.id, now) != RepairPolicy::Answer::go) continue;
    if (is_quarantined(step, quarantined)) continue;
    real = real || !prepares(step);
    due.steps.push_back(step);
  }
  if (!real) due.steps.clear();
  return due;
}

AuditRecord given_up_record(const Step& step, const std::string& why) {
  auto record = drift_record(step, "failed").value_or(AuditRecord{});
  record.message = fmt::format(
      "giving up on \"{}\" after {} failures in a row, the last one: {}. "
      "`systemctl reload hostsplitd` or `hostsplit apply` tries again",
      describe(step.action).sentence, RepairPolicy::most_failures, why);
  return record;
}

AuditRecord finding_record(const Finding& finding, const std::string& result) {
  AuditRecord record;
  record.event = "finding";
  record.result = result;
  record.reason = finding.code;
  if (parse_pci_address(finding.subject)) record.controller = finding.subject;
  record.message = result == "ended" ? "resolved: " : "";
  record.message += finding.subject + ": " + finding.message;
  if (result != "ended" && !finding.remedy.empty() && finding.message.find(finding.remedy) == std::string::npos)
    record.message += ". " + finding.remedy;
  return record;
}

}  // namespace

Repair repair_of(const Plan& due) {
  Repair repair;
  for (const auto& step : due.steps) repair.steps.push_back(step.id);
  return repair;
}

Reconciler::Reconciler(const Context& context, Listener listener)
    : context_(context),
      listener_(std::move(listener)),
      mail_(context.root.read_file(names::mailed_file).value_or("")) {}

void Reconciler::look(Time now) {
  ++looks_;
  const auto before = state_.snapshot;
  const auto times_taken = Lock::times_taken(context_.root);
  damaged_ = observe_tolerantly(context_.root, state_);
  boot_.observe(state_);
  quarantined_ = load_quarantine(context_.root);
  postponed_.reset();

  Plan needed = state_.applied ? make_repair_plan(state_.snapshot, *state_.applied, state_.with_host()) : Plan{};
  if (!pools_.observe(state_)) {
    std::erase_if(needed.steps, touches_pool);
    postponed_ = now + std::chrono::seconds(1);
  }
  // Whoever acted while this observation was made has changed what it shows.
  enforce(needed, Lock::held(context_.root) || Lock::times_taken(context_.root) != times_taken, now);
  if (looked_) tell_ports(before, now);
  looked_ = true;
  const bool damaged = std::any_of(damaged_.begin(), damaged_.end(),
                                   [](const Finding& finding) { return finding.code == "ports-damaged"; });
  if (!boot_.off() && !damaged) ports_.save_observations(state_);
  tell_findings(needed);
}

void Reconciler::hear_of_boots() {
  for (const auto& finding : boot_findings(state_))
    if (is_error(finding)) mail_.hear(finding.code, finding.message + ". " + finding.remedy);
}

void Reconciler::hear_of_guests() {
  for (const auto& [vm, proof] : load_proofs(context_.root)) {
    const auto key = fmt::format("verify {}", vm);
    if (proof.wrong == 0)
      mail_.over(key);
    else
      mail_.hear(
          key, fmt::format("VM {} did not get what it is to have at its last start. See: hostsplit verify {}", vm, vm));
  }
}

/// Once is the start of a VM; again and again is somebody who writes what hostsplit writes.
void Reconciler::hear_of_shrinks(const Step& step, const AuditRecord& record) {
  constexpr int worth_a_mail = 3;
  if (record.event == "wipe" && ++shrinks_[step.id] >= worth_a_mail)
    mail_.hear("pool " + step.id,
               fmt::format("huge pages were taken away {} times: {}", shrinks_[step.id], record.message));
}

void Reconciler::send_mail(Time now) {
  if (state_.config && !state_.config->mail) return;
  hear_of_boots();
  hear_of_guests();
  const auto text = mail_.due(now);
  if (!text) return;
  context_.effects.replace_file(names::mailed_file, mail_.to_text());
  context_.effects.replace_file(names::mail_file, *text, 0600);
}

void Reconciler::check_health(const HealthSigns& signs) {
  if (const auto record = boot_.check(state_, signs)) audit(*record);
}

void Reconciler::try_all_again() {
  policy_.reset();
  postponements_ = 0;
  release_answered(context_.root, context_.effects);
}

std::optional<Reconciler::Time> Reconciler::next_look() const {
  const auto sum = ports_.next();
  const auto repair = next_repair();
  if (!sum || !repair) return sum ? sum : repair;
  return std::min(*sum, *repair);
}

std::optional<Reconciler::Time> Reconciler::next_repair() const {
  if (repairing_) return {};  // its end brings the next look
  if (postponed_) return postponed_;
  return boot_.off() || report_only() ? std::nullopt : policy_.next();
}

bool Reconciler::report_only() const {
  return state_.config && state_.config->drift == DriftPolicy::report;
}

void Reconciler::enforce(const Plan& needed, bool acted, Time now) {
  std::set<std::string> subjects;
  std::size_t left_alone = 0;
  for (const auto& step : needed.steps) {
    if (prepares(step)) continue;
    if (is_quarantined(step, quarantined_))
      ++left_alone;
    else
      subjects.insert(step.id);
  }
  not_as_applied_ = subjects.size() + left_alone +
                    static_cast<std::size_t>(std::count_if(needed.findings.begin(), needed.findings.end(), is_error));
  if (repairing_) return;  // half-done work is no drift
  policy_.needed(subjects, now);
  if (subjects.empty()) return tell_drift(needed, "seen");
  // `apply` writes the plan first: what it is about to do is no drift.
  if (acted) {
    postponed_ = now + std::chrono::seconds(1);
    return;
  }
  const bool act = !boot_.off() && !report_only();
  tell_drift(needed, act ? "seen" : "reported");
  if (!act) return;
  const Plan due = due_now(needed, policy_, quarantined_, now);
  if (!due.steps.empty()) run(due, now);
}

void Reconciler::tell_drift(const Plan& needed, const char* result) {
  for (const auto& step : drifts_.news(needed.steps)) {
    auto record = drift_record(step, result);
    if (!record) continue;
    pools_.explain(step, *record);
    audit(*record);
    hear_of_shrinks(step, *record);
  }
}

void Reconciler::run(const Plan& due, Time now) {
  repairing_ = due;
  if (listener_.start_repair) return listener_.start_repair(due);
  try {
    repair_ended(carry_out(context_, repair_of(due)).outcome.results, now);
  } catch (const Error& error) {
    repair_postponed(error.what(), now);
  }
}

void Reconciler::repair_ended(const std::vector<StepResult>& results, Time now) {
  if (!repairing_) return;
  postponements_ = 0;
  postponed_why_.clear();
  for (const auto& result : results)
    if (const auto* step = step_of(*repairing_, result.id); step != nullptr && !prepares(*step))
      settle(*step, result, now);
  repairing_.reset();
  // Pages send no event when they change: see at once what came of it.
  postponed_ = now + std::chrono::milliseconds(200);
}

void Reconciler::settle(const Step& step, const StepResult& result, Time now) {
  if (result.kind == StepResult::Kind::done) {
    policy_.succeeded(step.id, now);
    drifts_.repaired(step);
    if (not_as_applied_ > 0) --not_as_applied_;
    const auto* bind = std::get_if<Bind>(&step.action);
    if (bind == nullptr) return;
    ++repairs_;
    if (listener_.repaired) listener_.repaired(to_string(bind->address));
  } else if (result.kind == StepResult::Kind::failed) {
    if (!policy_.failed(step.id, now)) return;
    const auto record = given_up_record(step, result.detail);
    audit(record);
    mail_.hear("given up " + step.id, record.message);
  }
}

void Reconciler::repair_postponed(const std::string& why, Time now) {
  const int wait = std::min(1 << std::min(postponements_, 5), longest_postponement_s);
  ++postponements_;
  postponed_ = now + std::chrono::seconds(wait);
  repairing_.reset();
  if (why != postponed_why_) log(LogLevel::info, fmt::format("repair postponed: {}", why));
  postponed_why_ = why;
}

void Reconciler::tell_ports(const Snapshot& before, Time now) {
  const auto news = ports_.news(state_.ports, before, state_.snapshot, now);
  for (const auto& record : news.records) audit(record);
  if (!listener_.port) return;
  for (const auto& event : news.events) listener_.port(event);
}

void Reconciler::tell_findings(const Plan& needed) {
  auto all = damaged_;
  all.insert(all.end(), needed.findings.begin(), needed.findings.end());
  const auto ports = check_port_map(state_.ports, state_.snapshot);
  all.insert(all.end(), ports.begin(), ports.end());
  if (state_.applied && state_.config && !boot_.off()) {
    const auto rung =
        choose_rung({state_.snapshot, *state_.applied, *state_.config, state_.baseline, state_.climbed}).findings;
    all.insert(all.end(), rung.begin(), rung.end());
  }
  if (ports_.unsaved()) all.push_back(*ports_.unsaved());
  if (const auto lost = lost_records()) all.push_back(*lost);
  const auto stuck = quarantine_findings(context_.root, quarantined_);
  all.insert(all.end(), stuck.begin(), stuck.end());
  std::erase_if(all, [](const Finding& finding) { return finding.severity == Severity::info; });
  const auto changes = findings_.update(all);
  for (const auto& finding : changes.begun) {
    const auto record = finding_record(finding, "seen");
    audit(record);
    if (is_error(finding)) mail_.hear(finding.code + " " + finding.subject, record.message);
    if (listener_.finding) listener_.finding(finding);
  }
  for (const auto& finding : changes.ended) {
    audit(finding_record(finding, "ended"));
    mail_.over(finding.code + " " + finding.subject);
  }
}

void Reconciler::audit(const AuditRecord& record) {
  if (context_.audit.write(record)) return;
  ++lost_audit_;
  // Without a journal the sentence still goes to standard error.
  log(LogLevel::info, record.message);
}

/// There is no end to it before the service restarts: what was lost stays lost. While records are lost the finding
/// cannot be told either, so it is told again with every number.
std::optional<Finding> Reconciler::lost_records() const {
  if (lost_audit_ == 0) return {};
  return Finding{"audit-lost", Severity::warning, "journal",
                 fmt::format("{} audit records were lost, because the journal did not take them", lost_audit_),
                 "See systemctl status systemd-journald; what was done meanwhile is not in hostsplit log"};
}

std::string Reconciler::status_line() const {
  std::string line;
  if (boot_.off())
    line = "observing only: " + boot_.why_off();
  else if (!state_.applied)
    line = state_.config ? "configured but not applied: observing, changing nothing (see: hostsplit plan)"
                         : "not configured: observing, changing nothing";
  else if (not_as_applied_ != 0)
    line = fmt::format("{} not as applied (see: journalctl -t hostsplit)", not_as_applied_);
  else
    line = fmt::format("everything as applied: {} functions, {} page reservations", state_.applied->claims.size(),
                       state_.applied->reservations.size());
  for (const auto& problem : damaged_) line += "; damaged: " + problem.subject;
  return line;
}

}  // namespace hostsplit
