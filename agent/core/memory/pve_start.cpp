#include "core/memory/pve_start.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/text.hpp"
#include "core/memory/args_memory.hpp"
#include "core/proxmox/values.hpp"
#include "core/proxmox/vm_settings.hpp"

namespace hostsplit {
namespace {

constexpr Kib small_page = 2 * kib_per_mib, big_page = kib_per_gib;

bool has_size(const std::map<int, NumaNode>& nodes, Kib page_size) {
  bool known = false;
  for (const auto& [id, node] : nodes)
    for (const auto& pool : node.pools) {
      known = true;
      if (pool.page_size == page_size) return true;
    }
  return !known;
}

/// Goes through a VM's start in the order of Proxmox VE.
class Start {
 public:
  Start(const PveVm& vm, const std::map<int, NumaNode>& nodes) : vm_(vm), nodes_(nodes) {}

  PveStart judge() {
    processors();
    functions();
    const std::string gap = why_gap();
    if (vm_.hugepages == PvePages::none) {
      if (vm_.numa && !gap.empty()) refuse_otherwise(gap);
      return std::move(start_);
    }
    if (!gap.empty()) refuse(gap);
    if (!vm_.numa) refuse("numa is off");
    if (gives_memory(vm_.args)) refuse("its args give it memory of their own (-numa or memory-backend=)");
    if (vm_.numa_nodes.empty())
      split_over_sockets();
    else
      custom();
    return std::move(start_);
  }

 private:
  void refuse(std::string why) { start_.refusals.push_back(std::move(why)); }
  void refuse_otherwise(std::string why) { start_.other_refusals.push_back(std::move(why)); }

  /// Proxmox VE passes numaN on as nodeid=N, and QEMU takes no number without those below it: "numa: Node ID missing"
  /// (hw/core/numa.c, numa_complete_configuration()).
  std::string why_gap() const {
    int next = 0;
    for (const auto& node : vm_.numa_nodes) {
      if (node.index > next)
        return fmt::format("it has numa{} and no numa{}, and QEMU numbers NUMA nodes from 0 without a gap", node.index,
                           next);
      next = node.index + 1;
    }
    return {};
  }

  /// PVE::QemuServer::config_to_command (MAX ... vcpus allowed), and what QEMU makes of -smp.
  void processors() {
    const int has = guest_cpus(vm_), here = host_cpus(nodes_);
    if (here != 0 && has > here) refuse_otherwise(fmt::format("it has {} CPUs, and this host has {}", has, here));
    if (is_i440fx(vm_) && has > most_i440fx_cpus)
      refuse_otherwise(fmt::format("it has {} CPUs, and a machine of type i440fx has at most {}; q35 has more", has,
                                   most_i440fx_cpus));
    if (vm_.vcpus.value_or(0) > has)
      refuse_otherwise(fmt::format("vcpus is {}, and sockets and cores make {} CPUs", *vm_.vcpus, has));
  }

  /// PVE::QemuServer::PCI, print_hostpci_devices.
  void functions() {
    const auto arch = next_value(vm_, "arch");
    if ((arch && *arch != "x86_64") || vm_.machine.find("q35") != std::string::npos) return;
    for (const auto& line : vm_.host_pci)
      if (pve_boolean(pve_properties(line.rest, "")["pcie"]) == true)
        refuse_otherwise(fmt::format("hostpci{} has pcie=1, which takes a machine of type q35", line.index));
  }

  void take(int node, Kib memory) {
    // `any` takes pages of 1 GiB where they come out even.
    const Kib size = vm_.hugepages == PvePages::big ? big_page
                     : vm_.hugepages == PvePages::any && has_size(nodes_, big_page) && memory % big_page == 0
                         ? big_page
                         : small_page;
    if (!has_size(nodes_, size)) refuse(fmt::format("this host has no pages of {}", format_size(size)));
    if (memory % size != 0) refuse(fmt::format("{} is not a multiple of {}", format_size(memory), format_size(size)));
    if (memory != 0) start_.pages[{node, size}] += memory / size;
  }

