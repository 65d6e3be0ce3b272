#include "service/host_health.hpp"

#include <systemd/sd-bus.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace hostsplit {
namespace {

// The service's loop stands still meanwhile; its watchdog has more patience. Without an answer the next look asks
// again.
constexpr std::uint64_t patience_us = 1'000'000;

}  // namespace

std::string unit_state(const std::string& unit) {
  sd_bus* opened = nullptr;
  if (sd_bus_open_system(&opened) < 0) return {};
  const std::unique_ptr<sd_bus, decltype(&sd_bus_flush_close_unref)> bus(opened, &sd_bus_flush_close_unref);
  if (sd_bus_set_method_call_timeout(bus.get(), patience_us) < 0) return {};
  char* path = nullptr;
  if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &path) < 0) return {};
  const std::unique_ptr<char, decltype(&std::free)> path_owner(path, &std::free);
  char* state = nullptr;
  if (sd_bus_get_property_string(bus.get(), "org.freedesktop.systemd1", path, "org.freedesktop.systemd1.Unit",
                                 "ActiveState", nullptr, &state) < 0)
    return {};
  const std::unique_ptr<char, decltype(&std::free)> state_owner(state, &std::free);
  return state;
}

HealthSigns host_signs(std::chrono::seconds watched) {
  HealthSigns signs;
  signs.watched = watched;
  if (watched < healthy_after) return signs;
  signs.multi_user = unit_state("multi-user.target") == "active";
  signs.units_fine = unit_state("hostsplit-reserve.service") != "failed";
  return signs;
}

}  // namespace hostsplit
