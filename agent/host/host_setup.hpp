#pragma once
#include "core/doctor.hpp"
#include "host/root.hpp"

namespace hostsplit {

/// Reads how the host was set up: files of modprobe and systemd, CPU flags, storages of Proxmox
/// VE. Runs no program. What cannot be read stays unknown; never throws.
HostSetup read_setup(const Root& root);

}  // namespace hostsplit
