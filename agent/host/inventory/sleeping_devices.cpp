#include "host/inventory/sleeping_devices.hpp"

#include <algorithm>
#include <set>

#include "host/inventory/follow.hpp"
#include "host/inventory/mounts.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/zfs.hpp"

namespace hostsplit::inventory_parts {
namespace {

/// A mapping in a mapping, and so on: more is a circle in crypttab.
constexpr int most_mappings = 8;

constexpr std::string_view mapper_files = "/dev/mapper/", zvol_files = "/dev/zvol/";

/// Directories below /dev that are no volume groups, whether they are there or not.
constexpr std::string_view no_groups[] = {
    "accel", "block",     "bsg",        "bus",   "char",  "cpu",    "disk", "dma_heap", "dri", "dvb",
    "fd",    "hugepages", "infiniband", "input", "iommu", "mapper", "md",   "mqueue",   "net", "nvidia-caps",
    "pts",   "raw",       "serial",     "shm",   "snd",   "usb",    "v4l",  "vfio",     "zvol"};

/// Any mapping of the group is active.
bool group_in_use(const Root& root, const std::string& group) {
  const auto begins = mapper_part(group) + "-";
  for (const auto& block : root.list("sys/block"))
    if (block.starts_with("dm-") && root.read("sys/block/" + block + "/dm/name", 256).value_or("").starts_with(begins))
      return true;
  return false;
}

/// Devices of file systems over several: the mount table names one.
std::set<std::string> members_of_mounted(const Root& root) {
  std::set<std::string> blocks;
  for (const auto& id : root.list("sys/fs/btrfs"))
    for (auto& block : root.list("sys/fs/btrfs/" + id + "/devices")) blocks.insert(std::move(block));
  for (const auto& id : root.list("sys/fs/bcachefs"))
    for (const auto& entry : root.list("sys/fs/bcachefs/" + id))
      if (auto block = root.link_name("sys/fs/bcachefs/" + id + "/" + entry + "/block"))
        blocks.insert(std::move(*block));
  return blocks;
}

/// What a file system is on may be unused; a member of something else is used by that.
bool may_be_mounted(std::string_view type) {
  constexpr std::string_view members[] = {"LVM2_member", "LVM1_member", "linux_raid_member", "swap", "bcache",
                                          "drbd",        "jbd",         "xfs_external_log"};
  return !type.empty() && !type.ends_with("_raid_member") &&
         std::find(std::begin(members), std::end(members), type) == std::end(members);
}

}  // namespace

std::string mapped_group(std::string_view name) {
  std::string group;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '-' && name.substr(i + 1, 1) != "-") break;
    if (name[i] == '-') ++i;
    group += name[i];
  }
  return group;
}

std::set<std::string> active_groups(const Root& root) {
  std::set<std::string> groups;
  for (const auto& block : root.list("sys/block")) {
    const std::string place = "sys/block/" + block;
    if (!block.starts_with("dm-") || !root.read(place + "/dm/uuid", 256).value_or("").starts_with("LVM-")) continue;
    if (!root.list(place + "/slaves").empty())
      groups.insert(mapped_group(root.read(place + "/dm/name", 256).value_or("")));
  }
  return groups;
}

std::map<std::string, std::string> mappings(const Root& root) {
  std::map<std::string, std::string> found;
  for (const auto& block : root.list("sys/block")) {
    const auto name = block.starts_with("dm-") ? root.read("sys/block/" + block + "/dm/name", 256) : std::nullopt;
    const auto path = name ? find_block(root, block) : std::nullopt;
    if (path) found.emplace(*name, *path);
  }
  return found;
}

std::optional<std::string> SleepingDevices::mapping(const std::string& name) {
  if (!mappings_) mappings_ = mappings(root_);
  const auto found = mappings_->find(name);
  return found == mappings_->end() ? std::nullopt : std::optional(found->second);
}

const std::vector<SleepingDevices::Noted>& SleepingDevices::noted() {
  if (noted_) return *noted_;
  noted_.emplace();
  for (const auto& number : root_.list("sys/dev/block")) {
    const auto udev = root_.read("run/udev/data/b" + number, 1 << 16).value_or("");
    const auto path = udev.empty() ? std::nullopt : device_path(root_, "sys/dev/block/" + number);
    if (!path) continue;
    const auto of = [&](std::string_view key) { return std::string(value_of(udev, key)); };
    Noted one{*path, number, of("E:ID_FS_TYPE"), of("E:ID_FS_LABEL"), of("E:ID_FS_AMBIVALENT"), {}, false};
    // The rule of LVM notes the name of the group (69-dm-lvm.rules).
    one.group = of("E:LVM_VG_NAME_COMPLETE");
    if (one.group.empty()) one.group = of("E:LVM_VG_NAME_INCOMPLETE");
    one.held = !root_.list(*path + "/holders").empty();
    noted_->push_back(std::move(one));
  }
  return *noted_;
}

const std::vector<CrypttabEntry>& SleepingDevices::crypttab() {
  if (!crypttab_) crypttab_ = read_crypttab(root_);
  return *crypttab_;
}

std::vector<std::string> SleepingDevices::below(const std::string& device) {
  return below(device, 0);
}

