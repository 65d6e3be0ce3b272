#pragma once
#include <algorithm>
#include <chrono>
#include <optional>

namespace hostsplit {

/// Turns a burst of events into one look: due a short while after the last event, but never later than a limit
/// after the first one. Knows no clock.
class Burst {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::milliseconds quiet{60};
  static constexpr std::chrono::milliseconds limit{300};

  /// An event came. \return when to look.
  Time event(Time now) {
    if (!first_) first_ = now;
    return std::min(now + quiet, *first_ + limit);
  }
  /// The look has begun; the next event starts a new burst.
  void over() { first_.reset(); }

 private:
  std::optional<Time> first_;
};

}  // namespace hostsplit
