#pragma once
#include "core/doctor.hpp"
#include "host/root.hpp"

namespace hostsplit {

/// Reads how the host was set up: files of modprobe and systemd, CPU flags, kernel configuration, storages of Proxmox
/// VE. Runs no program. What cannot be read stays unknown; never throws.
HostSetup read_setup(const Root& root);

/// /boot/config-<release> of a kernel. \param release empty: nothing is known
KernelBuild read_kernel_build(const Root& root, const std::string& release);

}  // namespace hostsplit
