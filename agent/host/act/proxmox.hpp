#pragma once
#include <string>

#include "core/steps/step.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Sets keys by `qm set` or `pvesm set`, all in one call and only if the file is as it was when planned, and reads them
/// back. \return what was found where that differs from the plan: "pending" for a VM that runs.
/// \throws Error with a sentence of its own for a VM that is locked, a template, on another node, gone or edited
/// meanwhile, and for a cluster without quorum; Proxmox VE then has nothing of it.
std::string set_pve(const Root& root, Effects& effects, const SetPve& action);

/// \throws Error while a VM names the hook script at that path: without it Proxmox VE would not start that VM.
void refuse_used_hook(const Root& root, const std::string& path);

}  // namespace hostsplit
