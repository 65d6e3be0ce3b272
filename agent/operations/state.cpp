#include "operations/state.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/planner/recognise.hpp"
#include "core/planner/vm_steps.hpp"
#include "host/guests/memory_users.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/lent.hpp"
#include "host/store/store.hpp"

namespace hostsplit {
namespace {

/// What no damage keeps from being read.
void observe_the_rest(const Root& root, State& state) {
  state.snapshot = inventory(root);
  state.health = load_boot_health(root);
  state.climbed = load_rung(root);
  state.released = load_released(root);
  state.lent = load_lent(root);
}

Finding unread_baseline(const Root& root) {
  return {"baseline-unread", Severity::warning, root.display(names::baseline_file),
          "it cannot be read, so what hostsplit has done already is not known here",
          "Run it as root: sudo hostsplit ..."};
}

Finding unread_open_files(const Root& root) {
  return {
      "open-files-unread", Severity::warning, root.display("proc/PID/fd"),
      "what other processes have open cannot be read, so disks, serial lines and USB devices that are in use may be "
      "missing here",
      "Run it as root: sudo hostsplit ..."};
}

/// The record of how the host was before. One that only root can read is no damage.
void read_baseline(const Root& root, State& state) {
  const std::string shown = root.display(names::baseline_file);
  try {
    state.baseline = load_baseline(root);
  } catch (const Error& error) {
    if (error.kind() == Error::Kind::bad_input) {
      state.damaged.push_back({names::baseline_file, root.read_file(names::baseline_file).value_or("")});
      state.findings.push_back(
          {"baseline-damaged", Severity::warning, shown, error.what(),
           "What hostsplit did is recognised without it as far as possible; the next apply or undo keeps a copy in /" +
               std::string(names::kept_directory)});
    } else {
      state.findings.push_back(unread_baseline(root));
    }
  }
}

/// \return what of the plan counts as applied where the record is lost
std::optional<BootPlan> read_boot_plan(const Root& root, State& state) {
  try {
    return state.applied = load_boot_plan(root);
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::bad_input) throw;
    const std::string content = root.read_file(names::boot_plan_file).value_or("");
    state.damaged.push_back({names::boot_plan_file, content});
    state.findings.push_back(
        {"plan-damaged", Severity::warning, root.display(names::boot_plan_file), error.what(),
         "Until then nothing is enforced; a copy is kept in /" + std::string(names::kept_directory)});
    return salvage_boot_plan(content);
  }
}

void read_records(const Root& root, State& state) {
  read_baseline(root, state);
  const auto applied = read_boot_plan(root, state);
  if (!state.climbed && root.exists(names::rung_file))
    state.damaged.push_back({names::rung_file, root.read_file(names::rung_file).value_or("")});
  const bool known = root.exists(names::baseline_file) &&
                     std::none_of(state.damaged.begin(), state.damaged.end(),
                                  [](const DamagedFile& file) { return file.path == names::baseline_file; });
  state.baseline_lost = (!known && is_touched(state.snapshot, applied)) || state.baseline.after_loss;
  state.baseline = recognised(std::move(state.baseline), state.snapshot, applied, state.baseline_lost,
                              state.pve ? &*state.pve : nullptr);
}

void observe_proxmox(const Root& root, State& state) {
  state.pve = read_pve(root);
  if (state.baseline_lost) recognise_hooks(*state.pve, state.baseline);
}

/// What Proxmox VE and its guests say and use.
void observe_guests(const Root& root, State& state) {
  observe_proxmox(root, state);
  read_guest_uses(root, *state.pve, state.snapshot);
  read_memory_users(root, *state.pve, state.snapshot);
}

}  // namespace

State observe_applied(const Root& root) {
  State state;
  observe_the_rest(root, state);
  read_open_devices(root, state.snapshot);
  if (state.snapshot.open_files_unread) state.findings.push_back(unread_open_files(root));
  read_records(root, state);
  return state;
}

State observe_for_undo(const Root& root) {
  State state = observe_applied(root);
  if (!state.baseline.pve_keys.empty() || state.baseline_lost) observe_proxmox(root, state);
  return state;
}

State observe_for_setup(const Root& root) {
  State state = observe_applied(root);
  observe_guests(root, state);
  state.ports = load_port_map(root);
  return state;
}

State observe(const Root& root) {
  State state = observe_for_setup(root);
  state.config = load_config(root);
  return state;
}

State observe_for_service(const Root& root) {
  State state;
  observe_the_rest(root, state);
  read_records(root, state);
  state.config = load_config(root);
  state.ports = load_port_map(root);
  return state;
}

std::vector<Finding> observe_tolerantly(const Root& root, State& state) {
  std::vector<Finding> damaged;
  observe_the_rest(root, state);
  refresh({"config-damaged", Severity::error}, root, names::config_file, state.config, load_config, damaged);
  refresh({"ports-damaged", Severity::error}, root, names::port_map_file, state.ports, load_port_map, damaged);
  refresh({"plan-damaged", Severity::warning}, root, names::boot_plan_file, state.applied, load_boot_plan, damaged);
  if (root.exists(names::baseline_file) && !root.read(names::baseline_file))
    damaged.push_back(unread_baseline(root));
  else
    refresh({"baseline-damaged", Severity::warning}, root, names::baseline_file, state.baseline, load_baseline,
            damaged);
  return damaged;
}

std::vector<Finding> observe_past_damage(const Root& root, State& state) {
  std::vector<Finding> damaged;
  state = observe_applied(root);
  observe_guests(root, state);
  refresh({"config-damaged", Severity::error}, root, names::config_file, state.config, load_config, damaged);
  refresh({"ports-damaged", Severity::error}, root, names::port_map_file, state.ports, load_port_map, damaged);
  return damaged;
}

bool has_damage(const std::vector<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.severity == Severity::error && finding.code.ends_with("-damaged");
  });
}

}  // namespace hostsplit
