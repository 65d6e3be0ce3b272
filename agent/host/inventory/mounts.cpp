#include "host/inventory/mounts.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

void parse_table(const std::string& text, const std::string& owner, std::vector<Mount>& mounts) {
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 7 || fields.end() - dash < 3 || fields[2].find(':') == std::string_view::npos) continue;
    mounts.push_back({std::string(fields[2]), unescape(fields[4]), std::string(dash[1]), unescape(dash[2]),
                      fields.end() - dash > 3 ? std::string(dash[3]) : std::string(), owner});
  }
}

/// As udev writes labels into the names of its links (systemd: encode_devnode_name()). What is written so already
/// stays.
std::string encoded(std::string_view label) {
  constexpr std::string_view plain = "#+-.:=@_", digits = "0123456789abcdef";
  std::string name;
  for (std::size_t i = 0; i < label.size(); ++i) {
    const auto c = static_cast<unsigned char>(label[i]);
    const bool done = c == '\\' && label.substr(i + 1, 1) == "x" && i + 3 < label.size() &&
                      to_number<unsigned>(label.substr(i + 2, 2), 16).has_value();
    const bool letter = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (done || letter || c > 127 || plain.find(label[i]) != std::string_view::npos)
      name += label[i];
    else
      name += {'\\', 'x', digits[c / 16], digits[c % 16]};
  }
  return name;
}

/// "/boot/efi/" is "/boot/efi".
std::string without_slashes(std::string point) {
  while (point.size() > 1 && point.ends_with('/')) point.pop_back();
  return point;
}

/// Value of the last `key=` of a unit (systemd.syntax(7)); blanks around it do not count.
std::string unit_value(const std::string& text, std::string_view key) {
  std::string value;
  for (auto line : split(text, '\n')) {
    const auto begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    line.remove_prefix(begin);
    if (!line.starts_with(key)) continue;
    line.remove_prefix(key.size());
    const auto sign = line.find_first_not_of(" \t");
    if (sign == std::string_view::npos || line[sign] != '=') continue;
    const auto from = line.find_first_not_of(" \t", sign + 1);
    const auto last = line.find_last_not_of(" \t\r");
    value = from == std::string_view::npos ? "" : std::string(line.substr(from, last + 1 - from));
  }
  return value;
}

/// systemd.mount(5). Those the generator makes of fstab are left out, and those of packages, which name no devices.
void read_mount_units(const Root& root, std::vector<FstabEntry>& entries) {
  std::set<std::string> seen;
  for (const std::string directory : {"etc/systemd/system", "run/systemd/transient", "run/systemd/system",
                                      "run/systemd/generator.late", "usr/local/lib/systemd/system"}) {
    const auto required = root.list(directory + "/local-fs.target.requires");
    for (const auto& name : root.list(directory)) {
      if (!name.ends_with(".mount") || !seen.insert(name).second) continue;
      const auto text = root.read(directory + "/" + name, 1 << 16).value_or("");
      auto device = device_named(unit_value(text, "What"));
      auto point = without_slashes(unit_value(text, "Where"));
      if (device.empty() || !point.starts_with('/')) continue;
      const bool waits = std::find(required.begin(), required.end(), name) != required.end();
      entries.push_back({std::move(device), std::move(point), waits, true});
    }
  }
}

/// Of the options of a line in fstab: the boot mounts it and does not go on without it.
bool boot_waits(std::string_view options) {
  for (const auto option : split(options, ','))
    if (option == "nofail" || option == "noauto" || option == "x-systemd.automount") return false;
  return true;
}

/// Without a block device, and not one of the file systems that have numbers of their own and no server. The root file
/// system does not count: hostsplit itself runs from it.
bool may_never_answer(const Mount* mount) {
  if (!mount || !mount->anonymous() || mount->point == "/") return false;
  constexpr const char* local[] = {"zfs", "btrfs", "bcachefs", "overlay", "tmpfs", "ramfs", "rootfs", "devtmpfs"};
  return std::find(std::begin(local), std::end(local), mount->type) == std::end(local);
}

}  // namespace

