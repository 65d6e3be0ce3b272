#include "host/inventory/guest_storages.hpp"

#include <algorithm>

#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

/// Block devices whose udev properties fit.
template <typename Fits>
std::vector<std::string> blocks_that(const Root& root, Fits fits) {
  std::vector<std::string> found;
  for (const auto& number : root.list("sys/dev/block")) {
    const auto udev = root.read("run/udev/data/b" + number, 1 << 16).value_or("");
    const auto path = udev.empty() ? std::nullopt : device_path(root, "sys/dev/block/" + number);
    if (path && fits(udev, *path)) found.push_back(*path);
  }
  return found;
}

}  // namespace

GuestStorages::GuestStorages(const Root& root, const PveConfigs& pve) : root_(root) {
  for (const auto& storage : pve.storages) storages_.emplace(storage.id, storage);
}

const Follower& GuestStorages::follow() {
  if (!follow_) follow_.emplace(root_);
  return *follow_;
}

std::vector<std::string> GuestStorages::below(const std::string& volume) {
  const auto colon = volume.find(':');
  const auto storage = storages_.find(volume.substr(0, colon));
  if (colon == std::string::npos || storage == storages_.end()) return {};
  const auto [type, group] = std::pair(storage->second.type, storage->second.group);
  if (!storage->second.path.empty()) return below_path("/" + storage->second.path);
  if (group.empty()) return {};
  const bool pool = type == "zfspool";
  if (!pool && active(group, volume.substr(colon + 1))) return {};
  const auto [known, fresh] = known_.try_emplace(type + " " + group);
  if (fresh) known->second = pool ? pool_members(group.substr(0, group.find('/'))) : physical_volumes(group);
  return known->second;
}

/// On demand by systemd, or by hand before the guest starts (fstab(5): noauto). What lies on a mount of its own is a
/// use of that.
std::vector<std::string> GuestStorages::below_path(const std::string& path) {
  std::vector<std::string> found;
  std::size_t longest = 0;
  for (const auto& entry : read_fstab(root_)) {
    const bool on = path == entry.point || path.starts_with(entry.point + "/");
    if (!on || entry.point == "/" || entry.point.size() < longest) continue;
    const bool now = is_mounted(follow().mounts(), entry.point);
    if (entry.point.size() > longest) found.clear();
    longest = entry.point.size();
    const auto device = now ? std::nullopt : follow().path_of(entry.device);
    if (device) found.push_back(*device);
  }
  return found;
}

/// That very volume: others of its group may be active without it, as those Proxmox VE 9 makes are not activated at
/// boot.
bool GuestStorages::active(const std::string& group, const std::string& volume) const {
  const std::string name = mapper_part(group) + "-" + mapper_part(last_component(volume));
  for (const auto& block : root_.list("sys/block"))
    if (block.starts_with("dm-") && root_.read("sys/block/" + block + "/dm/name", 256) == name) return true;
  return false;
}

/// What is not active is shown by the labels of its disks alone. The rule of LVM notes the name of the group
/// (69-dm-lvm.rules); without a note it may be any that nobody holds.
std::vector<std::string> GuestStorages::physical_volumes(const std::string& group) const {
  return blocks_that(root_, [&](const std::string& udev, const std::string& path) {
    if (value_of(udev, "E:ID_FS_TYPE") != "LVM2_member") return false;
    auto noted = value_of(udev, "E:LVM_VG_NAME_COMPLETE");
    if (noted.empty()) noted = value_of(udev, "E:LVM_VG_NAME_INCOMPLETE");
    return noted.empty() ? root_.list(path + "/holders").empty() : noted == group;
  });
}

/// Of a pool that is not imported; one that is, is a use of the host. A member without a label that can be read may be
/// one of any pool.
std::vector<std::string> GuestStorages::pool_members(const std::string& pool) const {
  if (root_.exists("proc/spl/kstat/zfs/" + pool + "/state")) return {};
  return blocks_that(root_, [&](const std::string& udev, const std::string&) {
    const auto type = value_of(udev, "E:ID_FS_TYPE"), label = value_of(udev, "E:ID_FS_LABEL");
    if (type == "zfs_member") return label.empty() || label == pool;
    return value_of(udev, "E:ID_FS_AMBIVALENT").find("zfs_member") != std::string_view::npos;
  });
}

}  // namespace hostsplit::inventory_parts