std::vector<std::string> SleepingDevices::below(const std::string& device, int depth) {
  if (const auto path = find_block(root_, device)) return {*path};
  if (depth > most_mappings) return {};
  if (device.starts_with(mapper_files)) {
    const auto name = device.substr(mapper_files.size());
    if (const auto path = mapping(name)) return {*path};
    for (const auto& entry : crypttab())
      if (!entry.of_kernel && entry.name == name) return below(device_named(entry.source), depth + 1);
  }
  if (device.starts_with(zvol_files)) {
    const auto name = device.substr(zvol_files.size());
    return pool_members(name.substr(0, name.find('/')));
  }
  const auto group = group_of(device);
  if (group.empty()) return {};
  const auto volume = mapper_part(group) + "-" + mapper_part(last_component(device));
  if (const auto path = mapping(volume)) return {*path};
  return physical_volumes(group);
}

Asleep SleepingDevices::maybe_below(const std::string& device) {
  if (auto found = below(device); !found.empty()) return {std::move(found), {}};
  if (device.starts_with(zvol_files)) {
    const auto name = device.substr(zvol_files.size());
    return pool(name.substr(0, name.find('/')));
  }
  if (const auto name = group_of(device); !name.empty()) return group(name);
  // Of what crypttab names, the disk is not plugged in.
  const bool listed = std::any_of(crypttab().begin(), crypttab().end(), [&](const CrypttabEntry& entry) {
    return !entry.of_kernel && device == std::string(mapper_files) + entry.name;
  });
  const bool any = device.starts_with(mapper_files) || device.starts_with("/dev/disk/by-");
  return any && !listed ? closed(device) : Asleep{};
}

/// "/dev/GROUP/VOLUME", or as device mapper names it; empty where it is no volume of a group.
std::string SleepingDevices::group_of(const std::string& device) {
  const auto parts = split(device, '/');
  if (parts.size() != 3 || parts[0] != "dev") return {};
  for (const auto& each : noted()) {
    const auto begins = mapper_part(each.group) + "-";
    const bool mapped =
        parts[1] == "mapper" && parts[2].starts_with(begins) && parts[2].substr(begins.size(), 1) != "-";
    if (!each.group.empty() && (parts[1] == each.group || mapped)) return each.group;
  }
  const bool other = std::find(std::begin(no_groups), std::end(no_groups), parts[1]) != std::end(no_groups) ||
                     root_.exists("dev/" + std::string(parts[1]));
  return other ? std::string() : std::string(parts[1]);
}

Asleep SleepingDevices::group(const std::string& name) {
  if (auto found = physical_volumes(name); !found.empty()) return {std::move(found), {}};
  return group_in_use(root_, name) ? Asleep{} : closed("the volume group " + name);
}

Asleep SleepingDevices::pool(const std::string& name) {
  if (pool_imported(root_, name)) return {};
  if (auto found = pool_members(name); !found.empty()) return {std::move(found), {}};
  return closed("the pool " + name);
}

std::vector<std::string> SleepingDevices::physical_volumes(const std::string& group) {
  std::vector<std::string> found;
  for (const auto& each : noted())
    if (each.type == "LVM2_member" && (each.group.empty() ? !each.held : each.group == group))
      found.push_back(each.path);
  return found;
}

std::vector<std::string> SleepingDevices::noted_volumes(const std::string& group) {
  std::vector<std::string> found;
  for (const auto& each : noted())
    if (each.type == "LVM2_member" && each.group == group) found.push_back(each.path);
  return found;
}

std::vector<std::string> SleepingDevices::pool_members(const std::string& pool) {
  std::vector<std::string> found;
  if (pool_imported(root_, pool)) return found;
  for (const auto& each : noted()) {
    const bool member = each.type == "zfs_member" ? each.label.empty() || each.label == pool
                                                  : each.ambivalent.find("zfs_member") != std::string::npos;
    if (member) found.push_back(each.path);
  }
  return found;
}

std::vector<std::string> SleepingDevices::closed_luks() {
  std::vector<std::string> found;
  for (const auto& each : noted())
    if (each.type == "crypto_LUKS" && !each.held) found.push_back(each.path);
  return found;
}

/// It is nowhere to be seen.
Asleep SleepingDevices::closed(const std::string& what) {
  auto disks = closed_luks();
  if (disks.empty()) return {};
  return {std::move(disks), "no disk shows " + what + " now, and a LUKS volume that is closed may have it"};
}

std::vector<std::string> SleepingDevices::closed_at_boot() {
  std::vector<std::string> found;
  for (const auto& entry : crypttab()) {
    if (entry.of_kernel || entry.option("noauto") || mapping(entry.name)) continue;
    for (auto& path : below(device_named(entry.source))) found.push_back(std::move(path));
  }
  return found;
}

std::vector<std::string> SleepingDevices::unused(const std::vector<std::string>& mounted) {
  std::vector<std::string> found;
  const auto members = members_of_mounted(root_);
  for (const auto& each : noted()) {
    const bool imported = each.type == "zfs_member" && !each.label.empty() && pool_imported(root_, each.label);
    // What is on volumes and mappings is followed with those, and may be of guests.
    const bool upper = each.path.find("/virtual/block/") != std::string::npos;
    const bool used = each.held || imported || upper || members.count(std::string(last_component(each.path))) != 0 ||
                      std::find(mounted.begin(), mounted.end(), each.number) != mounted.end();
    if (!used && may_be_mounted(each.type)) found.push_back(each.path);
  }
  return found;
}

}  // namespace hostsplit::inventory_parts
