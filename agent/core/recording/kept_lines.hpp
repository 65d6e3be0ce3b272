#pragma once
#include <initializer_list>
#include <string>
#include <string_view>

/// What is left of a file of one kind in a recording. Lines that are left out become empty ones.
namespace hostsplit::kept_lines {

using Words = std::initializer_list<std::string_view>;

/// Up to a "#" that begins a comment: not inside quotes, and not a part of a word.
std::string without_comment(std::string_view line);

/// Lines that contain one of these.
std::string lines_with(std::string_view text, Words parts);

/// Lines that begin with one of these words.
std::string lines_of(std::string_view text, const char* ends, Words keys);

/// Of the lists of zfs-mount-generator(8): the file systems that are encrypted.
std::string encrypted_datasets(std::string_view text);

/// Of a VM of Proxmox VE: what it is given of the host, and when it starts.
std::string guest_config(std::string_view text);

/// The same of a container.
std::string container_config(std::string_view text);

/// Headers, and properties with one of these keys: what Proxmox VE calls a section config.
std::string sections(std::string_view text, Words keys);

/// Up to the literal "\n" of a TOML string that holds a whole file, comments of that file are left out.
std::string without_quoted_comments(std::string_view line);

/// Arguments of QEMU that say what a guest has. Of other programs nothing is needed.
std::string command_line(std::string_view text);

/// Of options only where a network file system is, and the layers of an overlay.
std::string mount_line(std::string_view line);

/// Of the cache of ZFS pools and their members.
std::string pool_cache(const std::string& content);

/// Of udev: what is on a block device. The type of a partition is no identifier, although it looks like one. A label is
/// one, but the name of its pool where ZFS is.
std::string block_properties(std::string_view text);

/// Of a unit that mounts something: from where, and to where. Who sets huge page counts, too.
std::string mount_unit(std::string_view text);

/// Of fstab(5): what is on devices, and of its options those that say whether the boot waits for it.
std::string mounted_devices(std::string_view text);

/// Of /etc/pve/.members: whether the cluster has quorum.
std::string quorum(std::string_view text);

/// Of the table of neighbours: which interface has any.
std::string neighbours(std::string_view text);

/// All lines, without comments and secrets.
std::string without_comments(std::string_view text);

std::string as_it_is(std::string_view text);

/// sysctl, tmpfiles, units, cron, init.d, rules of udev, sysfsutils, DPDK, tuned, scripts: who sets huge page counts.
std::string page_writers(std::string_view text);

/// Of FRR: which interfaces, and that there is something below them.
std::string routing_daemon(std::string_view text);

/// What is under and behind an interface, and what sets huge page counts when it comes up.
std::string interfaces(std::string_view text);

/// Of systemd-networkd and NetworkManager: which interface, and whether it is given anything.
std::string network_file(std::string_view text);

}  // namespace hostsplit::kept_lines
