#include "core/recording/kept_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/machine/nvlist.hpp"
#include "core/machine/use_via.hpp"
#include "core/recording/lines.hpp"
#include "core/recording/needed_lines.hpp"

namespace hostsplit::kept_lines {
namespace {

bool one_of(std::string_view word, Words words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "hostpci0" is one of "hostpci".
bool one_of_numbered(std::string_view word, Words words) {
  const auto end = word.find_last_not_of("0123456789");
  return end != std::string_view::npos && end + 1 < word.size() && one_of(word.substr(0, end + 1), words);
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string plain(std::string_view line) {
  return without_secrets(without_comment(line));
}

std::string_view key_of(std::string_view line, const char* ends) {
  line = trimmed(line);
  return trimmed(line.substr(0, line.find_first_of(ends)));
}

/// Options of a disk that name what is behind it.
std::string without_disk_ids(std::string_view line) {
  std::string result;
  while (!line.empty()) {
    const auto part = cut(line, ',');
    if (part.starts_with("serial=") || part.starts_with("wwn=") || part.starts_with("product=")) continue;
    result += (result.empty() ? "" : ",") + std::string(part);
  }
  return result;
}

/// As udev has it in its names of links, so that a label stays the same label: "KEY\x20STICK" for KEY\040STICK.
std::string as_udev_has_it(std::string_view field) {
  std::string result;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field.substr(i, 4) == "\\040") {
      result += "\\x20";
      i += 3;
    } else if (field[i] != '"') {
      result += field[i];
    }
  }
  return result;
}

/// What `ip` and others do with an interface, but no keys.
std::string interface_command(std::string_view line) {
  const auto words = words_of(line);
  const auto program = words.size() > 2 ? words[1].substr(words[1].rfind('/') + 1) : std::string_view();
  if (!one_of(program, {"ip", "ifconfig", "ifenslave", "brctl", "bridge"}) || has(line, "xfrm") || has(line, " key "))
    return {};
  return plain(line);
}

}  // namespace

std::string without_comment(std::string_view line) {
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quote != 0) {
      if (line[i] == quote) quote = 0;
    } else if (line[i] == '"' || line[i] == '\'') {
      if (line.find(line[i], i + 1) != std::string_view::npos) quote = line[i];
    } else if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      return std::string(line.substr(0, i));
    }
  }
  return std::string(line);
}

std::string lines_with(std::string_view text, Words parts) {
  return changed_lines(text, [&](std::string_view line) {
    const bool needed = std::any_of(parts.begin(), parts.end(), [&](auto part) { return has(line, part); });
    return needed ? plain(line) : std::string();
  });
}

std::string encrypted_datasets(std::string_view text) {
  constexpr int before_encryption_root = 10;
  return changed_lines(text, [](std::string_view line) -> std::string {
    auto rest = line;
    for (int i = 0; i < before_encryption_root; ++i) cut(rest, '\t');
    const auto encryption_root = cut(rest, '\t');
    return encryption_root.empty() || encryption_root == "-" ? std::string() : plain(line);
  });
}

std::string lines_of(std::string_view text, const char* ends, Words keys) {
  return changed_lines(text,
                       [&](std::string_view line) { return one_of(key_of(line, ends), keys) ? plain(line) : ""; });
}

std::string guest_config(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    if (trimmed(line).empty() || trimmed(line).front() == '[') return std::string(line);
    if (trimmed(line).front() == '#') return {};
    const auto key = key_of(line, ":");
    if (key == "args" || key == "name") return without_secrets(line);
    if (one_of(key, {"arch", "cpu", "hotplug", "hookscript", "lock", "machine", "memory", "balloon", "hugepages"}) ||
        one_of(key, {"sockets", "cores", "vcpus", "affinity", "startup", "numa", "keephugepages", "onboot", "template",
                     "delete"}) ||
        one_of_numbered(key, {"numa", "hostpci", "usb", "serial", "parallel", "virtiofs"}))
      return std::string(line);
    if (one_of_numbered(key, {"scsi", "sata", "ide", "virtio", "efidisk", "tpmstate", "unused"}))
      return without_disk_ids(line);
    return has(line, ":") ? std::string() : "left out";  // what is no key is a finding, whatever it says
  });
}

