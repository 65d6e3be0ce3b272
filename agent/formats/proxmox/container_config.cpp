#include "formats/proxmox/container_config.hpp"

#include <algorithm>

#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/proxmox/values.hpp"
#include "formats/proxmox/section_config.hpp"

namespace hostsplit {
namespace {

void add_device(std::string device, PveContainer& container) {
  auto& devices = container.devices;
  if (std::find(devices.begin(), devices.end(), device) == devices.end()) devices.push_back(std::move(device));
}

/// `devN: /dev/ttyUSB0`, `mpN: /srv/data,mp=/data`, `rootfs: local-lvm:vm-110-disk-0`
void read_device(std::string_view value, const char* of, PveContainer& container) {
  auto device = pve_properties(value, of)[of];
  if (device.starts_with('/') || device.find(':') != std::string::npos) add_device(std::move(device), container);
}

/// "/dev/ttyUSB0 dev/ttyUSB0 none bind 0 0"
void read_mount_entry(std::string_view value, PveContainer& container) {
  const auto words = words_of(value);
  if (!words.empty() && words[0].starts_with('/')) add_device(std::string(words[0]), container);
}

/// Each `map` line with its id, taken apart.
template <typename Each>
void each_map_line(std::string_view text, Each each) {
  std::string id;
  each_section_line(
      text, [&](std::string_view header) { id = std::string(header); },
      [&](std::string_view property) {
        if (!property.starts_with("map ")) return;
        auto of = pve_properties(property.substr(4), "");
        each(id, of);
      });
}

/// "c 188:0 rwm"
void read_allowed(std::string_view value, PveContainer& container) {
  const auto words = words_of(value);
  if (words.size() >= 2 && (words[0] == "c" || words[0] == "b"))
    container.allowed.emplace_back(std::string(words[0]), std::string(words[1]));
}

/// `of_a_card` is of the network read last: its type stands first, as lxc requires. The card itself moves into the
/// container (phys), or an interface that is made of it (lxc.container.conf(5)).
void read_network(std::string_view key, std::string_view value, bool& of_a_card, PveContainer& container) {
  if (key.ends_with(".type")) of_a_card = value == "phys" || value == "macvlan" || value == "ipvlan" || value == "vlan";
  if (key.ends_with(".link") && of_a_card) container.interfaces.emplace_back(value);
}

bool is_numbered(std::string_view key, std::string_view stem) {
  return key.starts_with(stem) && key.size() > stem.size() &&
         key.find_first_not_of("0123456789", stem.size()) == std::string_view::npos;
}

void read_line(std::string_view key, std::string_view value, PveContainer& container) {
  if (key == "hostname") container.name = std::string(value);
  if (key == "memory") container.memory = parse_number<Kib>(value).value_or(0) * kib_per_mib;
  if (key == "onboot") container.on_boot = value == "1";
  if (key == "template") container.is_template = value == "1";
  if (key == "startup") container.start_order = parse_number<int>(pve_properties(value, "order")["order"]);
}

void read_devices(std::string_view key, std::string_view value, PveContainer& container) {
  if (is_numbered(key, "dev")) return read_device(value, "path", container);
  if (is_numbered(key, "mp") || key == "rootfs") return read_device(value, "volume", container);
  if (key == "lxc.mount.entry" || key == "lxc.mount.entry =") read_mount_entry(value, container);
  if ((key == "lxc.mount.fstab" || key == "lxc.mount") && value.starts_with('/'))
    container.mount_files.emplace_back(value);
  if (key == "lxc.cgroup2.devices.allow" || key == "lxc.cgroup.devices.allow") read_allowed(value, container);
}

}  // namespace

PveContainer parse_pve_container(int id, std::string_view text) {
  PveContainer container;
  container.id = id;
  container.memory = 512 * kib_per_mib;  // pct.conf(5)
  bool of_a_card = false, pending = false;
  while (!text.empty()) {
    const auto line = trimmed(cut(text, '\n'));
    // What is to change, which the next start takes over, stands before the snapshots.
    if (line.starts_with('[') && line != "[pve:pending]") break;
    pending = pending || line.starts_with('[');
    if (line.empty() || line.starts_with('#')) continue;
    // Lines of lxc itself may have "=" as well as ":".
    const auto mark = line.starts_with("lxc.") ? line.find_first_of(":=") : line.find(':');
    if (mark == std::string_view::npos) continue;
    const auto key = trimmed(line.substr(0, mark)), value = trimmed(line.substr(mark + 1));
    if (key.starts_with("lxc.net."))
      read_network(key, value, of_a_card, container);
    else if (!pending)
      read_line(key, value, container);
    read_devices(key, value, container);
  }
  return container;
}

std::multimap<std::string, PveUsbMapEntry> parse_pve_usb_mappings(std::string_view text) {
  std::multimap<std::string, PveUsbMapEntry> mappings;
  each_map_line(text, [&](const std::string& id, std::map<std::string, std::string>& of) {
    mappings.emplace(id, PveUsbMapEntry{of["node"], of["id"], of["path"]});
  });
  return mappings;
}

std::multimap<std::string, PveDirectoryMapEntry> parse_pve_directory_mappings(std::string_view text) {
  std::multimap<std::string, PveDirectoryMapEntry> mappings;
  each_map_line(text, [&](const std::string& id, std::map<std::string, std::string>& of) {
    mappings.emplace(id, PveDirectoryMapEntry{of["node"], of["path"]});
  });
  return mappings;
}

void add_pve_container_mounts(std::string_view text, PveContainer& container) {
  while (!text.empty()) read_mount_entry(trimmed(cut(text, '\n')), container);
}

}  // namespace hostsplit
