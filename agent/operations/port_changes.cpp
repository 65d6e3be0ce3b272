#include "operations/port_changes.hpp"

#include "core/base/error.hpp"
#include "host/store/lock.hpp"
#include "host/store/store.hpp"
#include "operations/learning.hpp"

namespace hostsplit {
namespace {

template <class Change>
void change_map(const Context& context, AuditRecord record, Change change) {
  const Lock lock(context.root);
  const PortMap changed = change(load_port_map(context.root));  // a wrong label is no attempt worth a record
  record.reason = "asked for by the user";
  AuditScope scope(context.audit, std::move(record));
  try {
    save_port_map(context.root, context.effects, changed);
    scope.done();
  } catch (const Error& error) {
    scope.fail(error.what());
    throw;
  }
}

}  // namespace

void rename_learned_port(const Context& context, const std::string& from, const std::string& to) {
  AuditRecord record;
  record.event = "rename";
  record.port = record.from = from;
  record.to = to;
  record.message = "rename port " + from + " to " + to;
  change_map(context, std::move(record), [&](const PortMap& map) { return rename_port(map, from, to); });
}

void forget_learned_port(const Context& context, const std::string& label) {
  AuditRecord record;
  record.event = "forget";
  record.port = record.from = label;
  record.message = "forget port " + label;
  change_map(context, std::move(record), [&](const PortMap& map) { return forget_port(map, label); });
}

}  // namespace hostsplit
