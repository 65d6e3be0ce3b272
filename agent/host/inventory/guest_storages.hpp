#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/machine/pve.hpp"
#include "host/inventory/follow.hpp"
#include "host/inventory/mounts.hpp"
#include "host/inventory/sleeping_devices.hpp"
#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// Disks below volumes of guests, also where nothing shows it now: Proxmox VE activates, imports or mounts what a guest
/// needs when the guest starts.
class GuestStorages {
 public:
  GuestStorages(const Root& root, const PveConfigs& pve);

  /// \param volume  "local-lvm:vm-105-disk-0"
  /// \return none where it is active, mounted, or its pool is imported: see carriers()
  Asleep below(const std::string& volume);
  /// The same of a directory or file of the host.
  Asleep below_path(const std::string& path);
  /// The same of a file below /dev.
  Asleep below_device(const std::string& file) { return sleeping_.maybe_below(file); }
  /// What a volume or directory is on while it is active, mounted, or its pool imported. Empty on the file system the
  /// host itself runs from.
  Followed carriers(const std::string& volume);
  /// Made when it is asked for the first time: it reads a lot.
  const Follower& follow();

 private:
  std::optional<std::string> active(const std::string& group, const std::string& volume);
  Followed mounted(const std::string& path);
  Followed imported(const std::string& pool);
  Asleep mounted_by_hand(const std::string& point);
  const std::vector<FstabEntry>& fstab();

  const Root& root_;
  std::optional<Follower> follow_;
  std::optional<std::vector<FstabEntry>> fstab_;
  SleepingDevices sleeping_;
  std::map<std::string, PveStorage> storages_;
  std::map<std::string, Asleep> known_;      ///< by type and group: a search goes through all disks
  std::map<std::string, Followed> carried_;  ///< by storage, or path
};

}  // namespace hostsplit::inventory_parts