  void split_over_sockets() {
    const int sockets = std::max(1, vm_.sockets);
    for (int node = 0; node < sockets; ++node) {
      if (!nodes_.empty() && !nodes_.count(node))
        return refuse(fmt::format(
            "its memory is shared out over its {} sockets, each on a node of the host, and this host has no node {}",
            sockets, node));
      take(node, memory_of(vm_) / static_cast<Kib>(sockets));
    }
    start_.unbound.push_back("no numa0 line binds its memory to a node");
  }

  void custom() {
    Kib sum = 0;
    CpuSet seen;
    if (plugs_memory(vm_)) refuse("memory hotplug is on, which Proxmox VE refuses with numa lines");
    for (const auto& node : vm_.numa_nodes) {
      const std::string key = fmt::format("numa{}", node.index);
      if (!node.memory) refuse(key + " has no memory");
      if (node.guest_cpus.empty()) refuse(key + " has no cpus");
      for (const int cpu : node.guest_cpus) {
        if (cpu >= guest_cpus(vm_)) {
          refuse(fmt::format("{} names guest CPU {}, and it has {}", key, cpu, guest_cpus(vm_)));
          break;  // once a line
        }
        if (!seen.insert(cpu).second) refuse(fmt::format("guest CPU {} is in two numa lines", cpu));
      }
      sum += node.memory.value_or(0);
      one(node, key);
    }
    if (sum != memory_of(vm_))
      refuse(fmt::format("its numa lines add up to {}, and it has {}", format_size(sum), format_size(memory_of(vm_))));
  }

  void one(const PveNumaNode& node, const std::string& key) {
    if (node.host_nodes.size() != 1) return refuse(key + " must name exactly one host node");
    const int host = node.host_nodes.front();
    if (host > last_pve_node)
      return refuse(fmt::format("{} names host node {}, and with huge pages Proxmox VE takes one digit", key, host));
    if (!nodes_.empty() && !nodes_.count(host))
      return refuse(fmt::format("{} names host node {}, which is not there", key, host));
    if (!names_one_digit(node))
      return refuse(fmt::format("{} has hostnodes={}, and with huge pages Proxmox VE takes one digit", key,
                                node.host_nodes_written));
    if (node.policy.empty()) refuse(fmt::format("{} has no policy for host node {}", key, host));
    if (!node.policy.empty() && node.policy != "bind")
      start_.unbound.push_back(fmt::format("{} has policy={}", key, node.policy));
    take(host, node.memory.value_or(0));
  }

  const PveVm& vm_;
  const std::map<int, NumaNode>& nodes_;
  PveStart start_;
};

bool same_placement(const std::vector<PveNumaNode>& a, const std::map<int, Kib>& memory) {
  std::map<int, Kib> found;
  for (const auto& node : a) {
    if (node.host_nodes.size() != 1 || !names_one_digit(node) || node.policy != "bind" || !node.memory) return false;
    found[node.host_nodes.front()] += *node.memory;
  }
  return found == memory;
}

/// Collects the options of one `qm set` line and applies each to the parsed VM.
class Fix {
 public:
  Fix(const PveVm& vm, const VmWish& wish, const CpuSet& cpus, bool keep, const std::map<int, NumaNode>& nodes)
      : wish_(wish),
        cpus_(cpus),
        keep_(keep),
        nodes_(nodes) {
    fix_.vm = vm;
  }

  PveFix make() {
    const auto memory = memory_by_node(wish_);
    if (!memory.empty()) {
      fix_.reason = why_not_placeable(wish_);
      if (!fix_.reason.empty()) return std::move(fix_);
    }
    processors();
    if (!memory.empty()) {
      pages(memory);
      numa(memory);
    }
    // One option for all keys that go.
    if (!gone_.empty()) option("--delete " + gone_);
    affinity();
    if (options_.empty()) return std::move(fix_);
    const PveStart start = judge_start(fix_.vm, nodes_);
    if (memory.empty() || start.clean())
      fix_.line = fmt::format("qm set {} {}", fix_.vm.id, fmt::join(options_, " "));
    else
      fix_.reason = "Proxmox VE would not start it as configured here: " +
                    (start.refusals.empty() ? start.unbound.front() : start.refusals.front());
    return std::move(fix_);
  }

 private:
  void option(std::string text) { options_.push_back(std::move(text)); }