std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = text[i] == '\\' ? to_number<unsigned>(text.substr(i + 1, 3), 8) : std::nullopt;
    if (code && i + 3 < text.size() && *code < 256) {
      plain += static_cast<char>(*code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string Mount::option(const std::string& key) const {
  for (const auto part : split(options, ','))
    if (part.size() > key.size() && part.starts_with(key) && part[key.size()] == '=')
      return unescape(part.substr(key.size() + 1));
  return {};
}

std::vector<Mount> read_own_mounts(const Root& root) {
  std::vector<Mount> mounts;
  // That of process 1, because ours may be a private view.
  auto own = root.read("proc/1/mountinfo", 8 << 20);
  if (!own) own = root.read("proc/self/mountinfo", 8 << 20);
  if (own) parse_table(*own, {}, mounts);
  return mounts;
}

std::vector<Mount> read_mounts(const Root& root) {
  auto mounts = read_own_mounts(root);
  std::set<std::string> seen{root.link_text("proc/1/ns/mnt").value_or("")};
  for (const auto& pid : root.list("proc")) {
    if (!to_number<int>(pid) || pid == "1") continue;
    const std::string directory = "proc/" + pid;
    const auto space = root.link_text(directory + "/ns/mnt");
    if (space && !seen.insert(*space).second) continue;
    const auto text = root.read(directory + "/mountinfo", 8 << 20);
    if (!text) continue;
    parse_table(*text, "process " + pid + " (" + root.read(directory + "/comm", 64).value_or("?") + ")", mounts);
  }
  return mounts;
}

std::string device_named(std::string_view text) {
  // By udev's names of links, where a label cannot have blanks or slashes; other paths are as they are.
  if (text.starts_with("/dev/disk/by-")) {
    const auto name = text.rfind('/') + 1;
    return std::string(text.substr(0, name)) + encoded(text.substr(name));
  }
  if (text.starts_with("/dev/")) return std::string(text);
  for (const auto& [prefix, place] : {std::pair{"LABEL=", "by-label"},
                                      {"UUID=", "by-uuid"},
                                      {"PARTUUID=", "by-partuuid"},
                                      {"PARTLABEL=", "by-partlabel"},
                                      {"ID=", "by-id"}}) {
    if (!text.starts_with(prefix)) continue;
    auto value = text.substr(std::string_view(prefix).size());
    if (value.size() > 1 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    return "/dev/disk/" + std::string(place) + "/" + encoded(value);
  }
  return {};
}

std::vector<FstabEntry> read_fstab(const Root& root) {
  std::vector<FstabEntry> entries;
  const auto text = root.read("etc/fstab").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 3 || fields[0].starts_with('#')) continue;
    auto device = device_named(unescape(fields[0]));
    if (device.empty() || !fields[1].starts_with('/')) continue;
    const bool waits = boot_waits(fields.size() > 3 ? fields[3] : std::string_view());
    entries.push_back({std::move(device), without_slashes(unescape(fields[1])), waits, false});
  }
  read_mount_units(root, entries);
  return entries;
}

std::vector<FstabEntry> read_bind_mounts(const Root& root) {
  std::vector<FstabEntry> entries;
  const auto text = root.read("etc/fstab").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 4 || !fields[0].starts_with('/') || !fields[1].starts_with('/')) continue;
    const auto options = split(fields[3], ',');
    const bool bind = std::any_of(options.begin(), options.end(),
                                  [](std::string_view each) { return each == "bind" || each == "rbind"; });
    if (bind)
      entries.push_back(
          {without_slashes(unescape(fields[0])), without_slashes(unescape(fields[1])), boot_waits(fields[3]), false});
  }
  return entries;
}

bool is_mounted(const std::vector<Mount>& mounts, const std::string& point) {
  return std::any_of(mounts.begin(), mounts.end(), [&](const Mount& mount) {
    return mount.owner.empty() && mount.point == point && mount.type != "autofs";
  });
}

const Mount* mount_of(const std::vector<Mount>& mounts, const std::string& path) {
  const Mount* best = nullptr;
  for (const auto& mount : mounts) {
    const bool below = mount.point == "/" || path == mount.point || path.starts_with(mount.point + "/");
    // Of several at one point the last is the one that is seen, but other namespaces do not hide the host's own.
    if (!below || !path.starts_with('/') || (!mount.owner.empty() && mount.point == "/")) continue;
    if (!best || mount.point.size() > best->point.size() ||
        (mount.point.size() == best->point.size() && mount.owner.empty()))
      best = &mount;
  }
  return best;
}

std::string root_dataset(const std::vector<Mount>& mounts) {
  const Mount* root = mount_of(mounts, "/");
  return root && root->type == "zfs" ? root->source : std::string();
}

bool on_this_machine(const Root& root, const std::vector<Mount>& mounts, const std::string& path) {
  if (path.starts_with("etc/pve/")) return true;
  std::string place, rest = path;  // "/srv/b", "dump"
  for (int links = 0; !rest.empty();) {
    const auto slash = rest.find('/');
    const std::string name = rest.substr(0, slash);
    rest.erase(0, slash == std::string::npos ? slash : slash + 1);
    if (name.empty() || name == ".") continue;
    if (name == "..") {
      place.erase(std::min(place.rfind('/'), place.size()));
      continue;
    }
    const std::string next = place + "/" + name;
    if (may_never_answer(mount_of(mounts, next))) return false;
    const auto target = root.link_text(next.substr(1));
    if (!target) {
      place = next;
      continue;
    }
    if (++links > 40) return false;  // MAXSYMLINKS
    if (target->starts_with('/')) place.clear();
    rest = *target + "/" + rest;
  }
  return true;
}

}  // namespace hostsplit::inventory_parts
