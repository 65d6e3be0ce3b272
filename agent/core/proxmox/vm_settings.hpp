#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/cpu_set.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// Keys of one VM and what they are to be; an empty optional: not there. What the printed `qm set` lines and the steps
/// that set VMs are both made of.
using PveSettings = std::map<std::string, std::optional<std::string>>;

/// "--memory 57344 --numa 1 --delete numa1": behind `qm set 101`.
std::string qm_options(const PveSettings& settings);

/// Those of them that the VM does not have yet.
std::vector<PveKeyChange> changed_keys(const PveVm& vm, const PveSettings& settings);

/// The guest's CPUs: sockets times cores.
int guest_cpus(const PveVm& vm);
/// Host CPUs it gets: what it has where that is a part of `wanted`, because fewer is a choice; otherwise `wanted`.
CpuSet allowed_cpus(const PveVm& vm, const CpuSet& wanted);

/// The `numaN` lines that put memory on host nodes, the guest's CPUs shared out evenly; with fewer CPUs than nodes some
/// lines have none.
std::vector<PveNumaNode> numa_nodes(const std::map<int, Kib>& memory, int guest_cpus);
/// The value of such a line, with one host node and a memory: "cpus=0-3,hostnodes=0,memory=57344,policy=bind".
std::string numa_value(const PveNumaNode& line);
/// The `numaN` keys that bring a guest's memory to the nodes it is wanted on, its CPUs shared out evenly. Lines beyond
/// go: they would count into the sum, and Proxmox VE refuses to start a VM whose nodes do not add up to its memory.
PveSettings numa_settings(const PveVm& vm, const std::map<int, Kib>& memory, int guest_cpus);

/// What `hugepages:` says of pages of that size.
PvePages pve_pages(Kib page_size);

/// CPUs and memory of a VM: cores, affinity, and with memory on huge pages numa, numaN, memory, hugepages,
/// keephugepages and balloon.
PveSettings vm_settings(const PveVm& vm, const VmWish& wish, const Snapshot& snapshot);

/// `startup` with another order, what else stands there kept.
std::string startup_value(const PveVm& vm, int order);

/// A VM that needs an order of its own.
struct StartOrder {
  int vm = 0, after = 0;  ///< it starts right after that one
  std::string value;      ///< for `startup`
};
/// Two VMs with huge pages that start together wait for one lock, the second at most 60 s (PVE::QemuServer::Memory).
/// Those of another order never do: the start of all guests waits for every start of one order before it begins the
/// next (pve-manager, PVE::API2::Nodes, startall). \param together  VMs with huge pages that start with the host
std::vector<StartOrder> start_orders(const std::map<int, PveVm>& vms, const std::set<int>& together);

}  // namespace hostsplit
