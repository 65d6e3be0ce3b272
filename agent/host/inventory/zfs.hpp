#pragma once
#include <string>
#include <vector>

#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// An imported pool and its members.
struct ZfsPool {
  std::string name;
  std::vector<std::string> members;  ///< "sys/devices/.../sdb1"
  std::string unknown;               ///< why there may be more
};

/// The kernel says which pools are imported, the cache file which members they have, udev which devices are such. A
/// device whose signature is ambivalent may belong to any pool.
std::vector<ZfsPool> read_zfs_pools(const Root& root);

bool pool_imported(const Root& root, const std::string& pool);

/// A key file of encrypted datasets.
struct ZfsKey {
  std::string dataset;  ///< that the key is of (encryptionroot)
  std::string file;
  bool waits = false;  ///< the boot mounts something of it, and stops where it cannot
};
/// Of the lists that zfs-mount-generator(8) goes by: nothing else shows them without asking ZFS itself.
std::vector<ZfsKey> read_zfs_keys(const Root& root);

}  // namespace hostsplit::inventory_parts
