#pragma once
#include <chrono>
#include <string>

#include "host/system/root.hpp"

namespace hostsplit {

/// Replaces a file below /etc/pve as Proxmox VE does it itself (PVE::Cluster, cfs_lock_file and cfs_write_file): under
/// the lock of the whole cluster for that file, written beside it and renamed. pmxcfs is a file system in user space:
/// no fsync, no links, no modes, 1 MiB for a file, read-only without quorum. \param path below the root,
/// "etc/pve/mapping/pci.cfg"   \param before what it must still hold, empty when it must not
///             exist or be empty   \param wait how long at most for the lock
/// \param patience  how long pmxcfs may take beside that
/// In a process of its own, because pmxcfs may never answer.
/// \throws Error when the cluster does not take it; it and this machine are then as they were.
void replace_cluster_file(const Root& root, const std::string& path, const std::string& before,
                          const std::string& content, std::chrono::milliseconds wait = std::chrono::seconds(10),
                          std::chrono::milliseconds patience = std::chrono::seconds(20));

}  // namespace hostsplit
