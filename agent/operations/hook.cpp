#include "operations/hook.hpp"

#include <fmt/format.h>

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

/// Proxmox VE gives a VM 60 s for the same lock.
constexpr std::chrono::milliseconds wait_for_other_vm{45000};

/// The service may be repairing at this moment; that takes no longer than a few pages do.
Lock patient_lock(const Root& root) {
  constexpr int most_tries = 50;
  for (int tries = 1;; ++tries) {
    try {
      return Lock(root);
    } catch (const Error&) {
      if (tries == most_tries) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

/// \return notes about what was done or could not be.
std::vector<std::string> bring_back_pages(const Context& context, const BootPlan& applied, int vm) {
  try {
    if (is_suspended(load_boot_health(context.root))) return {};
    // Until the VM that starts now is done, what it will trim cannot be known.
    const PageLock pages(context.root, wait_for_other_vm);
    const auto steps = missing_pages(inventory(context.root), applied, vm);
    if (steps.empty()) return {};
    const Lock lock = patient_lock(context.root);
    if (!context.root.exists(names::baseline_file))  // it was lost, and what begins anew would not know the rest
      save_baseline(context.effects, observe_applied(context.root).baseline);
    std::vector<std::string> notes;
    for (const auto& result : Executor(context.root, context.effects, context.audit).run(steps, {}, false).results)
      if (result.kind == StepResult::Kind::failed) notes.push_back(result.detail);
    return notes;
  } catch (const Error& error) {
    return {error.what()};
  }
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

HookAnswer before_start(const Context& context, int vm) {
  HookAnswer answer;
  const auto applied = usable_boot_plan(context.root);
  Snapshot snapshot = inventory(context.root);
  // Whatever hostsplit claims: Proxmox VE takes what the line names.
  const PveConfigs pve = read_pve(context.root);
  if (const auto against = host_pci_objection(pve, snapshot, vm, given_up_when_applied(applied.value_or(BootPlan{})))) {
    refuse(context, vm, *against, answer);
    return answer;
  }
  if (!applied || !applied_for(*applied, vm)) return answer;
  const bool off = has_word(snapshot.command_line, off_word);
  if (!off) {
    answer.notes = bring_back_pages(context, *applied, vm);
    snapshot = inventory(context.root);
    read_memory_users(context.root, pve, snapshot);
  }
  if (const auto against = objection(snapshot, *applied, vm, off)) {
    refuse(context, vm, *against, answer);
  }
  return answer;
}

HookAnswer after_start(const Context& context, int vm) {
  HookAnswer answer;
  const auto applied = usable_boot_plan(context.root);
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
