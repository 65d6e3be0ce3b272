#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/size.hpp"
#include "core/machine/pci.hpp"

namespace hostsplit {

/// One line of a file a person or a package wrote, without comment.
struct SetupLine {
  std::string file;  ///< "/etc/modprobe.d/vfio.conf"
  unsigned line = 0;
  std::string text;
  bool operator==(const SetupLine&) const = default;
};

/// A pool of thin volumes and what is promised from it.
struct ThinPool {
  std::string storage;    ///< its id in /etc/pve/storage.cfg
  Kib size = 0;           ///< of its data; 0: unknown
  std::string disk = {};  ///< the disk it is on, where it is one: "nvme0n1"
  Kib disk_size = 0;      ///< 0: unknown
  Kib spare = 0;          ///< of the disk: in no partition, or in one for LVM and in no volume
};

/// What doctor needs of one PCI function beside the snapshot.
struct FunctionSetup {
  std::optional<std::string> reset_methods;  ///< `reset_method`: "flr bus"; empty optional: it cannot be reset
};

/// A job of vzdump that is enabled.
struct BackupJob {
  enum class Takes { listed, all_but, pool } takes = Takes::listed;  ///< who is in a pool is not read
  std::set<int> guests;                                              ///< those it takes, or leaves out
};

/// What `doctor` looks at beside the snapshot: how the host was set up.
struct HostSetup {
  bool kvm = false;                     ///< /dev/kvm is there
  std::string cpu_vendor;               ///< "AuthenticAMD", "GenuineIntel"; empty when unknown
  std::set<std::string> cpu_flags;      ///< empty when unknown
  std::vector<SetupLine> modprobe;      ///< modprobe.d(5): of /etc, /run, /usr/local/lib, /usr/lib
  std::vector<SetupLine> modules_load;  ///< /etc/modules, /etc/modules-load.d, /etc/initramfs-tools/modules
  std::vector<SetupLine> rc_local;      ///< /etc/rc.local
  std::vector<SetupLine> page_writers;  ///< what the owner has about huge page counts in sysctl, units, scripts ...
  bool rc_local_runs = false;           ///< it is executable
  std::optional<bool> remapping;  ///< interrupts are remapped, as far as /proc/interrupts tells; empty: it does not
  bool unsafe_interrupts = false;
  std::vector<ThinPool> thin_pools;
  std::map<PciAddress, FunctionSetup> functions;
  bool resets_known = false;  ///< this kernel shows reset methods at all (5.15 and later)
  bool modprobe_known = false, storages_known = false, jobs_known = false;  ///< these files were readable
  std::set<int> dumped;                     ///< VMs with a backup in a storage that can be looked at
  std::vector<std::string> unread_backups;  ///< "storage nas: it is on the network": not looked at
  std::vector<BackupJob> backup_jobs;       ///< of /etc/pve/jobs.cfg
};

}  // namespace hostsplit
