#include "core/checks/pve_lint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/base/number.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/memory/kernel_command_line.hpp"
#include "core/memory/pools.hpp"
#include "core/memory/pve_start.hpp"
#include "core/proxmox/vm_settings.hpp"
#include "core/state/wanted_cpus.hpp"

namespace hostsplit {
namespace {

std::string vm_subject(const PveVm& vm) {
  return vm.name.empty() ? fmt::format("VM {}", vm.id) : fmt::format("VM {} ({})", vm.id, vm.name);
}

/// Collects findings about one guest. All that can be changed is changed by one line, which is the remedy of each.
class Complaints {
 public:
  Complaints(const PveVm& vm, const PveFix& fix, std::vector<Finding>& findings)
      : vm_(vm),
        fix_(fix),
        findings_(findings) {}
  void add(const char* code, Severity severity, const std::string& message, const std::string& remedy) {
    findings_.push_back({code, severity, vm_subject(vm_), message, remedy});
  }
  /// The line of this VM, or why there is none.
  std::string fix() {
    if (!fix_.reason.empty()) return "No qm set line can do it: " + fix_.reason;
    if (fix_.line.empty()) return "Correct it in the web interface, under Hardware and Options of the VM";
    return fix_.line;
  }

 private:
  const PveVm& vm_;
  const PveFix& fix_;
  std::vector<Finding>& findings_;
};

void lint_numa(const PveVm& vm, const std::map<int, Kib>& wanted, Complaints& say) {
  if (!vm.numa)
    say.add("pve-numa-off", Severity::error, "numa is off, so Proxmox VE refuses to start it with huge pages",
            say.fix());
  for (const auto& node : vm.numa_nodes) {
    const std::string key = fmt::format("numa{}", node.index);
    if (node.host_nodes.size() != 1 || node.host_nodes[0] > last_pve_node)
      say.add("pve-numa-node", Severity::error,
              key + " must name exactly one host node of one digit when huge pages are used", say.fix());
    else if (!names_one_digit(node))
      say.add("pve-numa-node", Severity::error,
              fmt::format("{} has hostnodes={}, and with huge pages Proxmox VE takes one digit and no range", key,
                          node.host_nodes_written),
              say.fix());
    else if (node.policy.empty())
      say.add("pve-numa-node", Severity::error,
              key + " has no policy=bind, and Proxmox VE refuses a host node without a policy", say.fix());
    else if (node.policy != "bind")
      say.add("pve-numa-node", Severity::warning,
              fmt::format("{} has policy={}, so its pages may come from another node", key, node.policy), say.fix());
  }
  if (vm.numa_nodes.empty())
    say.add("pve-numa-node", Severity::warning, "no numa0 line binds its memory, so its pages may come from any node",
            say.fix());
  else if (bound_memory(vm) != wanted)
    say.add("pve-memory-differs", Severity::warning,
            "its numa lines do not put the memory where hostsplit.toml reserves it", say.fix());
}

void lint_memory(const PveVm& vm, Kib wanted, Kib page_size, Complaints& say) {
  const Kib has = memory_of(vm);
  if (has != wanted)
    say.add(
        "pve-memory-differs", Severity::error,
        fmt::format("has {} of memory, and hostsplit.toml reserves {} for it", format_size(has), format_size(wanted)),
        say.fix());
  if (has % page_size != 0)
    say.add("pve-memory-multiple", Severity::error,
            fmt::format("{} of memory are no multiple of {}", format_size(has), format_size(page_size)), say.fix());
  Kib sum = 0;
  for (const auto& node : vm.numa_nodes) sum += node.memory.value_or(0);
  if (!vm.numa_nodes.empty() && sum != has)
    say.add("pve-memory-differs", Severity::error,
            fmt::format("its numa lines add up to {}, but it has {}", format_size(sum), format_size(has)), say.fix());
}

/// What the model of a start finds that nothing above names.
void lint_start(const PveVm& vm, const Snapshot& snapshot, Complaints& say) {
  for (const auto& node : vm.numa_nodes)
    for (const auto& other : vm.numa_nodes) {
      const CpuSet both = common(node.guest_cpus, other.guest_cpus);
      if (node.index < other.index && !both.empty())
        say.add("pve-numa-cpus", Severity::error,
                fmt::format("numa{} and numa{} both have guest CPUs {}, so QEMU refuses to start it", node.index,
                            other.index, to_string(both)),
                say.fix());
    }
  if (gives_memory(vm.args))
    say.add("pve-memory-differs", Severity::error,
            "its args give it memory of their own (-numa or memory-backend=), beside what Proxmox VE gives it",
            say.fix());
  for (const auto& node : vm.numa_nodes)
    for (const int host : node.host_nodes)
      if (!snapshot.nodes.empty() && !snapshot.nodes.count(host))
        say.add("pve-numa-node", Severity::error,
                fmt::format("numa{} names host node {}, which this machine does not have", node.index, host),
                say.fix());
}

/// What keeps it from starting and is not named by now.
/// \param named  there are errors about its memory, and what mends them mends what is found here about it
void lint_refusals(const PveVm& vm, const PveFix& fix, bool named, const Snapshot& snapshot, Complaints& say) {
  if (vm.is_template) return;
  const PveStart start = judge_start(vm, snapshot.nodes), fixed = judge_start(fix.vm, snapshot.nodes);
  const auto refused = [&](const std::string& why, const std::vector<std::string>& still) {
    const bool by_hand = std::find(still.begin(), still.end(), why) != still.end();
    say.add("pve-no-start", Severity::error, "Proxmox VE refuses to start it: " + why,
            by_hand ? "Correct it in the web interface, under Hardware and Options of the VM" : say.fix());
  };
  for (const auto& why : start.other_refusals) refused(why, fixed.other_refusals);
  if (named) return;
  for (const auto& why : start.refusals) refused(why, fix.reason.empty() ? fixed.refusals : std::vector<std::string>{});
}

/// What `hugepages: any` comes to (PVE::QemuServer::Memory, hugepages_size).
void lint_any(const PveVm& vm, Kib page_size, const Snapshot& snapshot, Complaints& say) {
  for (const auto& [pool, pages] : judge_start(vm, snapshot.nodes).pages) {
    if (pool.page_size == page_size) continue;
    return say.add("pve-page-size", Severity::error,
                   fmt::format("hugepages: any takes {} pages of {} for it, and hostsplit.toml reserves pages of {}",
                               pages, format_size(pool.page_size), format_size(page_size)),
                   say.fix());
  }
}

void lint_pages(const PveVm& vm, Kib page_size, const Snapshot& snapshot, Complaints& say) {
  const bool small = page_size == 2 * kib_per_mib;
  if (vm.hugepages == PvePages::none)
    say.add("pve-no-hugepages", Severity::error, "does not use huge pages, so what is reserved for it lies idle",
            say.fix());
  else if (vm.hugepages == PvePages::any)
    lint_any(vm, page_size, snapshot, say);
  else if ((vm.hugepages == PvePages::small) != small)
    say.add("pve-page-size", Severity::error,
            fmt::format("uses huge pages of {} MiB, and hostsplit.toml reserves pages of {}", to_string(vm.hugepages),
                        format_size(page_size)),
            say.fix());
  if (vm.balloon.value_or(1) != 0)
    say.add("pve-balloon", Severity::warning, "the balloon device is on; it cannot shrink huge pages and only costs",
            say.fix());
  if (plugs_memory(vm) && !vm.numa_nodes.empty())
    say.add("pve-hotplug-numa", Severity::error,
            "memory hotplug is on, and Proxmox VE refuses to start a VM with it and numa lines", say.fix());
  else if (plugs_memory(vm))
    say.add("pve-hotplug-memory", Severity::warning,
            "memory hotplug trims the pool of huge pages, whatever keephugepages says", say.fix());
}

void lint_affinity(const PveVm& vm, const CpuSet& wanted, const Snapshot& snapshot, Complaints& say) {
  if (wanted.empty() || has_affinity(vm, wanted, snapshot.nodes)) return;
  say.add("pve-affinity", Severity::warning,
          vm.affinity
              ? fmt::format("runs on CPUs {}, and hostsplit.toml says {}", to_string(*vm.affinity), to_string(wanted))
              : "may run on every CPU of the host",
          say.fix());
}

/// Without balancing a thread stays on the CPU where it began (kernel-parameters, isolcpus=domain).
void lint_isolated(const PveVm& vm, const CpuSet& wanted, const Snapshot& snapshot, Complaints& say) {
  const CpuSet both = common(vm.affinity.value_or(wanted), snapshot.isolated_cpus);
  if (both.size() < 2) return;
  say.add("pve-isolated-cpus", Severity::info,
          fmt::format("is on CPUs {}, which isolcpus takes from the scheduler: its threads stay where they begin, and "
                      "all may be on one",
                      to_string(both)),
          "Take isolcpus out of the kernel command line, or give each thread a CPU of its own (taskset -pc)");
}

/// One note for all that waits: what is judged is the VM as it will start.
void lint_pending(const PveVm& vm, Complaints& say) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : vm.pending) keys.push_back(key);
  for (const auto& key : vm.pending_deletes) keys.push_back(key + " (removed)");
  if (!keys.empty())
    say.add(
        "pve-pending", Severity::info,
        fmt::format("changes wait for its next start and are judged as if it had started: {}", fmt::join(keys, ", ")),
        "");
}

