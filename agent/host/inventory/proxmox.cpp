#include "host/inventory/proxmox.hpp"

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "core/base/sha1.hpp"
#include "core/planner/vm_steps.hpp"
#include "formats/proxmox/container_config.hpp"
#include "formats/proxmox/section_config.hpp"
#include "formats/proxmox/vm_config.hpp"
#include "host/inventory/mounts.hpp"

namespace hostsplit {
namespace {

const std::string top = "etc/pve", guests = "etc/pve/qemu-server", nodes = "etc/pve/nodes", containers = "etc/pve/lxc",
                  usb_mappings = "etc/pve/mapping/usb.cfg", directory_mappings = "etc/pve/mapping/directory.cfg",
                  mappings = names::pci_mapping_file;

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

/// Byte for byte, because Proxmox VE's digest is of all of them. Empty when it cannot be read.
std::optional<std::string> exact(const Root& root, const std::string& path) {
  try {
    return root.read_file(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

bool is_running(const Root& root, int id) {
  const auto pid = root.read(std::string(names::guest_pid_directory) + "/" + std::to_string(id) + ".pid", 64);
  return pid && parse_number<int>(*pid) && root.exists("proc/" + *pid);
}

void read_guests(const Root& root, PveConfigs& configs) {
  for (const auto& file : root.list(guests)) {
    const auto id = guest_of(file);
    if (!id) continue;
    const std::string path = guests + "/" + file;
    if (const auto text = exact(root, path)) {
      PveVm vm = parse_pve_vm(*id, *text, root.display(path), configs.findings);
      vm.running = is_running(root, *id);
      configs.next.emplace(*id, at_next_start(vm));
      configs.vms.emplace(*id, std::move(vm));
    } else if (root.exists(path)) {
      report_unreadable(root, path, configs);
    }
  }
}

/// VMs of the other nodes: etc/pve/nodes/NODE/qemu-server/ID.conf.
void read_elsewhere(const Root& root, PveConfigs& configs) {
  for (const auto& node : root.list(nodes))
    for (const auto& file : root.list(nodes + "/" + node + "/qemu-server"))
      if (const auto id = guest_of(file); id && !configs.vms.count(*id)) configs.elsewhere.emplace(*id, node);
}

void read_storages(const Root& root, PveConfigs& configs) {
  const auto text = exact(root, names::storages_file);
  if (!text) return;
  configs.storages_digest = sha1_hex(*text);
  configs.storages = parse_pve_storages(*text, configs.node);
  const auto mounts = inventory_parts::read_own_mounts(root);
  for (auto& storage : configs.storages) {
    if (storage.path.empty() || !storage.here) continue;
    const std::string path = hook_path(storage);
    storage.unseen = !inventory_parts::on_this_machine(root, mounts, path);
    if (const auto hook = storage.unseen ? std::nullopt : exact(root, path))
      storage.hook = FileNow{*hook, root.mode(path).value_or(0644)};
  }
}

void read_containers(const Root& root, PveConfigs& configs) {
  for (const auto& file : root.list(containers)) {
    const auto id = guest_of(file);
    if (!id) continue;
    const std::string path = containers + "/" + file;
    if (const auto text = root.read(path)) {
      auto& container = configs.containers.emplace(*id, parse_pve_container(*id, *text)).first->second;
      for (const auto& mounts : std::vector(container.mount_files))
        add_pve_container_mounts(root.read(mounts.substr(1)).value_or(""), container);
    } else if (root.exists(path)) {
      report_unreadable(root, path, configs);
    }
  }
}

/// ha-manager(1): "vm: 101", and "state" is "started" where it is not given. Those it is told to ignore are not
/// managed.
void read_managed(const Root& root, PveConfigs& configs) {
  const auto text = root.read(top + "/ha/resources.cfg").value_or("");
  for (const auto& [type, id, properties] : parse_pve_sections(text)) {
    if (type != "vm" && type != "ct") continue;
    const auto number = parse_number<int>(id);
    const auto state = properties.find("state");
    if (number && (state == properties.end() || state->second != "ignored"))
      configs.managed[*number] = state == properties.end() || state->second == "started" || state->second == "enabled";
  }
}

PveConfigs read_all(const Root& root) {
  PveConfigs configs;
  // An empty directory is the mount point of pmxcfs without pmxcfs.
  configs.known = !root.list(top).empty();
  if (!configs.known) return configs;
  configs.node = pve_node_name(root);
  read_guests(root, configs);
  read_elsewhere(root, configs);
  read_containers(root, configs);
  read_managed(root, configs);
  read_storages(root, configs);
  configs.quorate = parse_pve_quorum(root.read(top + "/.members").value_or(""));
  if (const auto text = root.read(usb_mappings)) configs.usb_mappings = parse_pve_usb_mappings(*text);
  if (const auto text = root.read(directory_mappings)) configs.directory_mappings = parse_pve_directory_mappings(*text);
  if (const auto text = root.read(mappings))
    configs.mappings = parse_pve_mappings(*text, root.display(mappings), configs.findings);
  else if (root.exists(mappings))
    report_unreadable(root, mappings, configs);
  return configs;
}

}  // namespace

std::string pve_node_name(const Root& root) {
  return root.link_name(top + "/local").value_or(root.read("etc/hostname", 256).value_or(""));
}

PveConfigs read_pve(const Root& root) {
  PveConfigs configs = read_all(root);
  if (!root.silent(top)) return configs;
  // What was read before it fell silent is only a part, and a part looks like all of it.
  PveConfigs unknown;
  unknown.silent = true;
  unknown.findings.push_back({"pve-silent", Severity::error, root.display(top),
                              root.display(top) + " does not answer, so nothing is known about VMs",
                              "See systemctl status pve-cluster; when it hangs: systemctl restart pve-cluster"});
  return unknown;
}

}  // namespace hostsplit