  void pages(const std::map<int, Kib>& memory) {
    PveVm& vm = fix_.vm;
    if (!vm.numa) vm.numa = true, option("--numa 1");
    const PvePages wanted = pve_pages(wish_.page_size);
    const bool none = vm.hugepages == PvePages::none;
    if (vm.hugepages != wanted && !(vm.hugepages == PvePages::any && any_fits(wish_)))
      vm.hugepages = wanted, option(fmt::format("--hugepages {}", to_string(wanted)));
    if ((none || keep_) && !vm.keep_hugepages) vm.keep_hugepages = true, option("--keephugepages 1");
    Kib sum = 0;
    for (const auto& [node, size] : memory) sum += size;
    if (memory_of(vm) != sum) vm.memory = sum, option(fmt::format("--memory {}", sum / kib_per_mib));
    if (vm.balloon.value_or(1) != 0) vm.balloon = 0, option("--balloon 0");
    if (plugs_memory(vm)) vm.hotplug = without_memory(vm.hotplug), option("--hotplug " + vm.hotplug);
  }

  /// What is more than a start takes; what is fewer is a choice.
  void processors() {
    PveVm& vm = fix_.vm;
    const int sockets = vm.sockets, cores = vm.cores, most = most_guest_cpus(vm, nodes_);
    const bool has_vcpus = vm.vcpus.has_value();
    if (guest_cpus(vm) > most) fit_cpus(vm, cpus_.empty() ? most : static_cast<int>(cpus_.size()), nodes_);
    if (vm.vcpus.value_or(0) > guest_cpus(vm)) vm.vcpus.reset();
    if (vm.sockets != sockets) option(fmt::format("--sockets {}", vm.sockets));
    if (vm.cores != cores) option(fmt::format("--cores {}", vm.cores));
    if (has_vcpus && !vm.vcpus) goes("vcpus");
  }

  void goes(const std::string& key) { gone_ += (gone_.empty() ? "" : ",") + key; }

  void affinity() {
    PveVm& vm = fix_.vm;
    if (cpus_.empty() || has_affinity(vm, cpus_, nodes_)) return;
    vm.affinity = cpus_;
    option("--affinity " + to_string(cpus_));
  }

  void numa(const std::map<int, Kib>& memory) {
    PveVm& vm = fix_.vm;
    if (same_placement(vm.numa_nodes, memory) && judge_start(vm, {}).refusals.empty()) return;
    const auto old = vm.numa_nodes;
    vm.numa_nodes = numa_nodes(memory, guest_cpus(vm));
    for (const auto& node : vm.numa_nodes) option(fmt::format("--numa{} {}", node.index, numa_value(node)));
    // What stays would count into the sum, and Proxmox VE refuses a VM whose nodes do not add up to its memory.
    for (const auto& node : old)
      if (node.index >= static_cast<int>(memory.size())) goes(fmt::format("numa{}", node.index));
  }

