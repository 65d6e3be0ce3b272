#include "host/inventory/guest_storages.hpp"

#include <algorithm>
#include <tuple>

#include "host/inventory/parts.hpp"
#include "host/inventory/zfs.hpp"

namespace hostsplit::inventory_parts {

GuestStorages::GuestStorages(const Root& root, const PveConfigs& pve) : root_(root), sleeping_(root) {
  for (const auto& storage : pve.storages) storages_.emplace(storage.id, storage);
}

const Follower& GuestStorages::follow() {
  if (!follow_) follow_.emplace(root_);
  return *follow_;
}

const std::vector<FstabEntry>& GuestStorages::fstab() {
  if (!fstab_) fstab_ = read_fstab(root_);
  return *fstab_;
}

Asleep GuestStorages::below(const std::string& volume) {
  const auto colon = volume.find(':');
  const auto storage = storages_.find(volume.substr(0, colon));
  if (colon == std::string::npos || storage == storages_.end()) return {};
  const auto& [type, group, path, point] =
      std::tie(storage->second.type, storage->second.group, storage->second.path, storage->second.mount_point);
  const bool here = storage->second.here;
  if (!path.empty()) {
    auto found = below_path("/" + path);
    return found.disks.empty() && here && !point.empty() ? mounted_by_hand(point) : found;
  }
  if (group.empty()) return {};
  const bool pool = type == "zfspool";
  if (!pool && active(group, volume.substr(colon + 1))) return {};
  const auto [known, fresh] = known_.try_emplace(type + " " + group);
  if (fresh) known->second = pool ? sleeping_.pool(group.substr(0, group.find('/'))) : sleeping_.group(group);
  // What is nowhere may be on another node.
  return known->second.unknown.empty() || here ? known->second : Asleep{};
}

Followed GuestStorages::carriers(const std::string& volume) {
  const auto colon = volume.find(':');
  const auto storage = storages_.find(volume.substr(0, colon));
  const bool path = volume.starts_with('/');
  if (!path && (colon == std::string::npos || storage == storages_.end() || !storage->second.here)) return {};
  if (!path && storage->second.path.empty() && storage->second.type != "zfspool") {
    const auto found = active(storage->second.group, volume.substr(colon + 1));
    return found ? follow().device(*found) : Followed{};
  }
  const auto [known, fresh] = carried_.try_emplace(path ? volume : storage->first);
  if (!fresh) return known->second;
  if (path)
    known->second = mounted(volume);
  else if (!storage->second.path.empty())
    known->second = mounted("/" + storage->second.path);
  else
    known->second = imported(storage->second.group.substr(0, storage->second.group.find('/')));
  return known->second;
}

Followed GuestStorages::mounted(const std::string& path) {
  const Mount* mount = mount_of(follow().mounts(), path);
  const bool of_host = mount && mount->owner.empty() && mount->point != "/";
  return of_host && !needs_no_device(*mount) ? follow().mount(*mount) : Followed{};
}

Followed GuestStorages::imported(const std::string& pool) {
  const bool of_root = (root_dataset(follow().mounts()) + "/").starts_with(pool + "/");
  return !of_root && pool_imported(root_, pool) ? follow().pool(pool) : Followed{};
}

/// On demand by systemd, or by hand before the guest starts (fstab(5): noauto). What lies on a mount of its own is a
/// use of that.
Asleep GuestStorages::below_path(const std::string& path) {
  std::string device;
  std::size_t longest = 0;
  for (const auto& entry : fstab()) {
    const bool on = path == entry.point || path.starts_with(entry.point + "/");
    if (!on || entry.point == "/" || entry.point.size() < longest) continue;
    // Of two for the same place, the one whose device is known.
    const bool better = entry.point.size() > longest || device.empty() || sleeping_.below(device).empty();
    longest = entry.point.size();
    if (better) device = is_mounted(follow().mounts(), entry.point) ? std::string() : entry.device;
  }
  return device.empty() ? Asleep{} : sleeping_.maybe_below(device);
}

/// Proxmox VE waits for the mount (pvesm(1): is_mountpoint), and nothing says of what.
Asleep GuestStorages::mounted_by_hand(const std::string& point) {
  const auto& entries = fstab();
  const auto& mounts = follow().mounts();
  if (is_mounted(mounts, point) ||
      std::any_of(entries.begin(), entries.end(), [&](const FstabEntry& entry) { return entry.point == point; }))
    return {};
  std::vector<std::string> mounted;
  for (const auto& mount : mounts) mounted.push_back(mount.number);
  auto disks = sleeping_.unused(mounted);
  if (disks.empty()) return {};
  return {std::move(disks), "nothing is mounted at " + point + " now, and nothing says what is to be"};
}

/// That very volume: others of its group may be active without it, as those Proxmox VE 9 makes are not activated at
/// boot.
std::optional<std::string> GuestStorages::active(const std::string& group, const std::string& volume) {
  return sleeping_.mapping(mapper_part(group) + "-" + mapper_part(last_component(volume)));
}

}  // namespace hostsplit::inventory_parts
