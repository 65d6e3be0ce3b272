#include "host/inventory/inventory.hpp"
#include "core/base/names.hpp"

#include <algorithm>

#include "host/inventory/parts.hpp"
#include "host/store/quarantine.hpp"

namespace hostsplit {
namespace inventory_parts {
namespace {

/// Module names are written with "-" in file names and with "_" everywhere else.
std::string module_name(std::string_view file) {
  file = last_component(file);
  return with_underscores(file.substr(0, file.find(".ko")));
}

std::set<std::string> loaded_modules(const Root& root) {
  std::set<std::string> names;
  const auto text = root.read("proc/modules").value_or("");
  for (const auto line : split(text, '\n')) names.emplace(line.substr(0, line.find(' ')));
  return names;
}

void read_builtin_modules(const Root& root, Snapshot& snapshot) {
  const auto text = root.read("lib/modules/" + snapshot.kernel + "/modules.builtin");
  snapshot.builtin_known = text.has_value();
  if (text)
    for (const auto line : split(*text, '\n')) snapshot.builtin_modules.insert(module_name(line));
}

}  // namespace

void read_kernel(const Root& root, Snapshot& snapshot) {
  snapshot.live = root.live();
  snapshot.kernel = root.read("proc/sys/kernel/osrelease").value_or("");
  snapshot.boot_id = root.read(names::boot_id_file).value_or("");
  snapshot.command_line = root.read("proc/cmdline").value_or("");
  // Not empty means the IOMMU is on; Proxmox VE asks the same question before passthrough.
  snapshot.iommu = !root.list("sys/class/iommu").empty();
  snapshot.modules = loaded_modules(root);
  // A release with a slash would lead elsewhere; no kernel has one.
  if (!snapshot.kernel.empty() && snapshot.kernel.find('/') == std::string::npos) read_builtin_modules(root, snapshot);
  for (auto& driver : root.list("sys/bus/pci/drivers")) snapshot.pci_drivers.insert(std::move(driver));
}

}  // namespace inventory_parts

Snapshot inventory(const Root& root) {
  using namespace inventory_parts;
  Snapshot snapshot;
  read_kernel(root, snapshot);
  read_functions(root, snapshot);
  read_usb(root, snapshot);
  read_memory(root, snapshot);
  read_storage_uses(root, snapshot);
  read_network_uses(root, snapshot);
  read_inputs(root, snapshot);
  read_console_uses(root, snapshot);
  read_holders(root, snapshot);
  read_boot_tools(root, snapshot);
  for (auto& finding : quarantine_findings(root, load_quarantine(root)))
    snapshot.findings.push_back(std::move(finding));
  return snapshot;
}

}  // namespace hostsplit