  const VmWish& wish_;
  const CpuSet& cpus_;
  const bool keep_;
  const std::map<int, NumaNode>& nodes_;
  PveFix fix_;
  std::vector<std::string> options_;
  std::string gone_;  ///< keys that go
};

}  // namespace

bool gives_memory(std::string_view args) {
  bool of_numa = false;  // other devices have a memdev=, too
  while (!args.empty()) {
    const auto word = cut(args, ' ');
    if (word.empty()) continue;
    if (of_numa && word.find("memdev=") != std::string_view::npos) return true;
    if (word.find("memory-backend=") != std::string_view::npos) return true;
    of_numa = word == "-numa" || word == "--numa";
  }
  return false;
}

std::map<int, Kib> bound_memory(const PveVm& vm) {
  std::map<int, Kib> memory;
  for (const auto& node : vm.numa_nodes)
    if (node.host_nodes.size() == 1 && node.policy == "bind" && node.memory) memory[node.host_nodes[0]] += *node.memory;
  return memory;
}

bool names_one_digit(const PveNumaNode& node) {
  return node.host_nodes_written.size() <= 1;
}

CpuSet without_offline(const CpuSet& cpus, const std::map<int, NumaNode>& nodes) {
  CpuSet online;
  for (const auto& [id, node] : nodes) online.merge(common(cpus, node.cpus));
  return online.empty() ? cpus : online;
}

bool has_affinity(const PveVm& vm, const CpuSet& wanted, const std::map<int, NumaNode>& nodes) {
  if (!vm.affinity) return false;
  PveVm online = vm;
  online.affinity = without_offline(*vm.affinity, nodes);
  return online.affinity == allowed_cpus(online, without_offline(wanted, nodes));
}

PveStart judge_start(const PveVm& vm, const std::map<int, NumaNode>& nodes) {
  return Start(vm, nodes).judge();
}

PveFix fix_for(const PveVm& vm, const VmWish& wish, const CpuSet& cpus, bool keep,
               const std::map<int, NumaNode>& nodes) {
  return Fix(vm, wish, cpus, keep, nodes).make();
}

std::string why_not_placeable(const VmWish& wish) {
  const auto memory = memory_by_node(wish);
  for (const auto& [node, size] : memory)
    if (node > last_pve_node)
      return fmt::format(
          "with huge pages Proxmox VE takes host nodes of one digit only, and this VM is wanted on node {}", node);
  if (memory.size() > most_pve_nodes)
    return fmt::format("Proxmox VE spreads a VM over at most {} nodes, and this one is wanted on {}", most_pve_nodes,
                       memory.size());
  return {};
}

namespace {

/// What keeps Proxmox VE from starting it with its memory, whatever is set: a `qm set` line changes neither `args` nor
/// the choice of fewer CPUs.
std::vector<std::string> lasting_refusals(const PveVm& vm, const VmWish& wish, GuestPolicy policy,
                                          const std::map<int, NumaNode>& nodes) {
  if (policy == GuestPolicy::print) return judge_start(fix_for(vm, wish, {}, true, nodes).vm, {}).refusals;
  // What setting it would bring about is told where it is set (`vm-no-start`).
  auto lasting = judge_start(set_vm(vm, wish, nodes), {}).refusals;
  const auto before = judge_start(vm, {}).refusals;
  std::erase_if(lasting, [&](const auto& why) { return std::find(before.begin(), before.end(), why) == before.end(); });
  return lasting;
}

std::string remedy_of_lasting(const PveVm& vm, std::size_t nodes) {
  if (gives_memory(vm.args))
    return fmt::format(
        "Take -numa and memory-backend= out of its args (qm config {}), or its memory out of "
        "hostsplit.toml",
        vm.id);
  if (guest_cpus(vm) < static_cast<int>(nodes))
    return fmt::format("Give it a CPU for each node (qm set {} --cores {}), or memory on fewer nodes in hostsplit.toml",
                       vm.id, nodes);
  return fmt::format("Change that in its configuration (qm config {}), or its part in hostsplit.toml", vm.id);
}

}  // namespace

std::vector<Finding> check_startable(const Config& config, const PveConfigs& pve,
                                     const std::map<int, NumaNode>& nodes) {
  std::vector<Finding> findings;
  if (!pve.known) return findings;
  for (const auto& [id, wish] : config.vms) {
    const PveVm* vm = pve.next_start(id);
    const auto memory = memory_by_node(wish);
    if (!vm || vm->is_template || memory.empty() || !why_not_placeable(wish).empty()) continue;
    // Memory of its own in huge pages comes from the pool past Proxmox VE, which is then asked for none.
    if (vm->hugepages == PvePages::none && !pages_by_args(*vm, nodes, wish.page_size).empty()) continue;
    if (const auto lasting = lasting_refusals(*vm, wish, config.guests, nodes); !lasting.empty())
      findings.push_back(
          {"pve-cannot-place", Severity::error, fmt::format("VM {}", id),
           "Proxmox VE would not start it with the memory that is to be reserved for it: " + lasting.front(),
           remedy_of_lasting(*vm, memory.size())});
  }
  return findings;
}

std::vector<Finding> check_placeable(const Config& config) {
  std::vector<Finding> findings;
  for (const auto& [id, wish] : config.vms)
    if (const auto why = why_not_placeable(wish); !why.empty())
      findings.push_back({"pve-cannot-place", Severity::error, fmt::format("VM {}", id), why,
                          fmt::format("Choose a node from 0 to {} for it, or make fewer nodes in the firmware setup "
                                      "(NUMA nodes per socket, ACPI SRAT L3 as NUMA domain)",
                                      last_pve_node)});
  return findings;
}

}  // namespace hostsplit
