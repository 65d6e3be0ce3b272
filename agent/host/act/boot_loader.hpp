#pragma once
#include "core/steps/step.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Runs update-grub and looks into the menu it made; the one that was there is kept until then, and put back if the new
/// one is not as wanted. Or runs proxmox-boot-tool, and what keeps the menus on its partitions. \throws Error when it
/// could not be made so.
void refresh_boot_loader(const Root& root, Effects& effects, const RefreshBootLoader& wanted);

}  // namespace hostsplit
