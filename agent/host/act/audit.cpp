#include "host/act/audit.hpp"

#include <string_view>

namespace hostsplit {
namespace {

/// \return nullptr for a name that is none.
std::string* field(AuditRecord& record, std::string_view name) {
  if (name == "controller") return &record.controller;
  if (name == "group") return &record.group;
  if (name == "port") return &record.port;
  if (name == "vm") return &record.vm;
  if (name == "node") return &record.node;
  if (name == "from") return &record.from;
  if (name == "to") return &record.to;
  return name == "rung" ? &record.rung : nullptr;
}

}  // namespace

void AuditRecord::set(const std::vector<Field>& fields) {
  for (const auto& each : fields) {
    std::string* value = each.journal ? field(*this, each.journal) : nullptr;
    if (!value) continue;
    *value = to_text(each.value);
    if (value->empty() && (value == &from || value == &to)) *value = "none";
  }
}

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
