#include "operations/state.hpp"

#include "core/base/error.hpp"
#include "core/base/names.hpp"
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

}  // namespace

State observe_applied(const Root& root) {
  State state;
  observe_the_rest(root, state);
  read_open_devices(root, state.snapshot);
  state.baseline = load_baseline(root);
  state.applied = load_boot_plan(root);
  return state;
}

State observe_for_undo(const Root& root) {
  State state = observe_applied(root);
  if (!state.baseline.pve_keys.empty()) state.pve = read_pve(root);
  return state;
}

State observe_for_setup(const Root& root) {
  State state = observe_applied(root);
  state.pve = read_pve(root);
  read_guest_uses(root, *state.pve, state.snapshot);
  read_memory_users(root, *state.pve, state.snapshot);
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
  state.baseline = load_baseline(root);
  state.applied = load_boot_plan(root);
  state.config = load_config(root);
  state.ports = load_port_map(root);
  return state;
}

std::vector<Finding> observe_tolerantly(const Root& root, State& state) {
  std::vector<Finding> damaged;
  const auto refresh = [&](const char* code, const char* file, auto& value, auto load) {
    try {
      value = load(root);
    } catch (const Error& error) {
      damaged.push_back({code, Severity::error, root.display(file), error.what(), error.remedy()});
    }
  };
  observe_the_rest(root, state);
  refresh("config-damaged", names::config_file, state.config, load_config);
  refresh("ports-damaged", names::port_map_file, state.ports, load_port_map);
  refresh("baseline-damaged", names::baseline_file, state.baseline, load_baseline);
  refresh("plan-damaged", names::boot_plan_file, state.applied, load_boot_plan);
  return damaged;
}

}  // namespace hostsplit