/// The number of pages that a start leaves in a pool, where that is another one than is reserved.
struct Trim {
  Kib page_size = 0;
  std::uint64_t read = 0, reserved = 0;
};

std::vector<Trim> trims_of(const PveVm& vm, const std::map<Kib, std::uint64_t>& reserved, const Snapshot& snapshot) {
  const auto sizes = sizes_trimmed(vm, snapshot.nodes);
  std::vector<Trim> trims;
  for (const auto& [page_size, pages] : reserved) {
    const auto read = pages_pve_reads(snapshot.command_line, page_size);
    if (read != pages && sizes.count(page_size)) trims.push_back({page_size, read, pages});
  }
  return trims;
}

std::string trim_text(const Trim& trim) {
  return fmt::format(
      "after its start Proxmox VE sets the pool of {} pages to {}, the number it reads from the kernel "
      "command line; {} are reserved",
      format_size(trim.page_size), trim.read, trim.reserved);
}

void lint_guest(const PveVm& vm, const VmWish& wish, const std::map<Kib, std::uint64_t>& reserved,
                const Snapshot& snapshot, std::vector<Finding>& findings) {
  const auto trims = trims_of(vm, reserved, snapshot);
  const CpuSet cpus = wanted_cpus(wish, snapshot.nodes);
  PveFix fix = fix_for(vm, wish, cpus, !trims.empty(), snapshot.nodes);
  // With another page size or amount it may trim a pool that it left alone.
  if (!fix.line.empty() && trims.empty() && !trims_of(fix.vm, reserved, snapshot).empty())
    fix = fix_for(vm, wish, cpus, true, snapshot.nodes);
  Complaints say(vm, fix, findings);
  const auto memory = memory_by_node(wish);
  const auto before = static_cast<std::ptrdiff_t>(findings.size());
  if (!memory.empty()) {
    Kib sum = 0;
    for (const auto& [node, size] : memory) sum += size;
    lint_pages(vm, wish.page_size, snapshot, say);
    lint_numa(vm, memory, say);
    lint_memory(vm, sum, wish.page_size, say);
    lint_start(vm, snapshot, say);
  }
  const bool named = std::any_of(findings.begin() + before, findings.end(),
                                 [](const Finding& finding) { return finding.severity == Severity::error; });
  lint_refusals(vm, fix, named, snapshot, say);
  lint_affinity(vm, cpus, snapshot, say);
  lint_isolated(vm, cpus, snapshot, say);
  for (const auto& trim : trims) say.add("pve-trims-pool", Severity::error, trim_text(trim), say.fix());
  lint_pending(vm, say);
  if (!vm.lock.empty())
    say.add("pve-locked", Severity::warning, fmt::format("is locked ({}), so it will not start", vm.lock), "");
}

