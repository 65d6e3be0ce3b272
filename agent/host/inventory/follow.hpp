#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/machine/pci.hpp"
#include "core/machine/snapshot.hpp"
#include "host/inventory/mounts.hpp"
#include "host/inventory/routes.hpp"
#include "host/inventory/zfs.hpp"
#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// A block device that no other one is below, and what carries it.
struct Leaf {
  std::string device;                 ///< "nvme0n1p3"
  std::vector<PciAddress> functions;  ///< more than one by multipath or over the network; empty: the platform
  std::string via = {};               ///< "iSCSI at 10.0.0.5 over enp3s0"; empty when it is attached here
  auto operator<=>(const Leaf&) const = default;
};

/// Where something leads.
struct Followed {
  std::set<Leaf> leaves;
  std::string unknown = {};  ///< why not all of it was found; empty: it was
  /// What may carry the rest: functions with disks, with network interfaces, all that something is plugged into, or any
  /// function at all.
  enum class Where { disks, network, plugged, anywhere } where = Where::disks;

  void merge(Followed other);
};

/// Follows block devices, mounts and files down to hardware: through mappings, arrays, loop devices, pools, network
/// disks.
class Follower {
 public:
  explicit Follower(const Root& root);

  /// find_block() of the same root.
  std::optional<std::string> path_of(const std::string& block) const;
  Followed device(const std::string& device_path, int depth = 0) const;
  Followed mount(const Mount& mount, int depth = 0) const;
  Followed pool(const std::string& name) const;
  /// What a file lies on.
  Followed file(const std::string& path, int depth = 0) const;

  const std::vector<Mount>& mounts() const { return mounts_; }
  const std::vector<ZfsPool>& pools() const { return pools_; }
  const Network& network() const { return network_; }
  /// Functions that carry any block device: what is on an unknown disk is on one of these.
  const std::vector<PciAddress>& carriers() const { return carriers_; }
  /// Members of a file system over several devices by the id of its directory in /sys/fs/btrfs or /sys/fs/bcachefs.
  Followed members(const std::string& directory) const;

 private:
  Followed virtual_device(const std::string& path, const std::string& name, int depth) const;
  Followed loop(const std::string& path, const std::string& name, int depth) const;
  Followed volume(const std::string& name) const;
  const std::map<std::string, std::string>& pools_of_volumes() const;
  Followed remote(const std::string& device, const std::string& how, const Reach& reach) const;
  Followed iscsi(const std::string& path, const std::string& name) const;
  Followed remote_mount(const Mount& mount) const;
  Followed over_interface(const std::string& path, const std::string& name) const;
  Followed zram(const std::string& path, const std::string& name, int depth) const;
  Followed several_devices(const Mount& mount) const;
  Followed layers(const Mount& mount, int depth) const;

  const Root& root_;
  Network network_;
  std::vector<Mount> mounts_;
  std::vector<ZfsPool> pools_;
  std::vector<PciAddress> carriers_;
  mutable std::optional<std::map<std::string, std::string>> pools_of_volumes_;  ///< read when first asked for
};

/// What may carry the part that was not found, as HostUse::functions has it: empty for any function at all. Empty
/// optional: all of it was found, or nothing that could be given away carries the rest. Needs functions, controllers
/// and devices of the snapshot.
std::optional<std::vector<PciAddress>> possible_carriers(const Root& root, const Snapshot& snapshot,
                                                         const Follower& follow, const Followed& followed);

/// \param block  kernel name ("sda2") or a path below /dev, links included. Empty optional: no such block device.
std::optional<std::string> find_block(const Root& root, const std::string& block);

/// True for file systems that are in no need of a device: proc, tmpfs, those of pmxcfs and lxcfs, and so on.
bool needs_no_device(const Mount& mount);

}  // namespace hostsplit::inventory_parts
