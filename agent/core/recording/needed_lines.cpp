#include "core/recording/needed_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/machine/nvlist.hpp"
#include "core/machine/use_via.hpp"
#include "core/recording/lines.hpp"
#include "core/steps/files.hpp"

namespace hostsplit {
namespace {

using Words = std::initializer_list<std::string_view>;

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

/// Up to a "#" that begins a comment: not inside quotes, and not a part of a word.
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

std::string plain(std::string_view line) {
  return without_secrets(without_comment(line));
}

std::string lines_with(std::string_view text, Words parts) {
  return changed_lines(text, [&](std::string_view line) {
    const bool needed = std::any_of(parts.begin(), parts.end(), [&](auto part) { return has(line, part); });
    return needed ? plain(line) : std::string();
  });
}

std::string_view key_of(std::string_view line, const char* ends) {
  line = trimmed(line);
  return trimmed(line.substr(0, line.find_first_of(ends)));
}

/// Lines that begin with one of these words.
std::string lines_of(std::string_view text, const char* ends, Words keys) {
  return changed_lines(text,
                       [&](std::string_view line) { return one_of(key_of(line, ends), keys) ? plain(line) : ""; });
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
    const bool needed = one_of(key, {"hostname", "memory", "onboot", "template", "lxc.cgroup2.devices.allow",
                                     "lxc.cgroup.devices.allow", "hookscript", "lxc.mount.fstab"}) ||
                        one_of_numbered(key, {"dev"}) || line.starts_with('[') ||
                        (key.starts_with("lxc.net.") && (key.ends_with(".type") || key.ends_with(".link")));
    const bool disk = one_of_numbered(key, {"mp"}) || key == "rootfs";
    if (disk && !has(line, "/dev/")) return std::string(line.substr(0, line.find(',')));
    return device || needed || disk ? std::string(line) : std::string();
  });
}

/// Headers, and properties with one of these keys: what Proxmox VE calls a section config.
std::string sections(std::string_view text, Words keys) {
  return changed_lines(text, [&](std::string_view line) -> std::string {
    const bool indented = line.starts_with(' ') || line.starts_with('\t');
    if (trimmed(line).starts_with('#')) return {};
    return !indented || one_of(key_of(line, " \t"), keys) ? plain(line) : std::string();
  });
}

/// Up to the literal "\n" of a TOML string that holds a whole file, comments of that file are left out.
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

/// Arguments of QEMU that say what a guest has. Of other programs nothing is needed.
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

/// Of options only where a network file system is, and the layers of an overlay.
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

/// Of the cache of ZFS pools and their members.
std::string pool_cache(const std::string& content) {
  std::string result;
  each_nvlist_string(content, [&](const std::string& key, const std::string& value) {
    if (key == "name" || key == "path") result += nvlist_string(key, value);
  });
  return result;
}

