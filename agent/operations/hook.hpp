#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "operations/carry_out.hpp"

namespace hostsplit {

/// What a hook of Proxmox VE answers.
struct HookAnswer {
  std::string veto;                ///< one sentence why the VM must not start; empty: it may
  std::vector<std::string> notes;  ///< for the task log
};

/// Before a VM starts: brings back pages that the start of another VM trimmed, then says whether the VM can start.
/// Takes no lock when nothing is missing. Otherwise it waits for whoever acts and for a VM that is starting right now,
/// and what it could not look at for that is a note and no veto. VMs nothing was applied
/// for are not even looked at. Never calls qm: Proxmox VE holds the lock of the VM meanwhile.
/// \param patience  for the locks; Proxmox VE itself gives a VM 60 s for the lock of the pages
HookAnswer before_start(const Context& context, int vm,
                        std::chrono::milliseconds patience = std::chrono::milliseconds(30000));

/// After a VM started: what `verify` finds wrong. The result is kept for the service's metrics (save_proof()).
HookAnswer after_start(const Context& context, int vm);

}  // namespace hostsplit
