#include "host/act/executor.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/memory/pools.hpp"
#include "core/planner/vm_steps.hpp"
#include "core/steps/files.hpp"
#include "host/act/binding.hpp"
#include "host/act/boot_loader.hpp"
#include "host/act/initramfs.hpp"
#include "host/act/pages.hpp"
#include "host/act/proxmox.hpp"
#include "host/inventory/inventory.hpp"
#include "host/store/quarantine.hpp"
#include "host/store/store.hpp"

namespace hostsplit {
namespace {

/// A module load may wait for the disk; it is not allowed to wait for ever.
constexpr std::chrono::milliseconds command_deadline{20000};

AuditRecord audit_record(const Step& step) {
  const Description description = describe(step.action);
  AuditRecord record;
  record.event = description.kind;
  record.step = step.id;
  record.reason = step.reason;
  record.message = description.sentence + " (" + step.reason + ")";
  record.set(description.fields);
  return record;
}

std::optional<FileNow> file_now(const Root& root, const std::string& path) {
  const auto content = root.read_file(path);
  if (!content) return std::nullopt;
  return FileNow{*content, root.mode(path).value_or(0644)};
}

/// Adds to the baseline how it was what an action is about to change, unless that is known already.
struct KeepInverse {
  const Root& root;
  Baseline& baseline;

  void operator()(const LoadModule&) const {}  // without overrides a loaded driver binds nothing
  void operator()(const Bind& a) const {
    const auto now = read_function(root, a.address);
    if (now && now->fingerprint == a.function && !baseline.binding(a.function))
      baseline.bindings.push_back({now->fingerprint, now->address, now->driver, now->driver_override});
  }
  void operator()(const Reserve& a) const {
    if (!baseline.pool(a.node, a.page_size)) baseline.pools.push_back({a.node, a.page_size, a.from});
  }
  void operator()(const WriteFile& a) const {
    file(a.path);
    for (auto& before : baseline.files)
      if (before.path == a.path && !(before.file && before.file->content == a.content)) note_written(before, a.content);
  }
  void operator()(const EditLine& a) const {
    file(a.puts.path);
    const auto made = baseline.edits_of(a.puts.path);
    if (!a.puts.nothing() && (made.empty() || !(made.back() == a.puts))) baseline.edits.push_back(a.puts);
  }
  void operator()(const RemoveFile& a) const { file(a.path); }
  void operator()(const RebuildInitramfs&) const {}   // noted when it begins: note_image()
  void operator()(const RefreshBootLoader&) const {}  // noted when it begins: note_loader()
  void operator()(const SetRung&) const {}            // its own file is its own inverse

  void operator()(const SetPve& a) const {
    for (const auto& change : a.changes) {
      const auto known = std::find_if(baseline.pve_keys.begin(), baseline.pve_keys.end(), [&](const auto& before) {
        return before.object == a.object && before.key == change.key;
      });
      if (known == baseline.pve_keys.end()) {
        baseline.pve_keys.push_back({a.object, change.key, change.from, change.to});
      } else if (change.to != known->before) {  // putting back leaves known what is to be put back
        const bool was_ours = change.from == known->ours || change.from == known->earlier;
        known->earlier = was_ours ? change.from : std::nullopt;
        known->ours = change.to;
      }
    }
  }

  void file(const std::string& path) const {
    if (!keeps_inverse(path) || baseline.file(path)) return;
    auto now = file_now(root, path);
    if (now && is_ours(now->content)) now.reset();  // left by an earlier hostsplit whose record is lost
    baseline.files.push_back({path, std::move(now)});
  }
};

/// Where in the kernel it hangs is what a bug report needs, and gone after the restart.
AuditRecord stuck_record(const Step& step, const Stuck& stuck) {
  AuditRecord record = audit_record(step);
  record.event = "stuck";
  record.result = "seen";
  record.message = fmt::format("process {} is stuck in the kernel: {}{}{}", stuck.pid(), describe(step.action).sentence,
                               stuck.stack().empty() ? "" : "\n", stuck.stack());
  return record;
}

/// \param failure  empty: it was done
StepResult result_of(const Step& step, const std::string& failure) {
  return {step.id, failure.empty() ? StepResult::Kind::done : StepResult::Kind::failed, failure};
}

bool only_writes_attributes(const Step& step) {
  return std::holds_alternative<Bind>(step.action) || std::holds_alternative<Reserve>(step.action);
}

/// Too few pages is a failure of that step alone: the others do not depend on it.
bool others_depend_on(const Step& step) {
  return !std::holds_alternative<Reserve>(step.action);
}

}  // namespace

bool Outcome::ok() const {
  return std::all_of(results.begin(), results.end(), [](const auto& r) { return r.kind == StepResult::Kind::done; });
}

void Executor::store_inverses(const std::vector<Step>& steps) {
  Baseline baseline = load_baseline(root_);
  const Baseline before = baseline;
  for (const auto& step : steps) std::visit(KeepInverse{root_, baseline}, step.action);
  if (!(baseline == before)) save_baseline(effects_, baseline);
}

/// The steps of a plan on their way: which have ended, and whether the next may begin.
class Executor::Run {
 public:
  Run(const std::vector<Step>& steps, const StopAsked& stop_asked, const Progress& progress, bool stop_at_failure)
      : steps_(steps),
        stop_asked_(stop_asked),
        progress_(progress),
        stop_at_failure_(stop_at_failure) {}

