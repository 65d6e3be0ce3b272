#include "operations/port_changes.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/usb/learn.hpp"
#include "formats/toml/documents.hpp"
#include "host/inventory/inventory.hpp"
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

std::vector<std::string> port_map_changes(const PortMap& before, const PortMap& after) {
  std::vector<std::string> lines;
  for (const auto& port : after.ports) {
    const LearnedPort* old = before.find(port.label);
    if (!old)
      lines.push_back("new: " + port.label + " at " + place(port));
    else if (old->controller != port.controller || old->usb2 != port.usb2 || old->usb3 != port.usb3)
      lines.push_back("different: " + port.label + " at " + place(port) + ", now at " + place(*old));
  }
  for (const auto& port : before.ports)
    if (!after.find(port.label)) lines.push_back("gone: " + port.label + " at " + place(port));
  return lines;
}

std::vector<Finding> check_imported_ports(const Root& root, const PortMap& map) {
  auto findings = check_port_map(map, inventory(root));
  std::optional<Config> config;
  try {
    config = load_config(root);
  } catch (const Error&) {
    return findings;  // status and doctor report it; the ports have nothing to do with it
  }
  if (!config) return findings;
  for (const auto& [id, vm] : config->vms)
    for (const auto& label : vm.ports)
      if (!map.find(label.text))
        findings.push_back({"port-not-imported", Severity::warning, label.text,
                            fmt::format("VM {} has it in hostsplit.toml, and it is not among the imported ports", id),
                            "Learn it with hostsplit learn, or take it out of hostsplit.toml"});
  return findings;
}

void import_learned_ports(const Context& context, const PortMap& shown, const PortMap& map) {
  AuditRecord record;
  record.event = "import-ports";
  record.message = fmt::format("import {} ports", map.ports.size());
  change_map(context, std::move(record), [&](const PortMap& now) {
    if (!port_map_changes(shown, now).empty() || shown.ports.size() != now.ports.size())
      throw Error("import", context.root.display(names::port_map_file), "it has changed since it was shown",
                  "Run the command again.");
    context.effects.replace_file(names::port_map_before, to_toml(now));
    return map;
  });
}

}  // namespace hostsplit
