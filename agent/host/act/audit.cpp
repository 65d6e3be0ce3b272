#include "host/act/audit.hpp"

namespace hostsplit {

AuditRecord failed(AuditRecord record, const std::string& why) {
  record.result = "failed";
  record.message += ": failed: " + why;
  return record;
}

AuditScope::AuditScope(AuditSink& sink, AuditRecord record) : sink_(sink), record_(std::move(record)) {
  AuditRecord opening = record_;
  opening.result = "started";
  sink_.write(opening);
}

void AuditScope::done(std::string to) {
  done_ = true;
  if (!to.empty()) record_.to = std::move(to);
}

AuditScope::~AuditScope() {
  if (!open_) return;
  if (done_)
    record_.result = "done";
  else
    record_ = failed(std::move(record_), why_);
  sink_.write(record_);
}

}  // namespace hostsplit
