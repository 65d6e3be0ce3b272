#include "service/keeper/last_good_state.hpp"

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/inventory/inventory.hpp"
#include "host/store/store.hpp"

namespace hostsplit {

template <class Load, class Value>
bool SteadyLook::refresh(const char* code, const std::string& file, Value& last_good, Load load) {
  try {
    last_good = load();
    return true;
  } catch (const Error& error) {
    problems_.push_back(
        {code, Severity::error, file, std::string(error.what()) + " (using the last good one)", error.remedy()});
    return false;
  }
}

View SteadyLook::look(const Root& root) {
  problems_.clear();
  try {
    last_good_ = look_for_service(root);
    ports_good_ = true;
    return last_good_;
  } catch (const Error&) {
    // Found again below, file by file, so that one damaged file does not cost us the others.
  }
  auto& view = last_good_;
  view.snapshot = inventory(root);
  refresh("config-damaged", root.display(names::config_file), view.config, [&] { return load_config(root); });
  ports_good_ =
      refresh("ports-damaged", root.display(names::port_map_file), view.ports, [&] { return load_port_map(root); });
  refresh("baseline-damaged", root.display(names::baseline_file), view.baseline, [&] { return load_baseline(root); });
  refresh("plan-damaged", root.display(names::boot_plan_file), view.applied, [&] { return load_boot_plan(root); });
  refresh("boots-damaged", root.display(names::boot_health_file), view.health, [&] { return load_boot_health(root); });
  view.climbed = load_rung(root);
  view.released = load_released(root);
  return view;
}

}  // namespace hostsplit
