#include "host/inventory/proxmox.hpp"

#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "formats/proxmox/container_config.hpp"
#include "formats/proxmox/vm_config.hpp"

namespace hostsplit {
namespace {

const std::string top = "etc/pve", guests = "etc/pve/qemu-server", containers = "etc/pve/lxc",
                  usb_mappings = "etc/pve/mapping/usb.cfg", mappings = names::pci_mapping_file;

/// "101.conf" -> 101; no other file is a guest.
std::optional<int> guest_of(std::string_view file) {
  constexpr std::string_view suffix = ".conf";
  if (!file.ends_with(suffix)) return {};
  return parse_number<int>(file.substr(0, file.size() - suffix.size()));
}

void report_unreadable(const Root& root, const std::string& path, PveConfigs& configs) {
  configs.findings.push_back({"pve-config-unreadable", Severity::warning, root.display(path),
                              root.display(path) + " cannot be read", "Run as root: sudo hostsplit ..."});
}

void read_guests(const Root& root, PveConfigs& configs) {
  for (const auto& file : root.list(guests)) {
    const auto id = guest_of(file);
    if (!id) continue;
    const std::string path = guests + "/" + file;
    if (const auto text = root.read(path)) {
      const auto& vm =
          configs.vms.emplace(*id, parse_pve_vm(*id, *text, root.display(path), configs.findings)).first->second;
      if (!vm.pending.empty() || !vm.pending_deletes.empty())
        configs.next.emplace(*id, parse_pve_next_start(vm, *text, root.display(path)));
    } else if (root.exists(path))
      report_unreadable(root, path, configs);
  }
}

void read_containers(const Root& root, PveConfigs& configs) {
  for (const auto& file : root.list(containers)) {
    const auto id = guest_of(file);
    if (!id) continue;
    const std::string path = containers + "/" + file;
    if (const auto text = root.read(path))
      configs.containers.emplace(*id, parse_pve_container(*id, *text));
    else if (root.exists(path))
      report_unreadable(root, path, configs);
  }
}

}  // namespace

PveConfigs read_pve(const Root& root) {
  PveConfigs configs;
  // An empty directory is the mount point of pmxcfs without pmxcfs.
  configs.known = !root.list(top).empty();
  if (!configs.known) return configs;
  configs.node = root.link_name(top + "/local").value_or(root.read("etc/hostname", 256).value_or(""));
  read_guests(root, configs);
  read_containers(root, configs);
  if (const auto text = root.read(usb_mappings)) configs.usb_mappings = parse_pve_usb_mappings(*text);
  if (const auto text = root.read(mappings))
    configs.mappings = parse_pve_mappings(*text, root.display(mappings), configs.findings);
  else if (root.exists(mappings))
    report_unreadable(root, mappings, configs);
  return configs;
}

}  // namespace hostsplit
