#include "operations/hook.hpp"

#include <fmt/format.h>

#include <chrono>
#include <ctime>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/checks/host_pci.hpp"
#include "core/checks/start_check.hpp"
#include "core/usb/guards.hpp"
#include "host/guests/guests.hpp"
#include "host/guests/memory_users.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/lock.hpp"
#include "host/store/page_lock.hpp"
#include "host/store/store.hpp"
#include "operations/state.hpp"
#include "operations/verify.hpp"

namespace hostsplit {
namespace {

constexpr std::chrono::milliseconds lock_pause{100};

/// What carry_out() holds, taken in its order. Neither is waited for while the other is held: a VM that starts can take
/// a minute, and the service and every other start would stand still as long.
struct Locks {
  Lock acting;
  PageLock pages;

  Locks(const Root& root) : acting(root, lock_pause), pages(root, std::chrono::milliseconds(0)) {}
};

Locks wait_for(const Root& root, std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    try {
      return Locks(root);
    } catch (const Error&) {
      if (std::chrono::steady_clock::now() >= end) throw;
    }
    std::this_thread::sleep_for(lock_pause);
  }
}

/// Brings back pages, and says in `answer` what could not be. \return what can be judged afterwards.
StartChecks bring_back_pages(const Context& context, const BootPlan& applied, int vm,
                             std::chrono::milliseconds patience, HookAnswer& answer) {
  try {
    if (is_suspended(load_boot_health(context.root))) return StartChecks::all;
    // Until a VM that starts now is done, what it will trim cannot be known.
    if (!PageLock::held(context.root) && missing_pages(inventory(context.root), applied, vm).empty())
      return StartChecks::all;
    const Locks locks = wait_for(context.root, patience);
    const auto steps = missing_pages(inventory(context.root), applied, vm);
    if (!context.root.exists(names::baseline_file))  // it was lost, and what begins anew would not know the rest
      save_baseline(context.effects, observe_applied(context.root).baseline);
    for (const auto& result : Executor(context.root, context.effects, context.audit).run(steps, {}, false).results)
      if (result.kind == StepResult::Kind::failed) answer.notes.push_back(result.detail);
    return StartChecks::all;
  } catch (const Error& error) {
    // Somebody else is at the pages: how many there are now says nothing.
    answer.notes.push_back(error.what());
    return StartChecks::controllers;
  }
}

/// What was applied. A plan that cannot be read holds no VM back, but the task log says so.
std::optional<BootPlan> applied_plan(const Root& root, HookAnswer& answer) try {
  return load_boot_plan(root);
} catch (const Error& error) {
  if (error.kind() != Error::Kind::bad_input) throw;
  answer.notes.push_back(error.what());
  return std::nullopt;
}

void refuse(const Context& context, int vm, const std::string& why, HookAnswer& answer) {
  answer.veto = fmt::format("VM {} cannot start: {}", vm, why);
  context.audit.write({.event = "vm-start",
                       .step = {},
                       .controller = {},
                       .group = {},
                       .port = {},
                       .vm = std::to_string(vm),
                       .node = {},
                       .from = {},
                       .to = {},
                       .reason = why,
                       .result = "refused",
                       .rung = {},
                       .message = answer.veto});
}

}  // namespace

HookAnswer before_start(const Context& context, int vm, std::chrono::milliseconds patience) {
  HookAnswer answer;
  const auto applied = applied_plan(context.root, answer);
  Snapshot snapshot = inventory(context.root);
  // Whatever hostsplit claims: Proxmox VE takes what the line names.
  const PveConfigs pve = read_pve(context.root);
  if (const auto against = host_pci_objection(pve, snapshot, vm, given_up_when_applied(applied.value_or(BootPlan{})))) {
    refuse(context, vm, *against, answer);
    return answer;
  }
  if (!applied || !applied_for(*applied, vm)) return answer;
  auto checks = StartChecks::lifelines;
  if (!has_word(snapshot.command_line, off_word)) {
    checks = bring_back_pages(context, *applied, vm, patience, answer);
    snapshot = inventory(context.root);
    read_memory_users(context.root, pve, snapshot);
  }
  if (const auto against = objection(snapshot, *applied, vm, checks)) {
    refuse(context, vm, *against, answer);
  }
  return answer;
}

HookAnswer after_start(const Context& context, int vm) {
  HookAnswer answer;
  const auto applied = applied_plan(context.root, answer);
  if (!applied || !applied_for(*applied, vm)) return answer;
  const Proof proof = verify(context.root, {vm}, false);
  for (const auto& guest : proof.guests)
    for (const auto& verdict : guest.verdicts)
      if (verdict.kind == Verdict::Kind::wrong)
        answer.notes.push_back(
            fmt::format("{} of {}: {}, wanted {}", verdict.check, verdict.subject, verdict.found, verdict.wanted));
  try {
    save_proof(context.effects, vm, {answer.notes.size(), std::time(nullptr)});
  } catch (const Error& error) {
    answer.notes.push_back(error.what());
  }
  return answer;
}

}  // namespace hostsplit