/// Of udev: what is on a block device. The type of a partition is no identifier, although it looks like one. A label is
/// one, but the name of its pool where ZFS is.
std::string block_properties(std::string_view text) {
  constexpr std::string_view type = "E:ID_PART_ENTRY_TYPE=";
  const bool zfs = has(text, "zfs_member");
  return changed_lines(text, [&](std::string_view line) -> std::string {
    if (line.starts_with(type)) return line.substr(type.size()) == zfs_partition_type ? std::string(type) + "zfs" : "";
    if (key_of(line, "=") == "E:ID_FS_LABEL" && !zfs) return "";
    return one_of(key_of(line, "="), {"E:ID_FS_TYPE", "E:ID_FS_AMBIVALENT", "E:ID_FS_LABEL", "E:LVM_VG_NAME_COMPLETE",
                                      "E:LVM_VG_NAME_INCOMPLETE"})
               ? plain(line)
               : std::string();
  });
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

/// Of a unit that mounts something: from where, and to where. Who sets huge page counts, too.
std::string mount_unit(std::string_view text) {
  return changed_lines(text, [](std::string_view line) -> std::string {
    const bool page_size = has(line, "hugepages");
    return page_size || one_of(key_of(line, "="), {"[Mount]", "What", "Where"}) ? plain(line) : std::string();
  });
}

/// Of fstab(5): what is on devices, and of its options those that say whether the boot waits for it.
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

/// Of the table of neighbours: which interface has any.
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

bool is_own(const std::string& path) {
  const auto& files = foreign_files();
  const bool written = std::find(files.begin(), files.end(), path) != files.end() && path != names::kernel_cmdline;
  return written || path == names::boot_plan_file || path.starts_with("run/hostsplit/") ||
         path.ends_with("/snippets/" + std::string(names::hook_name));
}

/// sysctl, tmpfiles, units, cron, init.d, rules of udev, sysfsutils, DPDK, tuned, scripts: who sets huge page counts.
std::string page_writers(std::string_view text) {
  return lines_with(text, {"hugepages", "hugeadm ", "NR_1G_PAGES", "NR_2M_PAGES"});
}

bool may_write_pages(std::string_view path) {
  constexpr std::string_view places =
      "etc/sysctl run/sysctl.d/ usr/lib/sysctl.d/ etc/tmpfiles.d/ run/tmpfiles.d/ usr/lib/tmpfiles.d/ etc/systemd/ "
      "usr/lib/systemd/ etc/crontab etc/cron. etc/init.d/ etc/sysfs var/spool/cron/crontabs/root etc/udev/rules.d/ "
      "etc/dpdk/ etc/tuned/ usr/lib/tuned/ usr/local/ opt/ root/";
  const auto all = words_of(places);
  return has(path, "/snippets/") ||
         std::any_of(all.begin(), all.end(), [&](auto place) { return path.starts_with(place); });
}

/// What `ip` and others do with an interface, but no keys.
std::string interface_command(std::string_view line) {
  const auto words = words_of(line);
  const auto program = words.size() > 2 ? words[1].substr(words[1].rfind('/') + 1) : std::string_view();
  if (!one_of(program, {"ip", "ifconfig", "ifenslave", "brctl", "bridge"}) || has(line, "xfrm") || has(line, " key "))
    return {};
  return plain(line);
}

/// Of FRR: which interfaces, and that there is something below them.
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

/// What is under and behind an interface, and what sets huge page counts when it comes up.
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

/// Of systemd-networkd and NetworkManager: which interface, and whether it is given anything.
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

/// Content of files below a place, and what of it is needed. The first that fits counts.
struct Rule {
  std::string_view begins, ends;
  std::string (*needed)(std::string_view text);
};

constexpr Rule rules[] = {
    {"etc/hostsplit/", ".toml", without_comments},
    {"var/lib/hostsplit/journal/baseline", ".toml",
     [](std::string_view text) {
       return changed_lines(text, [](auto line) { return without_quoted_comments(without_comment(line)); });
     }},
    {"var/lib/hostsplit/", "", without_comments},
    {"etc/pve/qemu-server/", ".conf", guest_config},
    {"etc/pve/lxc/", ".conf", container_config},
    {"etc/pve/storage.cfg", "",
     [](std::string_view text) {
       return sections(text, {"path", "thinpool", "vgname", "pool", "content", "nodes", "disable", "is_mountpoint"});
     }},
    {"etc/pve/jobs.cfg", "",
     [](std::string_view text) {
       return sections(text, {"enabled", "all", "exclude", "vmid", "pool"});
     }},
    {"etc/pve/mapping/", "",
     [](std::string_view text) {
       return sections(text, {"map", "mdev"});
     }},
    {"etc/pve/.members", "", quorum},
    {"etc/pve/ceph.conf", "",
     [](std::string_view text) {
       return lines_with(text, {"public_network", "public network", "cluster_network", "cluster network"});
     }},
    {"etc/pve/ha/resources.cfg", "", [](std::string_view text) { return sections(text, {"state"}); }},
    {"etc/pve/datacenter.cfg", "", [](std::string_view text) { return lines_of(text, ":", {"migration"}); }},
    {"etc/corosync/", "",
     [](std::string_view text) {
       return lines_with(text, {"ring0_addr", "ring1_addr", "ring2_addr", "ring3_addr", "ring4_addr", "ring5_addr",
                                "ring6_addr", "ring7_addr"});
     }},
    {"etc/network/if-", "", page_writers},
    {"etc/network/", "", interfaces},
    {"etc/systemd/network/", "", network_file},
    {"run/systemd/network/", "", network_file},
    {"usr/local/lib/systemd/network/", "", network_file},
    {"etc/wireguard/", "",
     [](std::string_view text) {
       return lines_of(text, " \t=", {"[Interface]", "[Peer]", "Address"});
     }},
    {"etc/frr/", "", routing_daemon},
    {"etc/NetworkManager/", "", network_file},
    {"run/NetworkManager/", "", network_file},
    {"etc/ppp/peers/", "",
     [](std::string_view text) {
       return lines_with(text, {"pppoe", "nic-"});
     }},
    {"etc/pam.d/", "",
     [](std::string_view text) {
       return lines_with(text, {"pam_u2f", "pam_yubico", "pam_pkcs11", "pam_p11"});
     }},
    {"etc/hosts", "", without_comments},
    {"etc/hostname", "", as_it_is},
    {"etc/crypttab", "", without_comments},
    {"etc/zfs/zfs-list.cache/", "", [](std::string_view text) { return lines_with(text, {"file://"}); }},
    {"etc/kernel/", "", without_comments},
    {"etc/default/grub", "", without_comments},
    {"etc/tuned/active_profile", "", as_it_is},
    {"etc/modprobe.d/", ".conf", without_comments},
    {"run/modprobe.d/", ".conf", without_comments},
    {"usr/local/lib/modprobe.d/", ".conf", without_comments},
    {"usr/lib/modprobe.d/", ".conf", without_comments},
    {"etc/modules", "", without_comments},
    {"etc/initramfs-tools/modules", "", without_comments},
    {"etc/initramfs-tools/", "",
     [](std::string_view text) {
       return lines_of(text, "=", {"DEVICE", "IP", "export DEVICE", "export IP"});
     }},
    {"etc/rc.local", "", [](std::string_view text) { return lines_with(text, {"hugepages"}); }},
    {"etc/nut/", "",
     [](std::string_view text) {
       return lines_of(text, " \t=", {"driver", "port", "porttype", "vendorid", "productid"});
     }},
    {"etc/apcupsd/", "",
     [](std::string_view text) {
       return lines_of(text, " \t", {"UPSTYPE", "UPSCABLE", "DEVICE"});
     }},
    {"etc/fstab", "", mounted_devices},
    {"etc/systemd/system/", ".mount", mount_unit},
    {"usr/local/lib/systemd/system/", ".mount", mount_unit},
    {"run/systemd/", ".mount", mount_unit},
    {"proc/cmdline", "", [](std::string_view text) { return changed_lines(text, without_secrets); }},
    {"run/udev/data/n", "",
     [](std::string_view text) {
       return lines_of(text, "=",
                       {"E:ID_PATH", "E:ID_NET_NAME", "E:ID_NET_NAME_MAC", "E:ID_NET_NAME_PATH", "E:ID_NET_NAME_SLOT",
                        "E:ID_NET_NAME_ONBOARD", "E:ID_NET_NAME_FROM_DATABASE"});
     }},
    {"run/udev/data/", "", block_properties},
    {"proc/net/arp", "", neighbours},
    {"proc/net/packet", "", [](std::string_view) { return std::string(); }},  // whose sockets they are is left out, too
    {"proc/driver/nvidia/gpus/", "/information",
     [](std::string_view text) { return lines_of(text, ":", {"Device Minor"}); }},
    {"proc/", "/cmdline", command_line},
    {"proc/", "/mountinfo", [](std::string_view text) { return changed_lines(text, mount_line); }},
    {"proc/", "/status",
     [](std::string_view text) {
       return lines_of(text, ":", {"Name", "Cpus_allowed_list", "HugetlbPages", "RssAnon", "RssFile", "RssShmem"});
     }},
    {"proc/modules", "",
     [](std::string_view text) {
       return changed_lines(text, [](std::string_view line) {  // without addresses of the kernel
         return std::string(line.substr(0, line.rfind(' ')));
       });
     }},
    {"proc/cpuinfo", "",
     [](std::string_view text) {
       return lines_of(text.substr(0, text.find("\n\n")), ":", {"vendor_id", "flags"});
     }},
    {"sys/bus/rbd/devices/", "/config_info",
     [](std::string_view text) { return std::string(text.substr(0, text.find(' '))); }},
    {"sys/", "/uevent",
     [](std::string_view text) {
       return lines_of(text, "=",
                       {"DRIVER", "PCI_CLASS", "PCI_ID", "PCI_SUBSYS_ID", "PCI_SLOT_NAME", "PRODUCT", "TYPE", "BUSNUM",
                        "DEVNUM", "DEVTYPE"});
     }},
};

}  // namespace

