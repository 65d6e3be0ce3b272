#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/size.hpp"

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
  std::string storage;  ///< its id in /etc/pve/storage.cfg
  Kib size = 0;
};

/// What `doctor` looks at beside the snapshot: how the host was set up.
struct HostSetup {
  bool kvm = false;                     ///< /dev/kvm is there
  std::string cpu_vendor;               ///< "AuthenticAMD", "GenuineIntel"; empty when unknown
  std::set<std::string> cpu_flags;      ///< empty when unknown
  std::vector<SetupLine> modprobe;      ///< /etc/modprobe.d
  std::vector<SetupLine> modules_load;  ///< /etc/modules, /etc/modules-load.d, /etc/initramfs-tools/modules
  std::vector<SetupLine> rc_local;      ///< /etc/rc.local
  bool rc_local_runs = false;           ///< it is executable
  std::optional<bool> remapping;  ///< interrupts are remapped, as far as /proc/interrupts tells; empty: it does not
  bool unsafe_interrupts = false;
  std::vector<ThinPool> thin_pools;
  std::vector<std::string> backup_jobs;  ///< what each job of /etc/pve/jobs.cfg takes: "all", "101,102", "pool x"
};

}  // namespace hostsplit
