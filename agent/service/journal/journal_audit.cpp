#include "service/journal/journal_audit.hpp"

#include <exception>

#include "core/base/names.hpp"
#include "host/act/audit_events.hpp"

namespace hostsplit {
std::vector<std::string> journal_fields(const AuditRecord& record) {
  const AuditEvent* event = audit_event(record.event, record.result);
  const auto level = event ? event->level : AuditEvent::Level::info;
  std::vector<std::string> fields{"MESSAGE=" + record.message, "PRIORITY=" + std::to_string(static_cast<int>(level)),
                                  std::string("SYSLOG_IDENTIFIER=") + names::program};
  const auto add = [&fields](const char* name, std::string_view value) {
    if (!value.empty()) fields.push_back(std::string(name) + "=" + std::string(value));
  };
  if (event) add("MESSAGE_ID", event->id);
  add("HOSTSPLIT_EVENT", record.event);
  add("HOSTSPLIT_STEP", record.step);
  add("HOSTSPLIT_CONTROLLER", record.controller);
  add("HOSTSPLIT_GROUP", record.group);
  add("HOSTSPLIT_PORT", record.port);
  add("HOSTSPLIT_VM", record.vm);
  add("HOSTSPLIT_NODE", record.node);
  add("HOSTSPLIT_FROM", record.from);
  add("HOSTSPLIT_TO", record.to);
  add("HOSTSPLIT_REASON", record.reason);
  add("HOSTSPLIT_RESULT", record.result);
  add("HOSTSPLIT_RUNG", record.rung);
  return fields;
}

bool JournalAudit::write(const AuditRecord& record) noexcept {
  bool written = false;
  try {
    written = socket_.send(journal_fields(record));
  } catch (const std::exception&) {
  }
  if (!written) ++*lost_;
  return written;
}

}  // namespace hostsplit
