#pragma once
#include "core/plan.hpp"
#include "host/effects.hpp"
#include "host/root.hpp"

namespace hostsplit {

/// Runs update-grub or proxmox-boot-tool and looks into grub.cfg where it lies in /boot. The menu that was there is
/// kept until then, and put back if the new one is not as wanted. \throws Error when it could not be made so.
void refresh_boot_loader(const Root& root, Effects& effects, const RefreshBootLoader& wanted);

}  // namespace hostsplit