std::string container_config(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    const auto key = key_of(line, ":=");
    const bool device = key == "lxc.mount.entry";
    const bool needed = one_of(key, {"hostname", "memory", "onboot", "template", "startup", "lxc.cgroup2.devices.allow",
                                     "lxc.cgroup.devices.allow", "hookscript", "lxc.mount.fstab"}) ||
                        one_of_numbered(key, {"dev"}) || line.starts_with('[') ||
                        (key.starts_with("lxc.net.") && (key.ends_with(".type") || key.ends_with(".link")));
    const bool disk = one_of_numbered(key, {"mp"}) || key == "rootfs";
    if (disk && !has(line, "/dev/")) return std::string(line.substr(0, line.find(',')));
    return device || needed || disk ? std::string(line) : std::string();
  });
}

std::string sections(std::string_view text, Words keys) {
  return changed_lines(text, [&](std::string_view line) -> std::string {
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    if (trimmed(line).starts_with('#')) return {};
    return !indented || one_of(key_of(line, " \t"), keys) ? plain(line) : std::string();
  });
}

std::string without_quoted_comments(std::string_view line) {
  if (!trimmed(line).starts_with("content = ")) return std::string(line);
  constexpr std::string_view end_of_line = "\\n";
  std::string result;
  while (!line.empty()) {
    const auto end = std::min(line.find(end_of_line), line.size());
    auto part = line.substr(0, end);
    line.remove_prefix(std::min(end + 2, line.size()));
    const bool last = line.empty() && end + 2 > part.size() + 1 && part.ends_with('"');
    const auto comment = part.find('#');
    if (comment != std::string_view::npos) part = part.substr(0, comment);
    result += without_secrets(part);
    if (last && comment != std::string_view::npos) result += '"';
    if (!last) result += end_of_line;
  }
  return result;
}

std::string command_line(std::string_view text) {
  std::string result = "kvm";
  std::string_view option;
  for (cut(text, '\0'); !text.empty();) {
    const auto argument = cut(text, '\0');
    const bool value = !option.empty();
    const bool object = option == "-object" && has(argument, "memory-backend-");
    const bool device = option == "-device" && (has(argument, "vfio-pci") || has(argument, "ivshmem") ||
                                                has(argument, "pc-dimm") || has(argument, "virtio-mem"));
    if (value && (object || device || one_of(option, {"-id", "-pidfile", "-m", "-numa", "-machine"})))
      result += '\0' + std::string(option) + '\0' + std::string(argument);
    option = !value && argument.starts_with('-') ? argument : std::string_view();
    if (value && argument.starts_with('-')) option = argument;
  }
  return result + '\0';
}

std::string mount_line(std::string_view line) {
  const auto fields = words_of(line);
  const auto dash = std::find(fields.begin(), fields.end(), "-");
  if (fields.size() < 7 || fields.end() - dash < 3) return {};
  const auto type = dash[1];
  std::string source(dash[2]), options;
  if (const auto path = source.find(":/"); path != std::string::npos) source = source.substr(0, path) + ":/export";
  if (source.starts_with("//")) source = source.substr(0, source.find('/', 2)) + "/export";
  auto all = fields.end() - dash > 3 ? dash[3] : std::string_view();
  while (!all.empty()) {
    const auto option = cut(all, ',');
    if (one_of(option.substr(0, option.find('=')),
               {"addr", "ip", "mon_addr", "trans", "lowerdir", "upperdir", "workdir", "logdev", "rtdev"}))
      options += "," + std::string(option);
  }
  return fmt::format("{} {} {} / {} rw - {} {} rw{}", fields[0], fields[1], fields[2], fields[4], type, source,
                     options);
}

std::string pool_cache(const std::string& content) {
  std::string result;
  each_nvlist_string(content, [&](const std::string& key, const std::string& value) {
    if (key == "name" || key == "path") result += nvlist_string(key, value);
  });
  return result;
}

std::string block_properties(std::string_view text) {
  constexpr std::string_view type = "E:ID_PART_ENTRY_TYPE=";
  const bool zfs = has(text, "zfs_member");
  return changed_lines(text, [&](std::string_view line) -> std::string {
    if (line.starts_with(type)) return line.substr(type.size()) == zfs_partition_type ? std::string(type) + "zfs" : "";
    if (one_of(key_of(line, "="), {"E:ID_FS_LABEL", "E:ID_FS_UUID"}) && !zfs) return "";
    return one_of(key_of(line, "="), {"E:ID_FS_TYPE", "E:ID_FS_AMBIVALENT", "E:ID_FS_LABEL", "E:ID_FS_UUID",
                                      "E:LVM_VG_NAME_COMPLETE", "E:LVM_VG_NAME_INCOMPLETE"})
               ? plain(line)
               : std::string();
  });
}