  const Step& step() const { return steps_[number()]; }
  std::size_t number() const { return outcome_.results.size(); }
  bool over() const { return number() == steps_.size(); }
  /// How many steps from here on only write attributes.
  std::size_t in_child() const {
    const auto from = steps_.begin() + static_cast<std::ptrdiff_t>(number());
    return static_cast<std::size_t>(
        std::find_if_not(from, steps_.end(), [](const Step& each) { return only_writes_attributes(each); }) - from);
  }
  /// \return whether a step is begun; otherwise none is left, or none may.
  bool begin() {
    if (stopped_.empty() && stop_asked_ && stop_asked_()) stopped_ = cancelled;
    if (over() || !stopped_.empty()) return false;
    if (progress_) progress_({number() + 1, steps_.size(), step(), nullptr});
    return true;
  }
  /// \return whether the steps after one that ended like this may begin.
  bool goes_on_after(const Step& ended, const StepResult& result) const {
    return !stop_at_failure_ || result.kind != StepResult::Kind::failed || !others_depend_on(ended);
  }
  void end(StepResult result) {
    if (!goes_on_after(step(), result)) stopped_ = "a step before it failed";
    if (progress_) progress_({number() + 1, steps_.size(), step(), &result});
    outcome_.results.push_back(std::move(result));
  }
  Outcome finish() {
    while (!over()) end({step().id, StepResult::Kind::skipped, stopped_});
    return std::move(outcome_);
  }