std::string without_secrets(std::string_view line) {
  static constexpr std::string_view marks[] = {"passw",       "passphrase",  "secret",    "psk",   "credential",
                                               "apikey",      "api_key",     "api-key",   "token", "privkey",
                                               "private_key", "private-key", "pin-value="};
  const auto is_separator = [](char c) { return c == ' ' || c == '\t' || c == ','; };
  std::string result;
  for (bool next = false; !line.empty();) {
    if (is_separator(line.front())) {
      result += line.front();
      line.remove_prefix(1);
      continue;
    }
    const auto end = std::find_if(line.begin(), line.end(), is_separator);
    const std::string_view word(line.begin(), end);
    line.remove_prefix(word.size());
    if (next && word != "=" && word != ":") {
      result += "\"removed\"";
      next = false;
      continue;
    }
    const std::string lower = lowered(word);
    const bool secret = std::any_of(std::begin(marks), std::end(marks), [&](auto mark) { return has(lower, mark); });
    const auto value = word.find_first_of("=:");
    const bool with_value = value != std::string_view::npos && value + 1 < word.size();
    if (secret && with_value) {
      result += std::string(word.substr(0, value + 1)) + "removed";
      if (word.ends_with('"')) result += '"';
    } else {
      result += word;
      next = next || secret;
    }
  }
  return result;
}

std::optional<std::string> needed_lines(const std::string& path, const std::string& content) {
  if (is_own(path)) return content;
  if (path.ends_with("zpool.cache")) return pool_cache(content);
  const auto* const rule = std::find_if(std::begin(rules), std::end(rules), [&](const Rule& each) {
    return path.starts_with(each.begins) && path.ends_with(each.ends);
  });
  if (rule != std::end(rules) || may_write_pages(path)) {
    auto needed = rule != std::end(rules) ? rule->needed(content) : page_writers(content);
    while (needed.ends_with("\n\n")) needed.pop_back();  // nobody counts lines behind the last
    return needed == "\n" ? std::string() : needed;
  }
  // Any file there may be a script that a unit runs.
  if (path.starts_with("etc/"))
    return has(page_writers(content), "hugepages") ? std::optional(page_writers(content)) : std::nullopt;
  return content;
}

}  // namespace hostsplit