/// VMs that are not in the configuration, where their start harms what is.
void lint_stranger(const PveVm& vm, const std::map<Kib, std::uint64_t>& reserved, const Snapshot& snapshot,
                   std::vector<Finding>& findings) {
  for (const auto& trim : trims_of(vm, reserved, snapshot))
    findings.push_back({"pve-trims-pool", Severity::error, vm_subject(vm), trim_text(trim),
                        fmt::format("qm set {} --keephugepages 1", vm.id)});
  PveVm trimming = vm;
  trimming.keep_hugepages = false;
  // With numa lines it does not start.
  if (!plugs_memory(vm) || !vm.numa_nodes.empty() || trims_of(trimming, reserved, snapshot).empty()) return;
  findings.push_back({"pve-hotplug-memory", Severity::warning, vm_subject(vm),
                      "memory hotplug trims the pool of huge pages, whatever keephugepages says",
                      fmt::format("Take memory out of its hotplug: qm set {} --hotplug network,disk,usb", vm.id)});
}

/// The start of all guests passes over those that high availability looks after, and so does their order: it starts
/// several at once, and again those whose start failed (`max_restart`).
void lint_start_order(const PveConfigs& pve, const Config& config, std::vector<Finding>& findings) {
  std::set<int> together;
  for (const auto& [id, now] : pve.vms) {
    const PveVm& vm = *pve.next_start(id);
    const bool ordered = vm.on_boot && !pve.managed.count(id);
    if (config.vms.count(id) && ordered && vm.hugepages != PvePages::none) together.insert(id);
  }
  for (const auto& order : start_orders(pve, together)) {
    std::string message =
        fmt::format("VM {} starts right after it and waits at most 60 s for its pages to be filled", order.vm);
    std::string remedy = fmt::format("qm set {} --startup {}", order.set, order.value);
    if (order.set == 0) {
      message += fmt::format("; an order of its own would change its place beside guest {}", order.passed);
      remedy = fmt::format(
          "In Proxmox VE, give guest {} an order (Options, Start/Shutdown order) that leaves numbers free for VM {} "
          "and VM {} where they are to start",
          order.passed, order.after, order.vm);
    }
    findings.push_back({"pve-start-order", Severity::warning, vm_subject(*pve.next_start(order.after)),
                        std::move(message), std::move(remedy)});
  }
}

