#include "operations/mapping.hpp"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "formats/proxmox/pci_mapping.hpp"
#include "host/inventory/proxmox.hpp"

namespace hostsplit {
namespace {

/// "hostsplit-101-2" -> 101.
std::string vm_of(const std::string& mapping) {
  const auto begin = mapping.find('-') + 1;
  return mapping.substr(begin, mapping.rfind('-') - begin);
}

}  // namespace

MappingChange mapping_change(const Root& root, bool remove) {
  const auto pve = read_pve(root);
  if (pve.silent) throw Error("map", "functions", "/etc/pve does not answer", "See systemctl status pve-cluster.");
  if (!pve.known || pve.node.empty())
    throw Error("map", "functions", "there is no Proxmox VE here: /etc/pve is empty or not there",
                "See systemctl status pve-cluster.");
  const State state = observe_applied(root);
  if (!state.applied && !remove)
    throw Error("map", "functions", "nothing was applied yet, so nothing belongs to a VM",
                "Run hostsplit apply first.");
  MappingChange change;
  change.node = pve.node;
  if (!remove) change.ours = mappings_of(*state.applied, state.snapshot, change.node, change.findings);
  change.before = root.read_file(names::pci_mapping_file).value_or("");
  change.after = merge_pve_mappings(change.before, change.ours, change.node, root.display(names::pci_mapping_file));
  return change;
}

void write_mappings(const Context& context, const MappingChange& change) {
  AuditRecord record;
  record.event = "write-file";
  record.to = "/" + std::string(names::pci_mapping_file);
  record.reason =
      change.ours.empty() ? "the mappings of this node are not wanted any more" : "mappings for the cluster";
  record.message = "write " + record.to + " (" + record.reason + ")";
  AuditScope audit(context.audit, record);
  try {
    context.effects.replace_cluster_file(names::pci_mapping_file, change.before, change.after);
    context.effects.read_back(names::pci_mapping_file, [&] {
      if (context.root.read_file(names::pci_mapping_file).value_or("") != change.after)
        throw Error("write", context.root.display(names::pci_mapping_file), "it reads back differently");
    });
  } catch (const Error& error) {
    audit.fail(error.what());
    throw;
  }
  audit.done();
}

std::string mapping_text(const MappingChange& change) {
  if (change.ours.empty()) return "No function of this node is mapped by hostsplit.\n";
  std::string text = to_text(change.ours) + "\n";
  std::map<std::string, int> counted;
  for (const auto& mapping : change.ours) {
    const auto vm = vm_of(mapping.id);
    text += fmt::format("qm set {} --hostpci{} mapping={}\n", vm, counted[vm]++, mapping.id);
  }
  return text;
}

std::string mapping_json(const MappingChange& change, bool written) {
  using Json = nlohmann::ordered_json;
  Json mappings = Json::array();
  for (const auto& mapping : change.ours)
    for (const auto& entry : mapping.entries)
      mappings.push_back({{"mapping", mapping.id},
                          {"id", entry.ids},
                          {"subsystem-id", entry.subsystem},
                          {"iommugroup", entry.group ? Json(*entry.group) : Json(nullptr)},
                          {"path", to_string(entry.addresses.front().address)},
                          {"node", entry.node}});
  const Json document{{"version", 1},
                      {"node", change.node},
                      {"mappings", mappings},
                      {"changes", change.before != change.after},
                      {"written", written}};
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace hostsplit