std::string mount_unit(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    const bool page_size = has(line, "hugepages");
    return page_size || one_of(key_of(line, "="), {"[Mount]", "What", "Where"}) ? plain(line) : std::string();
  });
}

std::string mounted_devices(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    const auto fields = words_of(line);
    const bool bind = fields.size() > 3 && fields[0].starts_with('/') && has(fields[3], "bind");
    const bool device = !fields.empty() && (has(fields[0], "=") || fields[0].starts_with("/dev/"));
    if (fields.size() < 3 || fields[0].starts_with('#') || !(device || bind)) return {};
    std::string options = "defaults";
    for (auto all = fields.size() > 3 ? fields[3] : std::string_view(); !all.empty();) {
      const auto option = cut(all, ',');
      if (one_of(option, {"nofail", "noauto", "x-systemd.automount", "bind", "rbind"}))
        options += "," + std::string(option);
    }
    return fmt::format("{} {} {} {} 0 0", as_udev_has_it(fields[0]), fields[1], fields[2], options);
  });
}

std::string quorum(std::string_view text) {
  const auto key = text.find("\"quorate\"");
  if (key == std::string_view::npos) return "{}\n";
  const auto digit = text.find_first_of("01", key);
  return fmt::format("{{\"quorate\": {}}}\n", digit == std::string_view::npos ? "null" : text.substr(digit, 1));
}

std::string neighbours(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    const auto fields = words_of(line);
    return fields.size() < 6 || !fields[2].starts_with("0x")
               ? std::string()
               : fmt::format("0.0.0.0 {} {} 02:00:00:00:00:00 * {}", fields[1], fields[2], fields[5]);
  });
}

std::string without_comments(std::string_view text) {
  return changed_lines(text, plain);
}

std::string as_it_is(std::string_view text) {
  return std::string(text);
}

std::string page_writers(std::string_view text) {
  return lines_with(text, {"hugepages", "hugeadm ", "NR_1G_PAGES", "NR_2M_PAGES"});
}

std::string routing_daemon(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    const auto words = words_of(line);
    if (words.empty()) return {};
    if (words[0] == "interface" && words.size() > 1) return fmt::format("interface {}", words[1]);
    const bool peer = words.size() > 2 && words[0] == "neighbor" && words[2] == "interface";
    if (peer) return fmt::format(" neighbor {} interface", words[1]);
    return line.starts_with(' ') ? fmt::format(" {}", words[0]) : std::string(words[0]);
  });
}

std::string interfaces(std::string_view text) {
  bool goes_on = false;  // a line ends in a backslash, and the next one is a part of it
  return changed_lines(text, [&](std::string_view line) -> std::string {
    const auto key = key_of(line, " \t");
    if (one_of(key, {"up", "pre-up", "post-up"})) {
      auto pages = page_writers(line);
      return pages.empty() ? interface_command(line) : pages;
    }
    const bool needed =
        goes_on || key.starts_with("ovs_") ||
        one_of(key, {"auto", "iface", "address", "source", "source-directory", "bridge-ports", "bridge_ports",
                     "bond-slaves", "bond_slaves", "slaves", "bond-master", "bond_master", "vlan-raw-device",
                     "vlan_raw_device", "vxlan-physdev", "tunnel-physdev", "batman-ifaces"});
    goes_on = needed && trimmed(line).ends_with('\\');
    return needed ? plain(line) : std::string();
  });
}

std::string network_file(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    const auto key = key_of(line, "=");
    const bool needed = key.starts_with('[') || key.ends_with("MACAddress") || key.starts_with("IPv6") ||
                        key.starts_with("address") || key.ends_with("uuid");
    return needed || one_of(key, {"Name",        "OriginalName", "Type",   "Kind",    "Driver",         "Unmanaged",
                                  "Address",     "DHCP",         "Bridge", "Bond",    "VLAN",           "MACVLAN",
                                  "IPVLAN",      "VXLAN",        "VRF",    "Gateway", "interface-name", "mac-address",
                                  "autoconnect", "parent",       "type",   "Path",    "AlternativeName"})
               ? plain(line)
               : std::string();
  });
}

}  // namespace hostsplit::kept_lines
