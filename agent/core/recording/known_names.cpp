#include "core/recording/known_names.hpp"

#include <algorithm>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/recording/lines.hpp"

namespace hostsplit {
namespace {

using Kind = RecordedEntry::Kind;
using Names = std::vector<std::string>;
const std::string nodes = "etc/pve/nodes/", local_node = "etc/pve/local";

void add_unless_empty(std::string_view value, Names& names) {
  if (!value.empty()) names.emplace_back(value);
}

/// "10.0.0.5  nas.example.org nas": all names, and the domain they are in.
void add_names_of_hosts(std::string_view text, Names& names) {
  for_lines(text, [&](std::string_view line) {
    const auto fields = words_of(line.substr(0, line.find('#')));
    for (std::size_t i = 1; i < fields.size(); ++i) {
      add_unless_empty(fields[i], names);
      const auto dot = fields[i].find('.');
      if (dot != std::string_view::npos && fields[i].find('.', dot + 1) != std::string_view::npos)
        add_unless_empty(fields[i].substr(dot + 1), names);
    }
  });
}

/// Servers of network file systems: "nas:/export", "user@nas:/x", "//nas/share".
void add_servers(std::string_view text, Names& names) {
  for_lines(text, [&](std::string_view line) {
    const auto dash = line.find(" - ");
    if (dash == std::string_view::npos) return;
    const auto fields = words_of(line.substr(dash + 3));
    if (fields.size() < 2) return;
    auto source = fields[1];
    if (source.starts_with("//")) {
      add_unless_empty(source.substr(2, source.find('/', 2) - 2), names);
    } else if (const auto end = source.find(":/"); end != std::string_view::npos) {
      source = source.substr(0, end);
      if (const auto at = source.find('@'); at != std::string_view::npos) {
        add_unless_empty(source.substr(0, at), names);
        source.remove_prefix(at + 1);
      }
      while (!source.empty()) {
        const auto one = cut(source, ',');
        add_unless_empty(one.substr(0, one.find(':')), names);
      }
    }
  });
}

/// ip=CLIENT:SERVER:GATEWAY:MASK:NAME:..., systemd.hostname=NAME (Documentation/admin-guide/nfs/nfsroot.rst).
void add_names_of_command_line(std::string_view text, Names& names) {
  for (const auto word : words_of(text)) {
    if (word.starts_with("systemd.hostname=")) add_unless_empty(word.substr(17), names);
    if (!word.starts_with("ip=") || word.find('[') != std::string_view::npos) continue;
    auto rest = word.substr(3);
    for (int field = 0; field < 4; ++field) cut(rest, ':');
    add_unless_empty(cut(rest, ':'), names);
  }
}

void add_names_of_cluster(std::string_view text, Names& names) {
  for_lines(text, [&](std::string_view line) {
    add_unless_empty(value_in(line, "name"), names);
    for (char ring = '0'; ring < '8'; ++ring)
      add_unless_empty(value_in(line, std::string("ring") + ring + "_addr"), names);
  });
}

}  // namespace

bool is_usual_host_name(std::string_view name) {
  return name == "pve" || name == "proxmox" || name == "localhost" || name == "debian";
}

bool is_guest_config(std::string_view path) {
  return path.starts_with("etc/pve/qemu-server/") || path.starts_with("etc/pve/lxc/");
}

bool is_host_name_file(std::string_view path) {
  return path == "etc/hostname" || path == "proc/sys/kernel/hostname";
}

std::string value_in(std::string_view line, std::string_view key) {
  line = trimmed(line);
  if (!line.starts_with(key)) return {};
  line = trimmed(line.substr(key.size()));
  if (!line.starts_with(':') && !line.starts_with('=')) return {};
  line = trimmed(line.substr(1));
  if (line.size() > 1 && (line.front() == '"' || line.front() == '\'')) {
    const auto end = line.find(line.front(), 1);
    return std::string(line.substr(1, end == std::string_view::npos ? end : end - 1));
  }
  return std::string(line);
}

std::vector<std::string> host_names(const Recording& recording) {
  Names names;
  for (const auto& [path, entry] : recording.entries) {
    if (path.starts_with(nodes))
      add_unless_empty(path.substr(nodes.size(), path.find('/', nodes.size()) - nodes.size()), names);
    if (path == local_node && entry.kind == Kind::link)
      add_unless_empty(entry.text.substr(entry.text.rfind('/') + 1), names);
    if (entry.kind != Kind::file) continue;
    if (is_host_name_file(path)) add_unless_empty(trimmed(entry.text.substr(0, entry.text.find('\n'))), names);
    if (path == "etc/hosts") add_names_of_hosts(entry.text, names);
    if (path.ends_with("/mountinfo")) add_servers(entry.text, names);
    if (path == "proc/cmdline" || path == names::kernel_cmdline) add_names_of_command_line(entry.text, names);
    if (path == "etc/corosync/corosync.conf") add_names_of_cluster(entry.text, names);
  }
  return names;
}

std::vector<std::string> guest_names(const Recording& recording) {
  Names names;
  for (const auto& [path, entry] : recording.entries) {
    const bool config = path == names::config_file;
    if (!config && !is_guest_config(path)) continue;
    for_lines(entry.text, [&](std::string_view line) {
      for (const char* key : {"name", "hostname"}) add_unless_empty(value_in(line, key), names);
    });
  }
  return names;
}

bool is_serial(std::string_view path) {
  if (!path.starts_with("sys/") || !path.ends_with("/serial")) return false;
  path.remove_suffix(7);
  return !path.substr(path.rfind('/') + 1).starts_with("usb");
}

std::vector<std::string> serials(const Recording& recording) {
  Names found;
  for (const auto& [path, entry] : recording.entries)
    if (is_serial(path) && entry.kind == Kind::file)
      add_unless_empty(trimmed(entry.text.substr(0, entry.text.find('\n'))), found);
  return found;
}

std::set<std::string, std::less<>> meaningful_words(const Recording& recording) {
  std::set<std::string, std::less<>> words{"host", "vm",      "guest",     "root",  "local",
                                           "pve",  "proxmox", "localhost", "debian"};
  for (const auto& [path, entry] : recording.entries) {
    std::string_view rest = path;
    const bool of_devices = rest.starts_with("dev/") || rest.starts_with(nodes);
    while (!of_devices && !rest.empty()) words.emplace(cut(rest, '/'));
    if (entry.kind != Kind::file || rest.starts_with("proc/")) continue;
    if (path.starts_with("etc/") && path != "etc/hosts" && !is_host_name_file(path))
      for_lines(entry.text, [&](std::string_view line) {
        line = trimmed(line);
        const auto end = line.find_first_of(":= \t");
        if (end != std::string_view::npos) words.emplace(line.substr(0, end));
      });
  }
  return words;
}

}  // namespace hostsplit
