#include "operations/operations.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/boot/escalation.hpp"
#include "core/base/names.hpp"
#include "core/steps/steps.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/lock.hpp"
#include "host/store/page_lock.hpp"
#include "host/store/store.hpp"

namespace hostsplit {
namespace {

void refuse_errors(const Plan& plan) {
  for (const auto& finding : plan.findings)
    if (finding.severity == Severity::error)
      throw Error("apply the plan:", finding.subject, finding.message, finding.remedy);
}

/// The machine may have changed between showing a plan and doing it: what was shown is done, or nothing.
void require_unchanged(const Plan& shown, const Plan& now) {
  if (shown.steps == now.steps) return;
  throw Error("apply", "the plan", "the machine has changed since it was made", "Look at the new one: hostsplit plan");
}

/// Held while a plan touches pools: Proxmox VE counts pages for a VM under the same lock.
std::optional<PageLock> lock_pages(const Actor& actor, const Plan& plan, std::chrono::milliseconds wait) {
  if (std::none_of(plan.steps.begin(), plan.steps.end(), touches_pool)) return std::nullopt;
  std::optional<std::chrono::seconds> told;
  const auto waiting = [&](std::chrono::seconds waited) {
    told = waited;
    if (actor.waiting) actor.waiting(waited, false);
    return !actor.stop_asked || !actor.stop_asked();
  };
  const auto over = [&] {
    if (told && actor.waiting) actor.waiting(*told, true);
  };
  try {
    std::optional<PageLock> lock(std::in_place, actor.root, wait, waiting);
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
  return [&lock, progress, left = std::count_if(steps.begin(), steps.end(), touches_pool)](
             const Step& step, const StepResult* result) mutable {
    if (progress) progress(step, result);
    if (result && touches_pool(step) && --left == 0) lock.reset();
  };
}

/// A start of a VM with huge pages is over after this time, or it has failed.
constexpr std::chrono::milliseconds patience{90000};

/// Keeps the inverse of what an undo would still have to do.
struct StillNeeded {
  const Baseline& from;
  Baseline& rest;

  void operator()(const LoadModule&) const {}
  void operator()(const Bind& a) const { rest.bindings.push_back(*from.binding(a.function)); }
  void operator()(const Reserve& a) const { rest.pools.push_back(*from.pool(a.node, a.page_size)); }
  void operator()(const WriteFile& a) const { file(a.path); }
  void operator()(const RemoveFile& a) const { file(a.path); }
  void operator()(const RebuildInitramfs& a) const { rest.images.push_back(*from.image(a.kernel)); }
  void operator()(const RefreshBootLoader&) const { rest.loader = from.loader; }
  void operator()(const SetRung&) const {}

  void file(const std::string& path) const {
    if (const auto* before = from.file(path)) rest.files.push_back(*before);
  }
};

/// What was put back needs no inverse any more; what could not be put back keeps its own.
Baseline remaining(const Baseline& baseline, const Snapshot& snapshot) {
  Baseline rest;
  for (const auto& step : make_undo_plan(snapshot, baseline, std::nullopt).steps)
    std::visit(StillNeeded{baseline, rest}, step.action);
  return rest;
}

std::vector<Step> end_of_release(const View& view, const std::string& reason) {
  if (view.released.empty()) return {};
  return {forget_step(names::released_file, reason)};
}

void put_first(Plan& plan, const std::vector<Step>& steps) {
  plan.steps.insert(plan.steps.begin(), steps.begin(), steps.end());
}

}  // namespace

namespace {

void read_stores(const Root& root, View& view) {
  view.baseline = load_baseline(root);
  view.applied = load_boot_plan(root);
  view.health = load_boot_health(root);
  view.climbed = load_rung(root);
  view.released = load_released(root);
}

void read_wishes(const Root& root, View& view) {
  view.config = load_config(root);
  view.ports = load_port_map(root);
}

}  // namespace

View look_at_applied(const Root& root) {
  View view;
  view.snapshot = inventory(root);
  read_open_devices(root, view.snapshot);
  read_stores(root, view);
  return view;
}

View look(const Root& root) {
  View view = look_at_applied(root);
  read_guest_uses(root, read_pve(root), view.snapshot);
  read_wishes(root, view);
  return view;
}

View look_for_service(const Root& root) {
  View view;
  view.snapshot = inventory(root);
  read_stores(root, view);
  read_wishes(root, view);
  return view;
}

Plan plan(const View& view) {
  if (!view.config) {
    Plan nothing;
    nothing.findings.push_back({"not-configured", Severity::info, "hostsplit",
                                "there is no configuration yet, so nothing is assigned and nothing is enforced",
                                "Learn the sockets with hostsplit learn, then write /etc/hostsplit/hostsplit.toml "
                                "(sample: /usr/share/doc/hostsplit/examples/hostsplit.toml.sample)"});
    return nothing;
  }
  check_against_machine(*view.config, view.snapshot);
  Plan plan = make_plan({view.snapshot, *view.config, view.ports, view.baseline, view.applied, view.climbed});
  put_first(plan, end_of_release(view, "every function goes to its VM again"));
  put_first(plan, trust_steps(view.health));
  return plan;
}

Plan undo_plan(const View& view) {
  Plan plan = make_undo_plan(view.snapshot, view.baseline, view.applied);
  put_first(plan, end_of_release(view, "nothing is assigned any more that could be lent"));
  for (const auto& forget : {forget_rung_steps(view.climbed), forget_health_steps(view.health)})
    plan.steps.insert(plan.steps.end(), forget.begin(), forget.end());
  return plan;
}

Plan repair_plan(const View& view) {
  return view.applied ? make_repair_plan(view.snapshot, *view.applied, view.released) : Plan{};
}

Outcome apply(const Actor& actor, const Plan& shown, const Progress& progress) {
  refuse_errors(shown);
  const Lock lock(actor.root);
  auto pages = lock_pages(actor, shown, patience);
  require_unchanged(shown, plan(look(actor.root)));
  return Executor(actor.root, actor.effects, actor.audit, actor.stop_asked)
      .run(shown.steps, releasing(pages, shown.steps, progress));
}

Outcome undo(const Actor& actor, const Plan& shown, const Progress& progress) {
  refuse_errors(shown);
  const Lock lock(actor.root);
  auto pages = lock_pages(actor, shown, patience);
  const View now = look_at_applied(actor.root);
  require_unchanged(shown, undo_plan(now));
  Executor executor(actor.root, actor.effects, actor.audit, actor.stop_asked);
  Outcome outcome = executor.run(shown.steps, releasing(pages, shown.steps, progress), false);
  save_baseline(actor.effects, remaining(load_baseline(actor.root), inventory(actor.root)));
  return outcome;
}

Outcome repair(const Actor& actor, const Plan& plan, const Progress& progress) {
  const Lock lock(actor.root);
  // Nobody waits for a repair: whoever asked for it comes again.
  const auto pages = lock_pages(actor, plan, std::chrono::milliseconds(0));
  return Executor(actor.root, actor.effects, actor.audit, actor.stop_asked).run(plan.steps, progress, false);
}

HealthRecord begin_boot(const Actor& actor) {
  HealthRecord record = load_boot_health(actor.root);
  const auto boot_id = actor.root.read("proc/sys/kernel/random/boot_id").value_or("");
  if (record.damaged || boot_id.empty()) return record;
  const BootHealth counted = boot_begun(record.health.value_or(BootHealth{}), boot_id);
  if (record.health != counted) actor.effects.replace_file(names::boot_health_file, to_text(counted));
  record.health = counted;
  return record;
}

void note_first_look(const Actor& actor, const View& view, const char* file) {
  if (!view.applied || view.snapshot.boot_id.empty() || actor.root.exists(file)) return;
  std::string lines;
  for (const auto& claim : view.applied->claims)
    if (const Located located = locate(view.snapshot, claim.function); located.kind == Located::Kind::found)
      lines += to_string(*located.address) + " " + view.snapshot.function(*located.address)->driver + "\n";
  try {
    actor.effects.replace_file(file, lines);
  } catch (const Error&) {
    // What was not written down is not known, and what is not known does not climb.
  }
}

Outcome sit_out(const Actor& actor, const View& view) {
  Plan bindings = make_sit_out_plan(view.snapshot, view.baseline), pools = bindings;
  std::erase_if(bindings.steps, touches_pool);
  std::erase_if(pools.steps, [](const Step& step) { return !touches_pool(step); });
  Outcome outcome = repair(actor, bindings);
  // On its own: a lock that cannot be taken must not keep a controller from the host.
  try {
    for (auto& result : repair(actor, pools).results) outcome.results.push_back(std::move(result));
  } catch (const Error& error) {
    outcome.results.push_back({"pages", StepResult::Kind::failed, error.what()});
  }
  return outcome;
}

namespace {
class NoAudit : public AuditSink {
  bool write(const AuditRecord&) noexcept override { return true; }
};
}  // namespace

std::vector<std::string> rehearse(const Root& root, const Plan& plan) {
  RecordingEffects effects;
  NoAudit audit;
  Executor(root, effects, audit).run(plan.steps);
  return effects.lines();
}

}  // namespace hostsplit
