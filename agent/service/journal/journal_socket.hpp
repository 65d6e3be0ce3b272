#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "host/system/unique_fd.hpp"

namespace hostsplit {

/// The journal's socket, without waiting for it: sd_journal_send(3) waits for ever for a journal that takes nothing,
/// and whoever writes a record holds locks.
class JournalSocket {
 public:
  /// \param path  of journald's socket (systemd-journald.service(8))
  explicit JournalSocket(std::string path = "/run/systemd/journal/socket") : path_(std::move(path)) {}

  /// Sends one entry in the native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/). \param fields "NAME=value";
  /// a value is cut where an entry would be too long for a datagram. \return false when it was not taken: there is no
  /// journal, or it has taken nothing for a second. After that it is not waited for again until it takes something.
  bool send(const std::vector<std::string>& fields) noexcept;

 private:
  bool connected();

  std::string path_;
  UniqueFd socket_;
  bool stalled_ = false;
};

}  // namespace hostsplit
