#include "service/loop/notify.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace hostsplit {
namespace {

constexpr std::uint64_t longest_start_usec = 15ULL * 60 * 1000 * 1000;

// A notification that gets lost costs a status line at most, or the watchdog restarts us: ignored.
void send(const std::string& state) {
  (void)sd_notify(0, state.c_str());
}

}  // namespace

void notify_ready(const std::string& status) {
  send("READY=1\nSTATUS=" + status);
}

void notify_status(const std::string& status) {
  send("STATUS=" + status);
}

void notify_reloading() {
  const auto now =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
}

void notify_stopping() {
  send("STOPPING=1\nSTATUS=stopping; bindings and pages stay as they are");
}

void notify_start_takes_long() {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(longest_start_usec));
}

void notify_alive() {
  send("WATCHDOG=1");
}

std::optional<std::chrono::microseconds> watchdog_period() {
  std::uint64_t usec = 0;
  if (sd_watchdog_enabled(0, &usec) <= 0) return {};
  return std::chrono::microseconds(usec);
}

}  // namespace hostsplit
