#pragma once
#include <string>
#include <vector>

#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// One line of a mount table (Documentation/filesystems/proc.rst, 3.5).
struct Mount {
  std::string number;   ///< "259:3"; major 0: no block device
  std::string point;    ///< where it is mounted, blanks unescaped
  std::string type;     ///< "ext4", "nfs4", "fuse.sshfs"
  std::string source;   ///< "/dev/sda3", "rpool/ROOT/pve-1", "10.0.0.5:/export"
  std::string options;  ///< of the super block, as written
  std::string owner;    ///< who sees it: empty for the host's own namespace, else "process 1234 (mariadbd)"

  bool anonymous() const { return number.starts_with("0:"); }
  /// Value of `key=` among the options; empty when absent.
  std::string option(const std::string& key) const;
};

/// The mount tables of all mount namespaces, each once, that of process 1 first: containers and services mount what the
/// host's own table does not show.
std::vector<Mount> read_mounts(const Root& root);
/// Only the host's own table, that of process 1 (ours where that may not be read): one file, for what is asked often.
std::vector<Mount> read_own_mounts(const Root& root);

/// What shall be mounted, mounted now or not: a line of /etc/fstab that names a device, or a mount unit.
struct FstabEntry {
  std::string device;    ///< as a path below /dev, for "UUID=..." and others too
  std::string point;     ///< without a slash at its end
  bool waits = false;    ///< the boot mounts it, and stops where it cannot: neither nofail nor noauto
  bool of_unit = false;  ///< a mount unit says so: there is no line in /etc/fstab
};
/// Of /etc/fstab and of the mount units the owner, systemd-mount(1) or systemd-gpt-auto-generator(8) wrote.
std::vector<FstabEntry> read_fstab(const Root& root);
/// Lines of /etc/fstab that show a directory in a second place; `device` is that directory.
std::vector<FstabEntry> read_bind_mounts(const Root& root);

/// "LABEL=x", "UUID=x", "PARTUUID=x", "/dev/..." as a path below /dev, written as udev names its links ("\x20" for a
/// blank); empty for anything else.
std::string device_named(std::string_view text);

/// True when something is mounted there for the host itself; an automount that waits is nothing.
bool is_mounted(const std::vector<Mount>& mounts, const std::string& point);

/// The mount a path lies on, by the longest mount point; nullptr when there is none.
const Mount* mount_of(const std::vector<Mount>& mounts, const std::string& path);

/// The ZFS dataset that is mounted at `/` ("rpool/ROOT/pve-1"); empty where another file system is.
std::string root_dataset(const std::vector<Mount>& mounts);

/// True when nobody who looks at a path can hang: all of it, links resolved (path_resolution(7)), is on the root file
/// system, on block devices, or on file systems that nobody serves; what is below etc/pve is read with patience.
/// Network and FUSE mounts and automounts (autofs(5)) on the way are not touched.
/// \param mounts  of read_own_mounts()  \param path  below the root; it need not be there
bool on_this_machine(const Root& root, const std::vector<Mount>& mounts, const std::string& path);

/// mountinfo and swaps escape blanks and backslashes as octal.
std::string unescape(std::string_view text);

}  // namespace hostsplit::inventory_parts