/// How many there are to be on all nodes together; a pool nobody here reserves has what it has now.
std::map<Kib, std::uint64_t> pages_by_size(const std::vector<Reservation>& reserved, const Snapshot& snapshot) {
  std::map<Kib, std::uint64_t> pages;
  std::set<PoolKey> seen;
  for (const auto& item : reserved) {
    pages[item.page_size] += item.pages;
    seen.insert({item.node, item.page_size});
  }
  for (const auto& [id, node] : snapshot.nodes)
    for (const auto& pool : node.pools)
      if (const auto of_size = pages.find(pool.page_size); of_size != pages.end() && !seen.count({id, pool.page_size}))
        of_size->second += persistent(pool);
  return pages;
}

}  // namespace

bool trims_pool(const PveVm& vm) {
  return vm.hugepages != PvePages::none && !vm.keep_hugepages;
}

std::set<Kib> sizes_trimmed(const PveVm& vm, const std::map<int, NumaNode>& nodes) {
  std::set<Kib> sizes;
  if (!trims_pool(vm) || vm.is_template) return sizes;
  for (const auto& [pool, pages] : judge_start(vm, nodes).pages) sizes.insert(pool.page_size);
  return sizes;
}

std::vector<Finding> lint_pve(const PveConfigs& pve, const Config& config, const Snapshot& snapshot,
                              const std::vector<Reservation>& reserved) {
  std::vector<Finding> findings = pve.findings;
  if (pve.silent) return findings;
  if (!pve.known) {
    findings.push_back({"pve-unknown", Severity::info, "/etc/pve",
                        "is not there or empty, so nothing is known about guests of Proxmox VE",
                        "On a Proxmox VE host: systemctl status pve-cluster"});
    return findings;
  }
  const auto pages = pages_by_size(reserved, snapshot);
  for (const auto& [id, wish] : config.vms) {
    if (const PveVm* vm = pve.next_start(id))
      lint_guest(*vm, wish, pages, snapshot, findings);
    else
      findings.push_back(
          {"pve-vm-unknown", Severity::warning, fmt::format("VM {}", id),
           "Proxmox VE has no VM of that number on this node",
           pve.vms.empty() ? "Create it, or correct the number in hostsplit.toml" : "Known: see qm list"});
  }
  for (const auto& [id, vm] : pve.vms)
    if (!config.vms.count(id)) lint_stranger(*pve.next_start(id), pages, snapshot, findings);
  lint_start_order(pve, config, findings);
  return findings;
}

}  // namespace hostsplit
