#pragma once
#include <optional>
#include <string>

#include "core/boot/boot_health.hpp"
#include "host/act/audit.hpp"
#include "operations/boot.hpp"
#include "operations/carry_out.hpp"

namespace hostsplit {

/// This boot: whether hostsplit may act on it, and whether the host came up well. A boot after two that did not is sat
/// out (core/boot/boot_health.hpp).
class BootWatch {
 public:
  explicit BootWatch(const Context& context) : context_(context) {}

  /// To be called after each observation. The first one counts this boot, unless the early unit has. A boot that cannot
  /// be counted could never be sat out, so nothing is done on it until it can.
  void observe(State& state);
  /// Why hostsplit only observes at this boot; empty: it acts.
  const std::string& why_off() const { return why_off_; }
  bool off() const { return !why_off_.empty(); }

  /// There is nothing to check (any more).
  bool checked(const State& state) const { return !state.applied || (off() ? loader_checked_ : checked_); }
  /// Decides from these signs whether the host is healthy, and then sets the counts of boots back: that of the boot
  /// loader on every boot, unless it has given up, and hostsplit's own where it acts.
  /// \param signs  `network` is taken from the state
  /// \return what to write to the journal, once; empty while it is not healthy, or when nothing was counted
  std::optional<AuditRecord> check(State& state, HealthSigns signs);

 private:
  void begin(State& state);
  std::optional<AuditRecord> forget_unhealthy(State& state, const BootHealth& before, bool network);

  const Context& context_;
  std::string why_off_;
  bool begun_ = false;           ///< this boot is counted, or need not be
  bool checked_ = false;         ///< the host was found healthy while hostsplit acts
  bool loader_checked_ = false;  ///< it was found healthy
};

}  // namespace hostsplit
