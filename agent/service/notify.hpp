#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace hostsplit {

/// What the service manager is told (sd_notify(3)). All do nothing when nobody listens.
void notify_ready(const std::string& status);
void notify_status(const std::string& status);
void notify_reloading();
void notify_stopping();

/// While one exists, the service manager allows the loop to be silent for long: huge pages may take minutes.
class LongWork {
 public:
  LongWork();
  ~LongWork();
  LongWork(const LongWork&) = delete;
  LongWork& operator=(const LongWork&) = delete;

 private:
  std::uint64_t watchdog_usec_ = 0;  ///< 0: no watchdog to put back
};

}  // namespace hostsplit
