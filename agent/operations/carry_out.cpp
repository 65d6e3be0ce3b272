#include "operations/carry_out.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/memory/pools.hpp"
#include "core/planner/recognise.hpp"
#include "core/planner/token.hpp"
#include "core/steps/files.hpp"
#include "core/steps/steps.hpp"
#include "host/act/space.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/lock.hpp"
#include "host/store/page_lock.hpp"
#include "host/store/store.hpp"

namespace hostsplit {
namespace {

/// A start of a VM with huge pages is over after this time, or it has failed.
constexpr std::chrono::milliseconds patience{90000};

/// Somebody asked for it and waits.
bool is_awaited(const Request& request) {
  return std::holds_alternative<Apply>(request) || std::holds_alternative<Undo>(request) ||
         std::holds_alternative<Transfer>(request) || std::holds_alternative<Setup>(request);
}

/// Steps depend on each other where something new is put together; taking apart and repairing goes on with the rest.
bool stops_at_failure(const Request& request) {
  return std::holds_alternative<Apply>(request) || std::holds_alternative<Transfer>(request) ||
         std::holds_alternative<Setup>(request);
}

/// Brings the host to a new configuration.
bool is_configuring(const Request& request) {
  return std::holds_alternative<Apply>(request) || std::holds_alternative<Setup>(request);
}

void refuse_errors(const Request& request, const Plan& plan) {
  for (const auto& finding : plan.findings)
    if (finding.severity == Severity::error)
      throw Error(verb_of(request), finding.subject, finding.message, finding.remedy);
}

/// The machine may have changed between showing a plan and carrying it out: what was shown is done, or nothing.
void require_shown(const Request& request, const std::string& token, const Plan& now) {
  if (token.empty() || token == plan_token(now)) return;
  throw Error(
      verb_of(request), "the plan", "the machine has changed since it was made",
      std::holds_alternative<Transfer>(request) ? "Check again: hostsplit status" : "See the new plan: hostsplit plan");
}

/// Held while a plan touches pools: Proxmox VE counts pages for a VM under the same lock.
/// \param waited  set when it was not free at once
PageLock lock_pages(const Context& context, std::chrono::milliseconds wait, bool& waited) {
  std::optional<std::chrono::seconds> reported;
  const auto waiting = [&](std::chrono::seconds seconds) {
    reported = seconds;
    waited = true;
    if (context.waiting) context.waiting(seconds, false);
    return !context.stop_asked || !context.stop_asked();
  };
  const auto over = [&] {
    if (reported && context.waiting) context.waiting(*reported, true);
  };
  try {
    PageLock lock(context.root, wait, waiting);
    over();
    return lock;
  } catch (const Error&) {
    over();
    throw;
  }
}

/// Gives the lock back after the last step that touches a pool: what follows may take minutes, and no VM with huge
/// pages can start meanwhile.
Progress releasing(std::optional<PageLock>& lock, const std::vector<Step>& steps, const Progress& progress) {
  return [&lock, progress,
          left = std::count_if(steps.begin(), steps.end(), touches_pool)](const StepProgress& at) mutable {
    if (progress) progress(at);
    if (at.result && touches_pool(at.step) && --left == 0) lock.reset();
  };
}

/// Keeps the inverse of what an undo would still have to do.
struct StillNeeded {
  const Baseline& from;
  Baseline& rest;

  void operator()(const LoadModule&) const {}
  void operator()(const Bind& a) const { rest.bindings.push_back(*from.binding(a.function)); }
  void operator()(const Reserve& a) const { rest.pools.push_back(*from.pool(a.node, a.page_size)); }
  void operator()(const WriteFile& a) const { file(a.path); }
  void operator()(const EditLine& a) const {
    file(a.puts.path);
    for (const auto& edit : from.edits_of(a.puts.path)) rest.edits.push_back(edit);
  }
  void operator()(const RemoveFile& a) const {
    file(a.path);
    for (const auto& edit : from.edits_of(a.path)) rest.edits.push_back(edit);
  }
  void operator()(const RebuildInitramfs& a) const { rest.images.push_back(*from.image(a.kernel)); }
  void operator()(const RefreshBootLoader&) const { rest.loader = from.loader; }
  void operator()(const SetRung&) const {}
  void operator()(const SetPve& a) const {
    for (const auto& change : a.changes)
      if (const auto* before = from.pve_key(a.object, change.key)) rest.pve_keys.push_back(*before);
  }