 private:
  const std::vector<Step>& steps_;
  const StopAsked& stop_asked_;
  const Progress& progress_;
  const bool stop_at_failure_;
  Outcome outcome_;
  std::string stopped_;  ///< why no step begins any more; empty: the next may
};

Outcome Executor::run(const std::vector<Step>& steps, const Progress& progress, bool stop_at_failure) {
  store_inverses(steps);
  Run run(steps, stop_asked_, progress, stop_at_failure);
  while (run.begin()) {
    if (only_writes_attributes(run.step()))
      perform_in_child(run);
    else
      run.end(perform(run.step()));
  }
  return run.finish();
}

void Executor::perform_in_child(Run& run) {
  const Step* first = &run.step();
  const std::size_t count = run.in_child();
  const auto job = [&](std::size_t number) -> ChildProcess::Report {
    const StepResult result = perform(first[number]);
    return {result.detail, run.goes_on_after(first[number], result)};
  };
  const auto ended = [&](std::size_t number, const std::string& failure) {
    run.end(result_of(first[number], failure));
    return number + 1 == count || run.begin();
  };
  try {
    effects_.in_child(count, job, ended);
  } catch (const Stuck& stuck) {
    run.end(give_up(run.step(), stuck));
  } catch (const Error& error) {
    run.end(report_dead_child(run.step(), error));
  }
}

StepResult Executor::give_up(const Step& step, const Stuck& stuck) {
  // Whatever is written to the function now waits as well.
  if (const auto* bind = std::get_if<Bind>(&step.action)) quarantine(root_, effects_, bind->address, stuck.pid());
  audit_.write(stuck_record(step, stuck));
  audit_.write(failed(audit_record(step), stuck.what()));
  return result_of(step, stuck.what());
}

/// For a step whose process has died in the middle of it, or never began.
StepResult Executor::report_dead_child(const Step& step, const Error& error) {
  const auto* bind = std::get_if<Bind>(&step.action);
  const auto give_back_job = [&](std::size_t) -> ChildProcess::Report {
    give_back(root_, effects_, *bind);
    return {};
  };
  try {
    if (bind) effects_.in_child(1, give_back_job, [](std::size_t, const std::string&) { return true; });
  } catch (const Error&) {
    // The one that led here is the one to report.
  }
  audit_.write(failed(audit_record(step), error.what()));
  return result_of(step, error.what());
}

StepResult Executor::perform(const Step& step) {
  AuditScope audit(audit_, audit_record(step));
  try {
    const std::string found = std::visit([&](const auto& action) { return act(action); }, step.action);
    audit.done(found);
    return result_of(step, {});
  } catch (const Stuck&) {
    audit.leave_open();
    throw;
  } catch (const std::exception& error) {
    const std::string why = *error.what() ? error.what() : "no reason was given";  // no text would mean success
    audit.fail(why);
    return result_of(step, why);
  }
}

std::string Executor::act(const LoadModule& action) {
  effects_.run({"modprobe", action.module}, command_deadline);
  const std::string driver = "sys/bus/pci/drivers/" + action.module;
  effects_.read_back(driver, [&] {
    if (!root_.exists(driver))
      throw Error("load module", action.module, "modprobe succeeded, but the driver is not registered");
  });
  return {};
}

std::string Executor::act(const Bind& action) {
  bind_function(root_, effects_, action);
  if (!action.by_kernel) return {};
  const auto found = read_function(root_, action.address);
  return found ? found->driver : std::string();
}

std::string Executor::act(const Reserve& action) {
  const PagesGot pages = reserve_pages(root_, effects_, action);
  const std::vector<int> left_out = without_room(action.shares, pages.got - std::min(pages.got, action.others));
  if (pages.got == action.to)
    return left_out.empty() ? std::string() : fmt::format("no room for VM {}", fmt::join(left_out, ", VM "));
  std::string reason;
  if (pages.clamped)
    reason = fmt::format("the host keeps {} free, which leaves {}", format_size(action.keep_free), pages.asked);
  if (!pages.clamped || pages.got != pages.asked)
    reason += fmt::format("{}the kernel found only {} of {}", reason.empty() ? "" : "; ", pages.got, pages.asked);
  if (pages.helped != 0) reason += fmt::format(", {} times helped by dropping caches and compacting", pages.helped);
  if (!left_out.empty()) reason += fmt::format("; no room for VM {}", fmt::join(left_out, ", VM "));
  throw Error("reserve",
              fmt::format("{} pages of {} on node {}", action.to, format_size(action.page_size), action.node), reason,
              "Free memory on that node, or reserve earlier: right after boot memory is least fragmented.");
}

std::string Executor::act(const WriteFile& action) {
  if (action.in_place)
    effects_.overwrite_file(action.path, action.content);
  else
    effects_.replace_file(action.path, action.content, action.mode);
  effects_.read_back(action.path, [&] {
    if (root_.read_file(action.path) != action.content)
      throw Error("write", root_.display(action.path), "it reads back differently");
  });
  return {};
}

std::string Executor::act(const EditLine& action) {
  const std::string& path = action.puts.path;
  const auto now = root_.read_file(path);
  if (now.has_value() == action.creates || now.value_or("") != action.before)
    throw Error("edit", root_.display(path), "somebody changed it since it was planned",
                "See the new plan: hostsplit plan");
  effects_.replace_file(path, action.after, action.mode);
  effects_.read_back(path, [&] {
    if (root_.read_file(path) != action.after) throw Error("edit", root_.display(path), "it reads back differently");
  });
  // Edits that were planned before and never made, or made and changed since, are of no use any more.
  Baseline baseline = load_baseline(root_);
  std::erase_if(baseline.edits, [&](const EditMade& edit) { return edit.path == path && !(edit == action.puts); });
  save_baseline(effects_, baseline);
  return {};
}

std::string Executor::act(const RemoveFile& action) {
  if (is_hook(action.path)) refuse_used_hook(root_, action.path);
  effects_.remove_file(action.path);
  effects_.read_back(action.path, [&] {
    if (root_.exists(action.path)) throw Error("remove", root_.display(action.path), "it is still there");
  });
  return {};
}

std::string Executor::act(const SetPve& action) {
  return set_pve(root_, effects_, action);
}

std::string Executor::act(const RebuildInitramfs& action) {
  // Between these two nobody knows what the image holds, so that an interrupted rebuild is done again.
  note_image(action.kernel, std::string());
  const std::string found = rebuild_initramfs(root_, effects_, action);
  if (action.plan.empty())
    note_image(action.kernel, std::nullopt);
  else
    note_image(action.kernel, action.stamp);
  return found;
}

std::string Executor::act(const RefreshBootLoader& action) {
  note_loader(std::string());
  refresh_boot_loader(root_, effects_, action);
  if (action.stamp.empty())
    note_loader(std::nullopt);
  else
    note_loader(action.stamp);
  return {};
}

std::string Executor::act(const SetRung& action) {
  if (action.to <= Rung::boot)
    effects_.remove_file(names::rung_file);
  else
    effects_.replace_file(names::rung_file, to_text(RungRecord{action.to, action.why}));
  return {};
}

void Executor::note_loader(const std::optional<std::string>& stamp) {
  Baseline baseline = load_baseline(root_);
  baseline.loader.reset();
  if (stamp) baseline.loader = LoaderTouched{*stamp, root_.read(names::boot_id_file).value_or("")};
  save_baseline(effects_, baseline);
}

void Executor::note_image(const std::string& kernel, const std::optional<std::string>& stamp) {
  Baseline baseline = load_baseline(root_);
  std::erase_if(baseline.images, [&](const ImageTouched& image) { return image.kernel == kernel; });
  if (stamp) baseline.images.push_back({kernel, *stamp, root_.read(names::boot_id_file).value_or("")});
  save_baseline(effects_, baseline);
}

}  // namespace hostsplit
