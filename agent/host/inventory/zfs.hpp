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
/// device whose signature is ambivalent, or without the name of a pool, may belong to any pool; one of which only the
/// type of the partition says that it is of ZFS, to any whose members are not all in the cache file.
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

/// A passphrase of encrypted datasets that the boot asks for (keylocation=prompt).
struct ZfsPassphrase {
  std::string dataset;   ///< that it is of (encryptionroot)
  bool of_root = false;  ///< the initramfs asks for it, and waits without end (contrib/initramfs/scripts/zfs)
  bool stops = false;    ///< the boot ends in emergency mode without it: local-fs.target requires what it opens
};
/// Of the same lists. systemd asks three times, 90 seconds each; then the boot goes on, unless local-fs.target requires
/// a mount of it: org.openzfs.systemd:nofail=off or :required-by (zfs-mount-generator(8)).
/// \param root_dataset  mounted at `/`; empty: another file system is
std::vector<ZfsPassphrase> read_zfs_passphrases(const Root& root, const std::string& root_dataset);

}  // namespace hostsplit::inventory_parts
