#pragma once
#include <systemd/sd-bus.h>

#include <chrono>
#include <memory>

namespace hostsplit {

/// A connection to the system bus that is closed without flushing: a bus that takes nothing must not hold up the end.
using SystemBus = std::unique_ptr<sd_bus, decltype(&sd_bus_close_unref)>;

/// Waits until the bus has let us in; by itself sd-bus gives one that accepts and is silent 90 s.
/// \param patience  for that, and for the answer to each call
/// \return nullptr without a bus, or when it did not in time.
SystemBus open_system_bus(std::chrono::milliseconds patience);

}  // namespace hostsplit
