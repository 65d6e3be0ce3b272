#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/proxmox/vm_settings.hpp"
#include "core/state/boot_plan.hpp"

namespace hostsplit {

struct HostPciInput {
  const PveConfigs& pve;
  const Snapshot& snapshot;
  const std::vector<Claim>& wanted;        ///< what the configuration gives to VMs
  const std::optional<BootPlan>& applied;  ///< what is in force
  std::vector<std::string> may_lose = {};  ///< what is given up by explicit wish, of the configuration
};

/// Holds the hostpciN lines of Proxmox VE against what belongs to VMs and what the host needs, with the `qm set` line
/// that mends it:
///   pve-host-pci-lifeline  error: a line names a function that something must not lose, whoever claims it: losses().
///                          Or all lines of VMs that run or start with the host together take the last keyboard or
///                          the last sockets.
///   pve-host-pci-bridge    error: a line names a bridge
///   pve-host-pci-missing   error where applied, else a warning: a VM has no line for one of its functions
///   pve-host-pci-moved     the same where a line names the place the function was at
///   pve-host-pci-other     warning: a line or args name what belongs to another VM, or what cannot be beside it: a
///                          member of its group, a virtual function of it, or the physical one of it
std::vector<Finding> lint_host_pci(const HostPciInput& input);

/// The same as values: by VM, the hostpciN keys those lines would set.
std::map<int, PveSettings> host_pci_settings(const HostPciInput& input);

/// Why the start of this VM would cost the host something it needs: by any of its hostpciN lines, with what Proxmox VE
/// takes along of their groups, or its args, whatever hostsplit claims. Empty when nothing does.
std::optional<std::string> host_pci_objection(const PveConfigs& pve, const Snapshot& snapshot, int vm,
                                              const std::vector<std::string>& may_lose);

}  // namespace hostsplit
