#include "service/loop/system_bus.hpp"

#include <cstdint>

namespace hostsplit {

SystemBus open_system_bus(std::chrono::milliseconds patience) {
  using Clock = std::chrono::steady_clock;
  using std::chrono::microseconds;
  const auto end = Clock::now() + patience;
  sd_bus* opened = nullptr;
  if (sd_bus_open_system(&opened) < 0) return {nullptr, &sd_bus_close_unref};
  SystemBus bus(opened, &sd_bus_close_unref);
  (void)sd_bus_set_method_call_timeout(opened, static_cast<std::uint64_t>(microseconds(patience).count()));
  while (sd_bus_is_ready(opened) == 0) {
    const int processed = sd_bus_process(opened, nullptr);
    const auto left = std::chrono::duration_cast<microseconds>(end - Clock::now());
    if (processed < 0 || left <= microseconds(0)) return {nullptr, &sd_bus_close_unref};
    if (processed == 0) (void)sd_bus_wait(opened, static_cast<std::uint64_t>(left.count()));
  }
  if (sd_bus_is_ready(opened) < 0) bus.reset();
  return bus;
}

}  // namespace hostsplit
