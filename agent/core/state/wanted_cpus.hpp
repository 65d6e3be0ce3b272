#pragma once
#include <map>

#include "core/base/cpu_set.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// All CPUs of some nodes; those that do not exist have none.
CpuSet cpus_of_nodes(const std::map<int, NumaNode>& nodes, const std::map<int, Kib>& memory);

/// Host CPUs a VM is to run on (hostsplit.toml(5)): `cpus`, else all of the nodes its memory is on, else of its `node`.
/// Plan, doctor and verify ask this one function. Empty: nothing is said.
CpuSet wanted_cpus(const VmWish& vm, const std::map<int, NumaNode>& nodes);

}  // namespace hostsplit
