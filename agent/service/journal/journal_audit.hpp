#pragma once
#include <atomic>
#include <string>
#include <vector>

#include "host/act/audit.hpp"
#include "host/effects/shared_value.hpp"
#include "service/journal/journal_socket.hpp"

namespace hostsplit {

/// Writes audit records to the systemd journal, with the fields HOSTSPLIT_* and a MESSAGE_ID.
class JournalAudit : public AuditSink {
 public:
  explicit JournalAudit(JournalSocket socket = JournalSocket()) : socket_(std::move(socket)) {}
  /// \return false when there is no journal to write to, or it takes nothing (JournalSocket).
  bool write(const AuditRecord& record) noexcept override;
  /// Records that were lost so far, by this process and by those it has become the parent of.
  unsigned lost() const { return *lost_; }

 private:
  JournalSocket socket_;
  SharedValue<std::atomic<unsigned>> lost_;
};

/// The journal entry of a record as "NAME=value" lines. Empty fields are left out.
std::vector<std::string> journal_fields(const AuditRecord& record);

}  // namespace hostsplit
