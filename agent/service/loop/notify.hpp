#pragma once
#include <chrono>
#include <optional>
#include <string>

namespace hostsplit {

/// What the service manager is told (sd_notify(3)). All do nothing when nobody listens.
void notify_ready(const std::string& status);
void notify_status(const std::string& status);
void notify_reloading();
void notify_stopping();
/// The first enforcement goes on: huge pages may take minutes.
void notify_start_takes_long();
/// The loop runs.
void notify_alive();

/// How often the service manager wants to hear that; empty: it does not.
std::optional<std::chrono::microseconds> watchdog_period();

}  // namespace hostsplit
