#pragma once

/// Words that readers of the machine and those who judge have in common: what `HostUse::via` says, where it means more
/// than words for people, and what a record keeps.
namespace hostsplit {

/// A keyboard that is connected by Bluetooth: it works only when the system is up.
inline constexpr auto by_bluetooth = "Bluetooth";
/// A mount that is not there now, but is made at each boot.
inline constexpr auto by_fstab = "/etc/fstab";
/// The same by a mount unit that local-fs.target requires.
inline constexpr auto by_mount_unit = "a mount unit";

/// Type of a GPT partition for ZFS (udev: ID_PART_ENTRY_TYPE), as zpool and Proxmox VE's installer make them.
inline constexpr auto zfs_partition_type = "6a898cc3-1dd2-11b2-99a6-080020736631";

}  // namespace hostsplit
