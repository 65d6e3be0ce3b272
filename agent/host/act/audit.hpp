#pragma once
#include <string>
#include <vector>

#include "core/steps/step.hpp"

namespace hostsplit {

/// What the journal is told about one effect or observation. Empty fields are left out. Journal field names are
/// HOSTSPLIT_<NAME> in upper case.
struct AuditRecord {
  std::string event;       ///< a kind of Description, or an observation: see audit_events
  std::string step;        ///< id of the step in its plan
  std::string controller;  ///< PCI address
  std::string group, port, vm, node;
  std::string from, to;  ///< drivers, page counts
  std::string reason;
  std::string result;   ///< "started", "done", "failed"; for observations "seen"
  std::string rung;     ///< "runtime"
  std::string message;  ///< the sentence

  /// The fields of an action; a driver or count that is not there is "none".
  void set(const std::vector<Field>& fields);
};

/// Where audit records go.
class AuditSink {
 public:
  virtual ~AuditSink() = default;
  /// Must not throw: an effect that happened stays happened. Called in child processes, too (Effects::in_child()), so
  /// what it remembers must be seen by their owner. \return false if the record was lost.
  virtual bool write(const AuditRecord& record) noexcept = 0;
};

/// The record that closes one as failed. \param why a sentence
AuditRecord failed(AuditRecord record, const std::string& why);

/// Opens an audit record before an effect and closes it as failed unless it was declared done: no way out of a
/// scope can forget it.
class AuditScope {
 public:
  AuditScope(AuditSink& sink, AuditRecord record);
  ~AuditScope();
  AuditScope(const AuditScope&) = delete;
  AuditScope& operator=(const AuditScope&) = delete;
  /// The effect was read back from the machine. \param to what was found, if it differs from what was planned.
  void done(std::string to = {});
  /// Why it will be closed as failed.
  void fail(const std::string& why) { why_ = why; }
  /// Somebody else closes it: with failed().
  void leave_open() { open_ = false; }

 private:
  AuditSink& sink_;
  AuditRecord record_;
  std::string why_ = "interrupted";
  bool done_ = false;
  bool open_ = true;
};

}  // namespace hostsplit
