#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
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
/// CPUs that are switched on, as Proxmox VE counts them in /proc/cpuinfo; 0: not known.
int host_cpus(const std::map<int, NumaNode>& nodes);
/// What `machine` is without a word, and the most CPUs QEMU gives it (hw/i386/pc_piix.c, max_cpus).
bool is_i440fx(const PveVm& vm);
inline constexpr int most_i440fx_cpus = 255;
/// The most CPUs a start takes: those of the host, and of the machine type.
int most_guest_cpus(const PveVm& vm, const std::map<int, NumaNode>& nodes);
/// Gives it `wanted` CPUs, shared out over its sockets, as far as a start takes them; sockets beyond that become one,
/// and `vcpus` beyond its CPUs goes.
void fit_cpus(PveVm& vm, int wanted, const std::map<int, NumaNode>& nodes);
/// Host CPUs it gets: what it has where that is a part of `wanted`, because fewer is a choice; otherwise `wanted`.
CpuSet allowed_cpus(const PveVm& vm, const CpuSet& wanted);

/// The `numaN` lines that put memory on host nodes, the guest's CPUs shared out evenly; with fewer CPUs than nodes some
/// lines have none.
std::vector<PveNumaNode> numa_nodes(const std::map<int, Kib>& memory, int guest_cpus);
/// The value of such a line, with one host node and a memory: "cpus=0-3,hostnodes=0,memory=57344,policy=bind".
std::string numa_value(const PveNumaNode& line);
/// What `hugepages:` says of pages of that size.
PvePages pve_pages(Kib page_size);
/// True when `hugepages: any` comes to the page size that is wanted: pages of 1 GiB for whole gibibytes, else of 2 MiB.
bool any_fits(const VmWish& wish);

/// True when memory can be plugged in while it runs; "1" means the default, which has no memory in it.
bool plugs_memory(const PveVm& vm);
/// A value of `hotplug` without it: the other kinds stay; "0" is none.
std::string without_memory(std::string_view hotplug);

/// A VM with the CPUs and the memory that the configuration gives it.
/// \param keep_fewer  an affinity that is a part of the wanted one stays, because somebody chose it
/// \param keep_vcpus  so does `vcpus`; without it the VM starts with all of its CPUs
PveVm set_vm(const PveVm& vm, const VmWish& wish, const std::map<int, NumaNode>& nodes, bool keep_fewer = false,
             bool keep_vcpus = false);

/// The keys that make it so: cores, affinity, where they have to change sockets and vcpus, and with memory on huge
/// pages numa, numaN, memory, hugepages, keephugepages, balloon and hotplug.
PveSettings vm_settings(const PveVm& vm, const VmWish& wish, const Snapshot& snapshot, bool keep_fewer = false,
                        bool keep_vcpus = false);

/// `startup` with another order, what else stands there kept.
std::string startup_value(const PveVm& vm, int order);

/// Two VMs of which one needs an order of its own.
struct StartOrder {
  int vm = 0, after = 0;  ///< it starts right after that one
  int set = 0;            ///< which of the two gets an order; 0: neither can
  std::string value;      ///< for `startup` of that one
  int passed = 0;         ///< where neither can: another guest whose place between them an order would change
};
/// Two VMs with huge pages that start together wait for one lock, the second at most 60 s (PVE::QemuServer::Memory).
/// Those of another order never do: the start of all guests waits for every start of one order before it begins the
/// next (pve-manager, PVE::API2::Nodes, startall); of one order it starts several at once since 9.1.2, by their
/// numbers. Those without an order are one order behind all others, so an order also means to start before them: guests
/// of the owner, containers too, keep their place beside these VMs.
/// \param pve  as the guests start the next time   \param together  VMs with huge pages that start with the host
std::vector<StartOrder> start_orders(const PveConfigs& pve, const std::set<int>& together);

}  // namespace hostsplit
