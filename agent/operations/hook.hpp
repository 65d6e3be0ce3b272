#pragma once
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
/// Waits for a VM that is starting right now, but not for longer than Proxmox VE would itself. VMs nothing was applied
/// for are not even looked at. Never calls qm: Proxmox VE holds the lock of the VM meanwhile.
HookAnswer before_start(const Context& context, int vm);

/// After a VM started: what `verify` finds wrong. The result is kept for the service's metrics (save_proof()).
HookAnswer after_start(const Context& context, int vm);

}  // namespace hostsplit
