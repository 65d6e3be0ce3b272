#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/finding.hpp"
#include "core/pve.hpp"
#include "core/snapshot.hpp"

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

/// One check and what it found; no findings: fine.
struct Checkup {
  std::string name;   ///< stable: "iommu"
  std::string title;  ///< "the IOMMU is on"
  std::vector<Finding> findings;
};

struct DoctorInput {
  const Snapshot& snapshot;
  const HostSetup& setup;
  const std::optional<Config>& config;
  const PveConfigs& pve;
  std::set<PciAddress> assigned = {};  ///< functions that belong to VMs
};

/// Every check, in the order in which somebody would set a host up: firmware, kernel, modules, memory, guests.
std::vector<Checkup> examine(const DoctorInput& input);

}  // namespace hostsplit
