#include "formats/proxmox/container_config.hpp"

#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "core/proxmox/values.hpp"
#include "formats/proxmox/section_config.hpp"

namespace hostsplit {
namespace {

void read_device(std::string_view value, const char* of, PveContainer& container) {
  auto path = pve_properties(value, of)[of];
  if (path.starts_with("/dev/")) container.devices.push_back(std::move(path));
}

/// "c 188:0 rwm"
void read_allowed(std::string_view value, PveContainer& container) {
  const auto type = cut(value, ' ');
  const auto number = cut(value, ' ');
  if ((type == "c" || type == "b") && !number.empty())
    container.allowed.emplace_back(std::string(type), std::string(number));
}

/// `physical` is of the network read last: its type stands first, as lxc requires.
void read_network(std::string_view key, std::string_view value, bool& physical, PveContainer& container) {
  if (key.ends_with(".type")) physical = value == "phys";
  if (key.ends_with(".link") && physical) container.interfaces.emplace_back(value);
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
  if (is_numbered(key, "dev")) return read_device(value, "path", container);
  if (is_numbered(key, "mp") || key == "rootfs") return read_device(value, "volume", container);
  if (key == "lxc.mount.entry" || key == "lxc.mount.entry =") {
    const auto source = cut(value, ' ');
    if (source.starts_with("/dev/")) container.devices.emplace_back(source);
  }
  if (key == "lxc.cgroup2.devices.allow" || key == "lxc.cgroup.devices.allow") read_allowed(value, container);
}

}  // namespace

PveContainer parse_pve_container(int id, std::string_view text) {
  PveContainer container;
  container.id = id;
  container.memory = 512 * kib_per_mib;  // pct.conf(5)
  bool physical = false;
  while (!text.empty()) {
    const auto line = trimmed(cut(text, '\n'));
    if (line.starts_with('[')) break;
    if (line.empty() || line.starts_with('#')) continue;
    // Lines of lxc itself may have "=" as well as ":".
    const auto mark = line.starts_with("lxc.") ? line.find_first_of(":=") : line.find(':');
    if (mark == std::string_view::npos) continue;
    const auto key = trimmed(line.substr(0, mark)), value = trimmed(line.substr(mark + 1));
    if (key.starts_with("lxc.net."))
      read_network(key, value, physical, container);
    else
      read_line(key, value, container);
  }
  return container;
}

std::multimap<std::string, PveUsbMapEntry> parse_pve_usb_mappings(std::string_view text) {
  std::multimap<std::string, PveUsbMapEntry> mappings;
  std::string id;
  each_section_line(
      text, [&](std::string_view header) { id = std::string(header); },
      [&](std::string_view property) {
        if (!property.starts_with("map ")) return;
        auto of = pve_properties(property.substr(4), "");
        mappings.emplace(id, PveUsbMapEntry{of["node"], of["id"], of["path"]});
      });
  return mappings;
}

}  // namespace hostsplit
