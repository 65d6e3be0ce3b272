#pragma once
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "service/reconciler/port_events.hpp"

namespace hostsplit {

/// Keeps a bad cable from flooding the journal: the first events of a socket within a minute are told one by one, the
/// others are counted and told as one sum per minute. Each socket is on its own. Knows no clock.
class PortStorm {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::size_t most_per_window = 6;
  static constexpr std::chrono::seconds window{60};

  /// \return the records to write now: those of `events` that are told one by one, and the sums that are due.
  std::vector<AuditRecord> records(const std::vector<PortEvent>& events, Time now);
  /// When the next sum is due; empty when nothing is being counted.
  std::optional<Time> next() const;

 private:
  struct Socket {
    Time since;
    std::size_t told = 0, counted = 0;
    AuditRecord last;  ///< names the socket
  };
  void close_windows(std::vector<AuditRecord>& records, Time now);

  std::map<std::string, Socket> sockets_;
};

}  // namespace hostsplit
