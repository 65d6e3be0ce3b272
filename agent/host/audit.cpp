#include "host/audit.hpp"

namespace hostsplit {

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
  record_.result = done_ ? "done" : "failed";
  if (!done_) record_.message += ": failed: " + why_;
  sink_.write(record_);
}

}  // namespace hostsplit
