#pragma once
#include <string>

#include "core/machine/pve.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Reads /etc/pve below the root: guests of this node and PCI mappings. Never throws, never writes. pmxcfs is a file
/// system in user space that can hang: not for loops that must go on, and never at early boot.
PveConfigs read_pve(const Root& root);

/// This machine's name in the cluster, as PveConfigs::node.
std::string pve_node_name(const Root& root);

}  // namespace hostsplit