  void file(const std::string& path) const {
    if (const auto* before = from.file(path)) rest.files.push_back(*before);
  }
};

/// What was put back needs no inverse any more; what could not be put back keeps its own, and so do pools with pages
/// that VMs still use.
Baseline remaining(const Root& root, const Baseline& baseline) {
  Baseline rest;
  rest.after_loss = baseline.after_loss;
  std::optional<PveConfigs> pve;
  if (!baseline.pve_keys.empty()) pve = read_pve(root);
  const Snapshot snapshot = inventory(root);
  for (const auto& step : make_undo_plan(snapshot, baseline, std::nullopt, pve ? &*pve : nullptr).steps)
    if (!touches_pool(step)) std::visit(StillNeeded{baseline, rest}, step.action);
  std::copy_if(baseline.pools.begin(), baseline.pools.end(), std::back_inserter(rest.pools),
               [&](const PoolBefore& before) { return is_larger_than_before(snapshot, before); });
  return rest;
}

/// Before anything is done: a record that is damaged is kept beside, and what was recognised is written down.
void settle_records(const Context& context, const Request& request, const State& state, const Plan& plan) {
  if (plan.steps.empty()) return;
  bool damaged = false;
  for (const auto& file : state.damaged) {
    if (file.path != names::baseline_file) continue;
    damaged = true;
    const auto keep = std::get<WriteFile>(keep_step(file.path, file.content, {}).action);
    context.effects.replace_file(keep.path, keep.content, keep.mode);
  }
  Baseline baseline = state.baseline;
  if (is_configuring(request)) note_present(plan.target, state.snapshot, baseline);
  if (damaged || !(baseline == load_baseline(context.root))) save_baseline(context.effects, baseline);
}

bool was_cancelled(const Outcome& outcome) {
  return std::any_of(outcome.results.begin(), outcome.results.end(),
                     [](const StepResult& result) { return result.detail == Executor::cancelled; });
}

/// Who stops an apply does not want what it would have come to: the boot plan, which is written first so that a power
/// failure can be recovered from, becomes what it was, and the service keeps nothing true that was not asked for.
void take_back_plan(const Context& context, const std::optional<BootPlan>& before, CarriedOut& done) {
  const auto now = context.root.read_file(names::boot_plan_file);
  if (now == (before ? std::optional(to_text(*before)) : std::nullopt)) return;
  constexpr auto reason = "it was stopped before its end, so nothing new is kept in force";
  const Step step = before ? Step{"write " + std::string(names::boot_plan_file),
                                  WriteFile{names::boot_plan_file, to_text(*before)}, reason}
                           : forget_step(names::boot_plan_file, reason);
  Executor executor(context.root, context.effects, context.audit);
  for (auto& result : executor.run({step}).results)
    if (result.kind != StepResult::Kind::done) done.outcome.results.push_back(std::move(result));
}

class NoAudit : public AuditSink {
  bool write(const AuditRecord&) noexcept override { return true; }
};

}  // namespace

CarriedOut carry_out(const Context& context, const Request& request, const std::string& token,
                     const Progress& progress) {
  const Lock lock(context.root);
  CarriedOut done;
  State state;
  const auto decide = [&] {
    state = observe_for(context.root, request);
    done.plan = plan_for(state, request);
    require_shown(request, token, done.plan);
    refuse_errors(request, done.plan);
  };
  decide();
  std::optional<PageLock> pages;
  std::string no_pages;  // why pools cannot be touched
  if (std::any_of(done.plan.steps.begin(), done.plan.steps.end(), touches_pool)) {
    try {
      bool waited = false;
      pages = lock_pages(context, is_awaited(request) ? patience : std::chrono::milliseconds(0), waited);
      if (waited) decide();  // the VM that started has taken pages
    } catch (const Error& error) {
      // A lock that cannot be taken must not keep a controller from the host.
      if (!std::holds_alternative<StepAside>(request)) throw;
      no_pages = error.what();
      std::erase_if(done.plan.steps, touches_pool);
    }
  }
  if (is_configuring(request)) require_space(context.root, context.effects, done.plan.steps);
  settle_records(context, request, state, done.plan);
  Executor executor(context.root, context.effects, context.audit, context.stop_asked);
  done.outcome = executor.run(done.plan.steps, releasing(pages, done.plan.steps, progress), stops_at_failure(request));
  if (!no_pages.empty()) done.outcome.results.push_back({"pages", StepResult::Kind::failed, no_pages});
  if (is_configuring(request) && was_cancelled(done.outcome)) take_back_plan(context, state.applied, done);
  if (std::holds_alternative<Undo>(request))
    save_baseline(context.effects, remaining(context.root, load_baseline(context.root)));
  return done;
}

std::vector<std::string> rehearse(const Root& root, const Plan& plan) {
  RecordingEffects effects;
  NoAudit audit;
  Executor(root, effects, audit).run(plan.steps);
  return effects.lines();
}

}  // namespace hostsplit
