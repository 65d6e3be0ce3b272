#pragma once
#include "core/machine/snapshot.hpp"
#include "host/inventory/follow.hpp"

namespace hostsplit::inventory_parts {

/// What opens encrypted disks at boot (crypttab(5), and the kernel parameters that do the same): key files on sticks,
/// security keys, and the passphrase of what `/` is on. Needs controllers and devices.
void read_keys(const Root& root, const Follower& follow, Snapshot& snapshot);

}  // namespace hostsplit::inventory_parts
