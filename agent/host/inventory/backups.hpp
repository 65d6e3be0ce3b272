#pragma once
#include "core/machine/host_setup.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Jobs of vzdump for this node, VMs with a backup in a storage, and storages whose backups cannot be seen: those on
/// the network are left alone, because they may hang whoever looks at them.
void read_backups(const Root& root, HostSetup& setup);

}  // namespace hostsplit
