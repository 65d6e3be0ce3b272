#include "service/reconciler/port_storm.hpp"

#include <fmt/format.h>

namespace hostsplit {
namespace {

AuditRecord summary(AuditRecord record, const std::string& sentence) {
  record.result = "summary";
  const auto socket = record.message.substr(0, record.message.find(": "));
  record.message = socket + ": " + sentence;
  return record;
}

}  // namespace

std::vector<AuditRecord> PortStorm::records(const std::vector<PortEvent>& events, Time now) {
  std::vector<AuditRecord> records;
  close_windows(records, now);
  for (const auto& event : events) {
    auto& socket = sockets_.try_emplace(event.controller + " " + event.path, Socket{now, 0, 0, {}}).first->second;
    socket.last = event.record;
    if (socket.told < most_per_window) {
      ++socket.told;
      records.push_back(event.record);
      continue;
    }
    if (++socket.counted == 1 && socket.told == most_per_window) {
      ++socket.told;  // said once
      records.push_back(summary(event.record, fmt::format("more than {} plugs and unplugs within {} s (a bad cable?); "
                                                          "from now on they are counted",
                                                          most_per_window, window.count())));
    }
  }
  return records;
}

void PortStorm::close_windows(std::vector<AuditRecord>& records, Time now) {
  for (auto it = sockets_.begin(); it != sockets_.end();) {
    auto& socket = it->second;
    if (now - socket.since < window) {
      ++it;
      continue;
    }
    if (socket.counted == 0) {
      it = sockets_.erase(it);
      continue;
    }
    const auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - socket.since).count();
    records.push_back(
        summary(socket.last, fmt::format("{} more plugs and unplugs in the last {} s", socket.counted, passed)));
    // Still in a storm: the next minute is counted from its first event on.
    const bool goes_on = socket.counted > most_per_window;
    socket = {now, goes_on ? most_per_window + 1 : 0, 0, socket.last};
    ++it;
  }
}

std::optional<PortStorm::Time> PortStorm::next() const {
  std::optional<Time> earliest;
  for (const auto& [place, socket] : sockets_)
    if (socket.counted != 0 && (!earliest || socket.since + window < *earliest)) earliest = socket.since + window;
  return earliest;
}

}  // namespace hostsplit
