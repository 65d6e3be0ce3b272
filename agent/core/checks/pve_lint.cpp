#include "core/checks/pve_lint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/number.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/memory/kernel_command_line.hpp"
#include "core/memory/pools.hpp"
#include "core/proxmox/vm_settings.hpp"

namespace hostsplit {
namespace {

std::string vm_subject(const PveVm& vm) {
  return vm.name.empty() ? fmt::format("VM {}", vm.id) : fmt::format("VM {} ({})", vm.id, vm.name);
}

std::string qm_set(int vm, const std::string& options) {
  return fmt::format("qm set {} {}", vm, options);
}

/// Collects findings about one guest.
class Complaints {
 public:
  Complaints(const PveVm& vm, std::vector<Finding>& findings) : vm_(vm), findings_(findings) {}
  void add(const char* code, Severity severity, const std::string& message, const std::string& remedy) {
    findings_.push_back({code, severity, vm_subject(vm_), message, remedy});
  }
  void warn(const char* code, const std::string& message, const std::string& options) {
    add(code, Severity::warning, message, options.empty() ? "" : qm_set(vm_.id, options));
  }

 private:
  const PveVm& vm_;
  std::vector<Finding>& findings_;
};

std::string numa_options(const PveVm& vm, const std::map<int, Kib>& memory) {
  return qm_options(numa_settings(vm, memory, guest_cpus(vm)));
}

std::map<int, Kib> bound_memory(const PveVm& vm) {
  std::map<int, Kib> memory;
  for (const auto& node : vm.numa_nodes)
    if (node.host_nodes.size() == 1 && node.policy == "bind" && node.memory) memory[node.host_nodes[0]] += *node.memory;
  return memory;
}

void lint_numa(const PveVm& vm, const std::map<int, Kib>& wanted, Complaints& say) {
  if (!vm.numa)
    say.add("pve-numa-off", Severity::error, "numa is off, so Proxmox VE refuses to start it with huge pages",
            qm_set(vm.id, "--numa 1"));
  for (const auto& node : vm.numa_nodes) {
    const std::string key = fmt::format("numa{}", node.index);
    if (node.host_nodes.size() != 1 || node.host_nodes[0] > 9)
      say.add("pve-numa-node", Severity::error,
              key + " must name exactly one host node of one digit when huge pages are used",
              qm_set(vm.id, numa_options(vm, wanted)));
    else if (node.policy != "bind")
      say.warn("pve-numa-node", key + " has no policy=bind, so its pages may come from another node",
               numa_options(vm, wanted));
  }
  if (vm.numa_nodes.empty())
    say.warn("pve-numa-node", "no numa0 line binds its memory, so its pages may come from any node",
             numa_options(vm, wanted));
  else if (bound_memory(vm) != wanted)
    say.warn("pve-memory-differs", "its numa lines do not put the memory where hostsplit.toml reserves it",
             numa_options(vm, wanted));
}

void lint_memory(const PveVm& vm, Kib wanted, Kib page_size, Complaints& say) {
  const Kib has = vm.memory.value_or(512 * kib_per_mib);  // the default of qm.conf(5)
  if (has != wanted)
    say.add(
        "pve-memory-differs", Severity::error,
        fmt::format("has {} of memory, and hostsplit.toml reserves {} for it", format_size(has), format_size(wanted)),
        qm_set(vm.id, fmt::format("--memory {}", wanted / kib_per_mib)));
  if (has % page_size != 0)
    say.add("pve-memory-multiple", Severity::error,
            fmt::format("{} of memory are no multiple of {}", format_size(has), format_size(page_size)),
            qm_set(vm.id, fmt::format("--memory {}", (has + page_size - 1) / page_size * page_size / kib_per_mib)));
  Kib sum = 0;
  for (const auto& node : vm.numa_nodes) sum += node.memory.value_or(0);
  if (!vm.numa_nodes.empty() && sum != has)
    say.add("pve-memory-differs", Severity::error,
            fmt::format("its numa lines add up to {}, but it has {}", format_size(sum), format_size(has)),
            "Correct the numa lines: Proxmox VE refuses to start it like this");
}

void lint_pages(const PveVm& vm, Kib page_size, Complaints& say) {
  const bool small = page_size == 2 * kib_per_mib;
  if (vm.hugepages == PvePages::none)
    say.add("pve-no-hugepages", Severity::error, "does not use huge pages, so what is reserved for it lies idle",
            qm_set(vm.id, fmt::format("--hugepages {} --keephugepages 1", hugepages_value(page_size))));
  else if (vm.hugepages != PvePages::any && (vm.hugepages == PvePages::small) != small)
    say.add("pve-page-size", Severity::error,
            fmt::format("uses huge pages of {} MiB, and hostsplit.toml reserves pages of {}", to_string(vm.hugepages),
                        format_size(page_size)),
            qm_set(vm.id, fmt::format("--hugepages {}", hugepages_value(page_size))));
  if (vm.balloon.value_or(1) != 0)
    say.warn("pve-balloon", "the balloon device is on; it cannot shrink huge pages and only costs", "--balloon 0");
  if (vm.hotplug.find("memory") != std::string::npos)
    say.warn("pve-hotplug-memory", "memory hotplug trims the pool of huge pages, whatever keephugepages says",
             "--hotplug disk,network,usb");
}

void lint_affinity(const PveVm& vm, const VmWish& wish, const Snapshot& snapshot, Complaints& say) {
  const CpuSet wanted = wanted_cpus(wish, snapshot);
  if (wanted.empty() || (vm.affinity && allowed_cpus(vm, wanted) == *vm.affinity)) return;
  say.warn("pve-affinity",
           vm.affinity
               ? fmt::format("runs on CPUs {}, and hostsplit.toml says {}", to_string(*vm.affinity), to_string(wanted))
               : "may run on every CPU of the host",
           "--affinity " + to_string(wanted));
}

void lint_guest(const PveVm& vm, const VmWish& wish, const Snapshot& snapshot, std::vector<Finding>& findings) {
  Complaints say(vm, findings);
  const auto memory = memory_by_node(wish);
  if (!memory.empty()) {
    Kib sum = 0;
    for (const auto& [node, size] : memory) sum += size;
    lint_pages(vm, wish.page_size, say);
    lint_numa(vm, memory, say);
    lint_memory(vm, sum, wish.page_size, say);
  }
  lint_affinity(vm, wish, snapshot, say);
  for (const auto* key : {"memory", "hugepages", "numa", "numa0", "numa1", "affinity", "keephugepages", "balloon"})
    if (vm.pending.contains(key))
      say.add("pve-pending", Severity::info, fmt::format("a change of {} waits for the next start", key), "");
  if (!vm.lock.empty()) say.warn("pve-locked", fmt::format("is locked ({}), so it will not start", vm.lock), "");
}

/// Proxmox VE trims the pools of the page sizes that the started VM has (PVE::QemuServer::Memory).
bool uses_pages(const PveVm& vm, Kib page_size) {
  if (vm.hugepages == PvePages::any) return true;
  return page_size == kib_per_gib ? vm.hugepages == PvePages::big : vm.hugepages == PvePages::small;
}

/// Kernel command line, pool and VMs together decide whether a start trims what is reserved.
void lint_trimming(const PveConfigs& pve, const Config& config, const Snapshot& snapshot,
                   std::vector<Finding>& findings) {
  std::map<Kib, std::uint64_t> planned;
  for (const auto& item : wanted_pages(config)) planned[item.page_size] += item.pages;
  for (const auto& [page_size, pages] : planned) {
    const auto read = pages_pve_reads(snapshot.command_line, page_size);
    if (read == pages) continue;
    for (const auto& [id, vm] : pve.vms) {
      if (!trims_pool(vm) || vm.is_template || !uses_pages(vm, page_size)) continue;
      findings.push_back(
          {"pve-trims-pool", Severity::error, vm_subject(vm),
           fmt::format(
               "after its start Proxmox VE sets the pool of {} pages to {}, the number it reads from the kernel "
               "command line; {} are reserved",
               format_size(page_size), read, pages),
           qm_set(id, "--keephugepages 1")});
    }
  }
}

void lint_start_order(const PveConfigs& pve, const Config& config, std::vector<Finding>& findings) {
  std::set<int> together;
  for (const auto& [id, wish] : config.vms)
    if (const PveVm* vm = pve.vm(id); vm && vm->on_boot && vm->hugepages != PvePages::none) together.insert(id);
  for (const auto& order : start_orders(pve.vms, together))
    findings.push_back(
        {"pve-start-order", Severity::warning, vm_subject(pve.vms.at(order.after)),
         fmt::format("VM {} starts right after it and waits at most 60 s for its pages to be filled", order.vm),
         qm_set(order.vm, "--startup " + order.value)});
}

}  // namespace

bool trims_pool(const PveVm& vm) {
  return vm.hugepages != PvePages::none && !vm.keep_hugepages;
}

std::vector<Finding> lint_pve(const PveConfigs& pve, const Config& config, const Snapshot& snapshot) {
  std::vector<Finding> findings = pve.findings;
  if (!pve.known) {
    findings.push_back({"pve-unknown", Severity::info, "/etc/pve",
                        "is not there or empty, so nothing is known about guests of Proxmox VE",
                        "On a Proxmox VE host: systemctl status pve-cluster"});
    return findings;
  }
  for (const auto& [id, wish] : config.vms) {
    if (const PveVm* vm = pve.vm(id))
      lint_guest(*vm, wish, snapshot, findings);
    else
      findings.push_back(
          {"pve-vm-unknown", Severity::warning, fmt::format("VM {}", id),
           "Proxmox VE has no VM of that number on this node",
           pve.vms.empty() ? "Create it, or correct the number in hostsplit.toml" : "Known: see qm list"});
  }
  lint_trimming(pve, config, snapshot, findings);
  lint_start_order(pve, config, findings);
  return findings;
}

}  // namespace hostsplit
