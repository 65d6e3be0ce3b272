#pragma once
#include "core/machine/host_setup.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Reads how the host was set up: files of modprobe and systemd, CPU flags, storages of Proxmox
/// VE. Runs no program. What cannot be read stays unknown; never throws.
HostSetup read_setup(const Root& root);

}  // namespace hostsplit
