#pragma once
#include <optional>
#include <vector>

#include "operations/carry_out.hpp"
#include "operations/state.hpp"
#include "service/reconciler/port_events.hpp"
#include "service/reconciler/port_storm.hpp"

namespace hostsplit {

/// The sockets: what is plugged and unplugged, and where the learned ones are now.
class PortWatch {
 public:
  explicit PortWatch(const Context& context) : context_(context) {}

  /// What happened since the observation before; the records are those to write now.
  struct News {
    std::vector<PortEvent> events;
    std::vector<AuditRecord> records;
  };
  News news(const PortMap& ports, const Snapshot& before, const Snapshot& after, PortStorm::Time now);
  /// When a sum of events is due.
  std::optional<PortStorm::Time> next() const { return storm_.next(); }

  /// Brings addresses and buses in ports.toml up to date, under the lock; not while somebody else holds it.
  void save_observations(State& state);
  /// Why the last one could not be saved (`ports-not-saved`).
  const std::optional<Finding>& unsaved() const { return unsaved_; }

 private:
  const Context& context_;
  PortStorm storm_;
  std::optional<Finding> unsaved_;
};

}  // namespace hostsplit
