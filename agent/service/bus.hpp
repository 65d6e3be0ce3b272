#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "service/event_loop.hpp"

struct sd_bus;

namespace hostsplit {

/// What the bus object does when it is asked. Functions may throw; the caller gets the sentence as a D-Bus error.
struct BusHandlers {
  std::function<std::string()> describe, plan, apply, undo;  ///< JSON
  std::function<void()> reload;
  std::function<bool()> configured, applied;
  std::function<std::uint64_t()> drift_repairs;
};

/// The object /org/hostsplit on the system bus. Everybody may ask; only root may apply, undo or reload.
class Bus {
 public:
  /// \throws Error without a system bus, or when the name is not ours to take.
  Bus(sd_event* loop, BusHandlers handlers);
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Signals. A lost signal is ignored: whoever missed it can ask.
  void port_changed(const std::string& label, const std::string& controller, const std::string& device) noexcept;
  void drift_repaired(const std::string& controller) noexcept;
  /// Announces new values of Configured, Applied and DriftRepairs where they differ from the last time.
  void properties_changed() noexcept;

  const BusHandlers& handlers() const { return handlers_; }

 private:
  void connect(sd_event* loop);

  BusHandlers handlers_;
  sd_bus* bus_ = nullptr;
  bool configured_ = false, applied_ = false;
  std::uint64_t drift_repairs_ = 0;
};

}  // namespace hostsplit
