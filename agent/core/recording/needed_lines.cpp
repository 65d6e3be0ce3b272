#include "core/recording/needed_lines.hpp"

#include <algorithm>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/recording/kept_lines.hpp"
#include "core/recording/lines.hpp"
#include "core/steps/files.hpp"

namespace hostsplit {
namespace {

bool is_own(const std::string& path) {
  const auto& files = foreign_files();
  const bool written = std::find(files.begin(), files.end(), path) != files.end() && path != names::kernel_cmdline;
  return written || path == names::boot_plan_file || path.starts_with("run/hostsplit/") ||
         path.ends_with("/snippets/" + std::string(names::hook_name));
}

bool may_write_pages(std::string_view path) {
  constexpr std::string_view places =
      "etc/sysctl run/sysctl.d/ usr/lib/sysctl.d/ etc/tmpfiles.d/ run/tmpfiles.d/ usr/lib/tmpfiles.d/ etc/systemd/ "
      "usr/lib/systemd/ etc/crontab etc/cron. etc/init.d/ etc/sysfs var/spool/cron/crontabs/root etc/udev/rules.d/ "
      "etc/dpdk/ etc/tuned/ usr/lib/tuned/ usr/local/ opt/ root/";
  const auto all = words_of(places);
  return path.find("/snippets/") != std::string_view::npos ||
         std::any_of(all.begin(), all.end(), [&](auto place) { return path.starts_with(place); });
}
/// Content of files below a place, and what of it is needed. The first that fits counts.
struct Rule {
  std::string_view begins, ends;
  std::string (*needed)(std::string_view text);
};

constexpr Rule rules[] = {
    {"etc/hostsplit/", ".toml", kept_lines::without_comments},
    {"var/lib/hostsplit/journal/baseline", ".toml",
     [](std::string_view text) {
       return changed_lines(
           text, [](auto line) { return kept_lines::without_quoted_comments(kept_lines::without_comment(line)); });
     }},
    {"var/lib/hostsplit/", "", kept_lines::without_comments},
    {"etc/pve/qemu-server/", ".conf", kept_lines::guest_config},
    {"etc/pve/lxc/", ".conf", kept_lines::container_config},
    {"etc/pve/storage.cfg", "",
     [](std::string_view text) {
       return kept_lines::sections(text, {"path", "thinpool", "vgname", "pool", "content", "content-dirs", "nodes",
                                          "disable", "is_mountpoint"});
     }},
    {"etc/pve/jobs.cfg", "",
     [](std::string_view text) {
       return kept_lines::sections(text, {"enabled", "all", "exclude", "vmid", "pool", "node"});
     }},
    {"etc/pve/mapping/", "",
     [](std::string_view text) {
       return kept_lines::sections(text, {"map", "mdev"});
     }},
    {"etc/pve/.members", "", kept_lines::quorum},
    {"etc/pve/ceph.conf", "",
     [](std::string_view text) {
       return kept_lines::lines_with(text, {"public_network", "public network", "cluster_network", "cluster network"});
     }},
    {"etc/pve/ha/resources.cfg", "", [](std::string_view text) { return kept_lines::sections(text, {"state"}); }},
    {"etc/pve/datacenter.cfg", "",
     [](std::string_view text) { return kept_lines::lines_of(text, ":", {"migration"}); }},
    {"etc/corosync/", "",
     [](std::string_view text) {
       return kept_lines::lines_with(text, {"ring0_addr", "ring1_addr", "ring2_addr", "ring3_addr", "ring4_addr",
                                            "ring5_addr", "ring6_addr", "ring7_addr"});
     }},
    {"etc/network/if-", "", kept_lines::page_writers},
    {"etc/network/", "", kept_lines::interfaces},
    {"etc/systemd/network/", "", kept_lines::network_file},
    {"run/systemd/network/", "", kept_lines::network_file},
    {"usr/local/lib/systemd/network/", "", kept_lines::network_file},
    {"etc/wireguard/", "",
     [](std::string_view text) {
       return kept_lines::lines_of(text, " \t=", {"[Interface]", "[Peer]", "Address"});
     }},
    {"etc/frr/", "", kept_lines::routing_daemon},
    {"etc/NetworkManager/", "", kept_lines::network_file},
    {"run/NetworkManager/", "", kept_lines::network_file},
    {"etc/ppp/peers/", "",
     [](std::string_view text) {
       return kept_lines::lines_with(text, {"pppoe", "nic-"});
     }},
    {"etc/pam.d/", "",
     [](std::string_view text) {
       return kept_lines::lines_with(text, {"pam_u2f", "pam_yubico", "pam_pkcs11", "pam_p11"});
     }},
    {"etc/hosts", "", kept_lines::without_comments},
    {"etc/hostname", "", kept_lines::as_it_is},
    {"etc/crypttab", "", kept_lines::without_comments},
    {"etc/zfs/zfs-list.cache/", "", kept_lines::encrypted_datasets},
    {"etc/kernel/", "", kept_lines::without_comments},
    {"etc/default/grub", "", kept_lines::without_comments},
    {"etc/tuned/active_profile", "", kept_lines::as_it_is},
    {"etc/modprobe.d/", ".conf", kept_lines::without_comments},
    {"run/modprobe.d/", ".conf", kept_lines::without_comments},
    {"usr/local/lib/modprobe.d/", ".conf", kept_lines::without_comments},
    {"usr/lib/modprobe.d/", ".conf", kept_lines::without_comments},
    {"etc/modules", "", kept_lines::without_comments},
    {"etc/initramfs-tools/modules", "", kept_lines::without_comments},
    {"etc/initramfs-tools/", "",
     [](std::string_view text) {
       return kept_lines::lines_of(text, "=", {"DEVICE", "IP", "export DEVICE", "export IP"});
     }},
    {"etc/rc.local", "", [](std::string_view text) { return kept_lines::lines_with(text, {"hugepages"}); }},
    {"etc/nut/", "",
     [](std::string_view text) {
       return kept_lines::lines_of(text, " \t=", {"driver", "port", "porttype", "vendorid", "productid"});
     }},
    {"etc/apcupsd/", "",
     [](std::string_view text) {
       return kept_lines::lines_of(text, " \t", {"UPSTYPE", "UPSCABLE", "DEVICE"});
     }},
    {"etc/fstab", "", kept_lines::mounted_devices},
    {"etc/systemd/system/", ".mount", kept_lines::mount_unit},
    {"usr/local/lib/systemd/system/", ".mount", kept_lines::mount_unit},
    {"run/systemd/", ".mount", kept_lines::mount_unit},
    {"proc/cmdline", "", [](std::string_view text) { return changed_lines(text, without_secrets); }},
    {"run/udev/data/n", "",
     [](std::string_view text) {
       return kept_lines::lines_of(text, "=",
                                   {"E:ID_PATH", "E:ID_NET_NAME", "E:ID_NET_NAME_MAC", "E:ID_NET_NAME_PATH",
                                    "E:ID_NET_NAME_SLOT", "E:ID_NET_NAME_ONBOARD", "E:ID_NET_NAME_FROM_DATABASE"});
     }},
    {"run/udev/data/", "", kept_lines::block_properties},
    {"proc/spl/kstat/zfs/", "/guid", kept_lines::as_it_is},  // replaced by scrub()
    {"proc/net/arp", "", kept_lines::neighbours},
    {"proc/net/packet", "", [](std::string_view) { return std::string(); }},  // whose sockets they are is left out, too
    {"proc/driver/nvidia/gpus/", "/information",
     [](std::string_view text) { return kept_lines::lines_of(text, ":", {"Device Minor"}); }},
    {"proc/", "/cmdline", kept_lines::command_line},
    {"proc/", "/mountinfo", [](std::string_view text) { return changed_lines(text, kept_lines::mount_line); }},
    {"proc/", "/status",
     [](std::string_view text) {
       return kept_lines::lines_of(text, ":",
                                   {"Name", "Cpus_allowed_list", "HugetlbPages", "RssAnon", "RssFile", "RssShmem"});
     }},
    {"proc/modules", "",
     [](std::string_view text) {
       return changed_lines(text, [](std::string_view line) {  // without addresses of the kernel
         return std::string(line.substr(0, line.rfind(' ')));
       });
     }},
    {"proc/cpuinfo", "",
     [](std::string_view text) {
       return kept_lines::lines_of(text.substr(0, text.find("\n\n")), ":", {"vendor_id", "flags"});
     }},
    {"sys/bus/rbd/devices/", "/config_info",
     [](std::string_view text) { return std::string(text.substr(0, text.find(' '))); }},
    {"sys/", "/uevent",
     [](std::string_view text) {
       return kept_lines::lines_of(text, "=",
                                   {"DRIVER", "PCI_CLASS", "PCI_ID", "PCI_SUBSYS_ID", "PCI_SLOT_NAME", "PRODUCT",
                                    "TYPE", "BUSNUM", "DEVNUM", "DEVTYPE"});
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
    const bool secret = std::any_of(std::begin(marks), std::end(marks),
                                    [&](auto mark) { return lower.find(mark) != std::string::npos; });
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
  if (path.ends_with("zpool.cache")) return kept_lines::pool_cache(content);
  const auto* const rule = std::find_if(std::begin(rules), std::end(rules), [&](const Rule& each) {
    return path.starts_with(each.begins) && path.ends_with(each.ends);
  });
  if (rule != std::end(rules) || may_write_pages(path)) {
    auto needed = rule != std::end(rules) ? rule->needed(content) : kept_lines::page_writers(content);
    while (needed.ends_with("\n\n")) needed.pop_back();  // nobody counts lines behind the last
    return needed == "\n" ? std::string() : needed;
  }
  // Any file there may be a script that a unit runs.
  if (path.starts_with("etc/"))
    return kept_lines::page_writers(content).find("hugepages") != std::string::npos
               ? std::optional(kept_lines::page_writers(content))
               : std::nullopt;
  return content;
}

}  // namespace hostsplit
