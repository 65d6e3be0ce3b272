#include "formats/proxmox/section_config.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace hostsplit {
namespace {

constexpr std::string_view space = " \t";

std::string_view first_word(std::string_view line) {
  return line.substr(0, line.find_first_of(space));
}

/// Only of storages of directories: those of the network (nfs, cifs, cephfs) may hang whoever looks at them. What such
/// a directory lies on is not known here: inventory_parts::on_this_machine().
std::string path_of(const PveSection& section) {
  const auto path = section.properties.find("path");
  const bool local = section.type == "dir" || section.type == "btrfs";
  return local && path != section.properties.end() && path->second.starts_with('/') ? path->second.substr(1) : "";
}

/// `is_mountpoint` is a boolean, or the place itself.
std::string mount_point_of(std::string_view value, const std::string& path) {
  std::string point;
  if (value.starts_with('/')) point = value;
  if (value == "1" || value == "yes" || value == "on" || value == "true") point = "/" + path;
  while (point.size() > 1 && point.ends_with('/')) point.pop_back();
  return point;
}

/// content-dirs: "backup=bak,iso=images/iso"; what it leaves out is as ever (PVE::Storage::Plugin, get_subdir).
std::string backups_of(std::string_view content_dirs) {
  constexpr std::string_view key = "backup=";
  while (!content_dirs.empty()) {
    auto directory = trimmed(cut(content_dirs, ','));
    if (!directory.starts_with(key)) continue;
    directory.remove_prefix(std::min(directory.find_first_not_of('/', key.size()), directory.size()));
    return std::string(directory);
  }
  return "dump";
}

bool lists(std::string_view list, std::string_view word) {
  while (!list.empty())
    if (trimmed(cut(list, ',')) == word) return true;
  return false;
}

}  // namespace

void each_section_line(std::string_view text, const std::function<void(std::string_view)>& header,
                       const std::function<void(std::string_view)>& property) {
  bool below = false;
  while (!text.empty()) {
    const auto line = cut(text, '\n');
    const auto content = trimmed(line);
    if (content.empty() || content.starts_with('#')) continue;
    const bool indented = line.front() == ' ' || line.front() == '\t';
    if (!indented) below = true;
    if (below) (indented ? property : header)(content);
  }
}

std::vector<PveSection> parse_pve_sections(std::string_view text) {
  std::vector<PveSection> sections;
  each_section_line(
      text,
      [&](std::string_view header) {
        const auto colon = std::min(header.find(':'), header.size());
        const auto rest = trimmed(header.substr(std::min(colon + 1, header.size())));
        sections.push_back({std::string(header.substr(0, colon)), std::string(first_word(rest)), {}});
      },
      [&](std::string_view property) {
        const auto key = first_word(property);
        sections.back().properties[std::string(key)] = std::string(trimmed(property.substr(key.size())));
      });
  return sections;
}

std::vector<PveStorage> parse_pve_storages(std::string_view text, const std::string& node) {
  std::vector<PveStorage> storages;
  for (const auto& section : parse_pve_sections(text)) {
    const auto of = [&](const char* key) {
      const auto found = section.properties.find(key);
      return found == section.properties.end() ? std::string() : found->second;
    };
    PveStorage storage{section.id, section.type, path_of(section), of("content")};
    const auto nodes = of("nodes");
    // "disable" stands without a value.
    const bool disabled = section.properties.count("disable") && of("disable") != "0";
    storage.here = !disabled && (nodes.empty() || lists(nodes, node));
    storage.group = section.type == "zfspool" ? of("pool") : of("vgname");
    if (!storage.path.empty()) storage.mount_point = mount_point_of(of("is_mountpoint"), storage.path);
    storage.backups = backups_of(of("content-dirs"));
    storages.push_back(std::move(storage));
  }
  return storages;
}

std::optional<bool> parse_pve_quorum(std::string_view members) {
  const auto key = members.find("\"quorate\"");
  if (key == std::string_view::npos) return {};
  const auto colon = members.find(':', key);
  const auto digit = members.find_first_of("01", std::min(colon, members.size()));
  if (colon == std::string_view::npos || digit == std::string_view::npos) return {};
  return members[digit] == '1';
}

}  // namespace hostsplit
