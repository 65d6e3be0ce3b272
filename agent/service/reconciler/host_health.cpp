#include "service/reconciler/host_health.hpp"

#include <systemd/sd-bus.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "service/loop/system_bus.hpp"

namespace hostsplit {
namespace {

// The service's loop stands still meanwhile. Without an answer the next look asks again.
constexpr std::chrono::milliseconds health_patience{250};

/// What systemd says of a unit: "active", "failed", ...; empty when it cannot be asked (org.freedesktop.systemd1(5)).
std::string unit_state(sd_bus* bus, const char* unit) {
  char* path = nullptr;
  if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0) return {};
  const std::unique_ptr<char, decltype(&std::free)> path_owner(path, &std::free);
  char* state = nullptr;
  if (sd_bus_get_property_string(bus, "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit", "ActiveState",
                                 nullptr, &state) < 0)
    return {};
  const std::unique_ptr<char, decltype(&std::free)> state_owner(state, &std::free);
  return state;
}

}  // namespace

HealthSigns host_signs(std::chrono::seconds watched) {
  HealthSigns signs;
  signs.watched = watched;
  if (watched < healthy_after) return signs;
  const SystemBus bus = open_system_bus(health_patience);
  if (!bus) return signs;
  signs.multi_user = unit_state(bus.get(), "multi-user.target") == "active";
  if (!signs.multi_user) return signs;
  const std::string reserve = unit_state(bus.get(), "hostsplit-reserve.service");
  signs.units_fine = !reserve.empty() && reserve != "failed";
  return signs;
}

}  // namespace hostsplit
