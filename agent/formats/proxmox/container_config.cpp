#include "formats/proxmox/container_config.hpp"

#include "core/base/text.hpp"

namespace hostsplit {
namespace {

/// The value of `key=` in "a=1,b=2"; the first part when `key` is empty and it has no "=".
std::string device_property(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const auto part = trimmed(cut(text, ','));
    const auto equals = part.find('=');
    if (equals == std::string_view::npos ? key.empty() : part.substr(0, equals) == key)
      return std::string(part.substr(equals == std::string_view::npos ? 0 : equals + 1));
  }
  return {};
}

void read_device(std::string_view value, PveContainer& container) {
  auto path = device_property(value, "");
  if (path.empty()) path = device_property(value, "path");
  if (path.starts_with("/dev/")) container.devices.push_back(std::move(path));
}

/// "c 188:0 rwm"
void read_allowed(std::string_view value, PveContainer& container) {
  const auto type = cut(value, ' ');
  const auto number = cut(value, ' ');
  if ((type == "c" || type == "b") && !number.empty())
    container.allowed.emplace_back(std::string(type), std::string(number));
}

void read_line(std::string_view key, std::string_view value, PveContainer& container) {
  if (key == "hostname") container.name = std::string(value);
  const bool device =
      key.starts_with("dev") && key.size() > 3 && key.find_first_not_of("0123456789", 3) == std::string_view::npos;
  if (device) return read_device(value, container);
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
  while (!text.empty()) {
    const auto line = trimmed(cut(text, '\n'));
    if (line.starts_with('[')) break;
    if (line.empty() || line.starts_with('#')) continue;
    // Lines of lxc itself may have "=" as well as ":".
    const auto mark = line.starts_with("lxc.") ? line.find_first_of(":=") : line.find(':');
    if (mark == std::string_view::npos) continue;
    read_line(trimmed(line.substr(0, mark)), trimmed(line.substr(mark + 1)), container);
  }
  return container;
}

std::multimap<std::string, PveUsbMapEntry> parse_pve_usb_mappings(std::string_view text) {
  std::multimap<std::string, PveUsbMapEntry> mappings;
  std::string id;
  while (!text.empty()) {
    const auto line = cut(text, '\n');
    const auto content = trimmed(line);
    if (content.empty() || content.starts_with('#')) continue;
    const bool indented = line.front() == ' ' || line.front() == '\t';
    if (!indented) {
      id = std::string(content);
    } else if (content.starts_with("map ") && !id.empty()) {
      const auto value = trimmed(content.substr(4));
      mappings.emplace(id, PveUsbMapEntry{device_property(value, "node"), device_property(value, "id"),
                                          device_property(value, "path")});
    }
  }
  return mappings;
}

}  // namespace hostsplit
