#include "core/checks/verify.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/names.hpp"
#include "core/memory/pools.hpp"
#include "core/memory/pve_start.hpp"
#include "core/state/wanted_cpus.hpp"

namespace hostsplit {
namespace {

using Kind = Verdict::Kind;

std::string mib(Kib size) {
  return fmt::format("{} MiB", size / kib_per_mib);
}

std::string node_text(int node) {
  return fmt::format("node {}", node);
}

bool subset(const CpuSet& part, const CpuSet& whole) {
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

/// Memory of the guest in huge pages, by node.
std::map<int, Kib> huge_memory(const GuestPages& pages) {
  std::map<int, Kib> memory;
  for (const auto& [page_size, by_node] : pages.huge)
    for (const auto& [node, count] : by_node) memory[node] += count * page_size;
  return memory;
}

Kib total(const std::map<int, Kib>& memory) {
  Kib sum = 0;
  for (const auto& [node, size] : memory) sum += size;
  return sum;
}

std::string numa_remedy(const GuestWish& wish) {
  if (!wish.remedy.empty()) return wish.remedy;
  return wish.in_pve ? "Its configuration in Proxmox VE says so: shut the VM down and start it"
                     : "Its configuration in Proxmox VE could not be read: see its hugepages and numa lines there";
}

/// What makes Proxmox VE give it a function at its next start.
std::string function_remedy(const GuestWish& wish, const PciAddress& address) {
  const std::string restart = fmt::format("shut VM {} down and start it", wish.vm);
  std::set<int> used;
  for (const auto& line : wish.host_pci) {
    used.insert(line.index);
    for (const auto& each : line.addresses)
      if (means(each, address)) return fmt::format("hostpci{} already names it: {}", line.index, restart);
  }
  constexpr int most = 16;
  for (int index = 0; index < most; ++index)
    if (wish.in_pve && !used.contains(index))
      return fmt::format("qm set {} --hostpci{} {}, then {}", wish.vm, index, to_string(address), restart);
  return fmt::format("Give it to the VM in Proxmox VE (Hardware, Add, PCI Device), then {}", restart);
}

/// Decides from the command line, before any walk: memory that is not from hugetlbfs.
std::optional<Verdict> judge_backing(const RunningGuest& guest, const GuestWish& wish) {
  const Kib ordinary = ordinary_memory(guest.command);
  if (ordinary == 0) return {};
  // Where its pages were looked at, they decide, and not what a path is called.
  if (guest.pages && total(huge_memory(*guest.pages)) >= memory_of(guest.command)) return {};
  return Verdict{Kind::wrong,
                 "page-size",
                 "guest memory",
                 fmt::format("{} of it are not on huge pages, says the command line", mib(ordinary)),
                 wish.page_size ? "pages of " + format_size(wish.page_size) : "huge pages",
                 numa_remedy(wish)};
}

void judge_page_sizes(const GuestPages& pages, const GuestWish& wish, std::vector<Verdict>& verdicts) {
  for (const auto& [page_size, by_node] : pages.huge) {
    Kib size = 0;
    for (const auto& [node, count] : by_node) size += count * page_size;
    const bool right = wish.page_size == 0 || page_size == wish.page_size;
    verdicts.push_back({right ? Kind::right : Kind::wrong, "page-size", "guest memory",
                        fmt::format("{} in pages of {}", mib(size), format_size(page_size)),
                        wish.page_size ? "pages of " + format_size(wish.page_size) : "huge pages",
                        right ? "" : numa_remedy(wish)});
  }
}

/// Huge pages that may be there beside those it was started with.
struct Extras {
  Kib shared = 0;   ///< of ivshmem and the like
  Kib plugged = 0;  ///< memory that was added while it runs

  Extras(const RunningGuest& guest, Kib found) : shared(guest.command.beside_on_huge) {
    const Kib known = memory_of(guest.command) + shared;
    if (guest.command.memory != 0 && found > known) plugged = found - known;
  }
  /// Memory that was added has to be where the rest is.
  bool explain(Kib has, Kib wants) const { return has > wants && has - wants <= shared + (wants != 0 ? plugged : 0); }
};

void judge_nodes(const RunningGuest& guest, const GuestWish& wish, std::vector<Verdict>& verdicts) {
  const auto found = huge_memory(*guest.pages);
  const Extras extras(guest, total(found));
  std::set<int> nodes;
  for (const auto& [node, size] : wish.memory) nodes.insert(node);
  for (const auto& [node, size] : found) nodes.insert(node);
  for (const int node : nodes) {
    const Kib has = found.count(node) ? found.at(node) : 0, wants = wish.memory.count(node) ? wish.memory.at(node) : 0;
    if (extras.explain(has, wants))
      verdicts.push_back({Kind::note, "memory", node_text(node),
                          fmt::format("{} in huge pages, {} of them plugged in or shared beside its memory", mib(has),
                                      mib(has - wants)),
                          mib(wants), ""});
    else
      verdicts.push_back({has == wants ? Kind::right : Kind::wrong, "memory", node_text(node),
                          mib(has) + " in huge pages", mib(wants), has == wants ? "" : numa_remedy(wish)});
  }
}

void judge_overhead(const RunningGuest& guest, const GuestWish& wish, std::vector<Verdict>& verdicts) {
  const Kib found = guest.pages->ordinary, most = overhead_allowed(total(wish.memory)) + guest.command.beside;
  Verdict verdict{
      found <= most ? Kind::right : Kind::wrong, "overhead", "ordinary pages", mib(found), "at most " + mib(most), ""};
  const Kib huge = total(huge_memory(*guest.pages)), shared = guest.command.beside_on_huge;
  if (verdict.kind == Kind::wrong && huge >= std::max(total(wish.memory), memory_of(guest.command)) + shared) {
    verdict.kind = Kind::note;
    verdict.found += ", and all memory of the guest is in huge pages";
    verdict.remedy =
        "QEMU itself uses it, for instance for disks on the network or a display: keep_free has to cover it";
  } else if (verdict.kind == Kind::wrong) {
    verdict.remedy = "Memory of the guest itself is in ordinary pages: see hugepages in qm config";
  }
  verdicts.push_back(std::move(verdict));
}

void judge_memory(const RunningGuest& guest, const GuestWish& wish, std::vector<Verdict>& verdicts) {
  if (wish.memory.empty()) {
    if (guest.pages)
      for (const auto& [node, size] : huge_memory(*guest.pages))
        verdicts.push_back({Kind::note, "memory", node_text(node), mib(size) + " in huge pages", "", ""});
    return;
  }
  const auto backing = judge_backing(guest, wish);
  if (backing) verdicts.push_back(*backing);
  if (!guest.pages) {
    verdicts.push_back({Kind::unknown, "memory", "guest memory", guest.pages_unread, "", ""});
    return;
  }
  judge_nodes(guest, wish, verdicts);
  judge_page_sizes(*guest.pages, wish, verdicts);
  judge_overhead(guest, wish, verdicts);
}

/// Workers of io_uring: the kernel puts them where it likes and lets nobody move them (io_uring/io-wq.c,
/// PF_NO_SETAFFINITY).
bool placed_by_kernel(const GuestThread& thread) {
  return thread.name.starts_with("iou-wrk-") || thread.name.starts_with("iou-sqp-");
}

/// All threads: `taskset -a` stops at the first one that the kernel lets nobody move.
std::string cpus_remedy(const RunningGuest& guest, const GuestWish& wish, const CpuSet& cpus) {
  const CpuSet next = wish.next_affinity.value_or(CpuSet());
  const bool waits = !next.empty() && subset(next, cpus);
  const std::string set = fmt::format("qm set {} --affinity {}, then ", guest.vm, to_string(cpus));
  return fmt::format(
      "{}shut the VM down and start it; at once, all threads: for t in /proc/{}/task/*; do taskset -pc {} ${{t##*/}}; "
      "done",
      waits ? "Its affinity is already right: " : set, guest.pid.value_or(0), to_string(cpus));
}

/// Threads that may run on several isolated CPUs: the kernel leaves each where it began, and all may be on one.
std::optional<Verdict> judge_isolated(const RunningGuest& guest, const CpuSet& isolated) {
  int count = 0;
  CpuSet on;
  for (const auto& thread : guest.threads) {
    CpuSet both = common(thread.allowed, isolated);
    if (both.size() < 2 || placed_by_kernel(thread)) continue;
    ++count;
    on.merge(both);
  }
  if (count == 0) return {};
  return Verdict{Kind::note,
                 "cpus",
                 fmt::format("{} thread{}", count, count == 1 ? "" : "s"),
                 fmt::format("may run on CPUs {}, which isolcpus takes from the scheduler: each stays where it began, "
                             "and all may be on one",
                             to_string(on)),
                 "a CPU for each",
                 "Take isolcpus out of the kernel command line, or give each thread a CPU of its own: taskset -pc"};
}

/// Threads elsewhere, reported by name; all that are right in one line.
void judge_cpus(const RunningGuest& guest, const GuestWish& wish, const GuestHost& host,
                std::vector<Verdict>& verdicts) {
  if (!wish.cpus || wish.cpus->empty()) return;
  const std::string wanted = "CPUs " + to_string(*wish.cpus);
  std::map<CpuSet, std::vector<const GuestThread*>> elsewhere;
  for (const auto& thread : guest.threads)
    if (!subset(thread.allowed, *wish.cpus) && !placed_by_kernel(thread)) elsewhere[thread.allowed].push_back(&thread);
  if (guest.threads.empty()) {
    verdicts.push_back({Kind::unknown, "cpus", "threads", "cannot be read", wanted, ""});
  } else if (const auto isolated = judge_isolated(guest, host.isolated)) {
    verdicts.push_back(*isolated);
  } else if (elsewhere.empty()) {
    CpuSet all;
    for (const auto& thread : guest.threads)
      if (!placed_by_kernel(thread)) all.insert(thread.allowed.begin(), thread.allowed.end());
    verdicts.push_back({Kind::right, "cpus", fmt::format("all {} threads", guest.threads.size()),
                        "may run on CPUs " + to_string(all), wanted, ""});
  }
  for (const auto& [allowed, threads] : elsewhere) {
    const auto& first = *threads.front();
    const std::string subject = threads.size() == 1
                                    ? fmt::format("thread {} ({})", first.tid, first.name)
                                    : fmt::format("{} threads, first {} ({})", threads.size(), first.tid, first.name);
    verdicts.push_back({Kind::wrong, "cpus", subject, "may run on CPUs " + to_string(allowed), wanted,
                        cpus_remedy(guest, wish, *wish.cpus)});
  }
}

/// Threads that may run where they are wanted, and whose memory is on another node all the same: the very thing that
/// pinning is to prevent, even where the affinity of Proxmox VE or the configuration says so.
void judge_distance(const RunningGuest& guest, const GuestWish& wish, const GuestHost& host,
                    std::vector<Verdict>& verdicts) {
  const auto memory = wish.memory.empty() && guest.pages ? huge_memory(*guest.pages) : wish.memory;
  const CpuSet local = cpus_of_nodes(host.nodes, memory);
  if (local.empty() || memory.empty() || !wish.cpus) return;
  CpuSet allowed;
  int away = 0;
  for (const auto& thread : guest.threads) {
    if (placed_by_kernel(thread) || !subset(thread.allowed, *wish.cpus) || subset(thread.allowed, local)) continue;
    ++away;
    allowed.insert(thread.allowed.begin(), thread.allowed.end());
  }
  if (away == 0) return;
  std::vector<int> nodes;
  for (const auto& [node, size] : memory) nodes.push_back(node);
  verdicts.push_back(
      {Kind::wrong, "cpus", fmt::format("{} thread{}, and the memory", away, away == 1 ? "" : "s"),
       fmt::format("may run on CPUs {}, and its memory is on node {}", to_string(allowed), fmt::join(nodes, " and ")),
       "CPUs " + to_string(local),
       // Else the next look would say the opposite.
       (wish.cpus_from.empty() ? ""
                               : fmt::format("In {}, write cpus = \"{}\" for VM {}, or leave cpus out; then: ",
                                             wish.cpus_from, to_string(local), guest.vm)) +
           cpus_remedy(guest, wish, local)});
}

Verdict judge_function(const PciAddress& address, const RunningGuest& guest, const GuestWish& wish,
                       const GuestHost& host, bool passed) {
  Verdict verdict{
      Kind::right, "function", to_string(address), "", fmt::format("{}, held by the VM", names::vfio_driver), ""};
  const auto it = host.functions.find(address);
  if (it == host.functions.end()) {
    verdict.kind = Kind::wrong;
    verdict.found = "there is no such function";
    verdict.remedy = "See the current state: hostsplit plan";
    return verdict;
  }
  const PciFunction& function = it->second;
  verdict.found = function.driver.empty() ? "no driver" : function.driver;
  if (function.group) verdict.found += fmt::format(", group {}", *function.group);
  const bool far = function.node && *function.node >= 0 && !wish.memory.empty() && !wish.memory.count(*function.node);
  if (far) verdict.found += fmt::format(", on node {} while the VM's memory is on another", *function.node);
  const bool held = function.group && std::count(guest.groups.begin(), guest.groups.end(), *function.group) != 0;
  if (!is_vfio_driver(function.driver)) {
    verdict.kind = Kind::wrong;
    verdict.remedy = "Run hostsplit apply; with the VM running, shut it down first";
  } else if (!guest.pid) {
    verdict.wanted = names::vfio_driver;
  } else if (passed && !held) {
    verdict.kind = Kind::wrong;
    verdict.found += ", but the VM does not hold it";
    verdict.remedy = fmt::format("Shut VM {} down and start it", guest.vm);
  } else if (!passed) {
    verdict.kind = Kind::note;
    verdict.found += ", but the VM was started without it";
    verdict.remedy = function_remedy(wish, address);
  } else if (far) {
    verdict.kind = Kind::note;
    verdict.remedy = fmt::format("Each transfer crosses the nodes: choose a port of a controller on node {} for it",
                                 wish.memory.begin()->first);
  }
  return verdict;
}

void judge_functions(const RunningGuest& guest, const GuestWish& wish, const GuestHost& host,
                     std::vector<Verdict>& verdicts) {
  std::map<PciAddress, bool> functions;  // true: on the command line
  for (const auto& claim : wish.functions) functions.emplace(claim.address, false);
  for (const auto& address : guest.command.functions) functions[address] = true;
  for (const auto& [address, passed] : functions)
    verdicts.push_back(judge_function(address, guest, wish, host, passed));
}

/// All of them, not only the first.
std::string interrupts_remedy(const std::vector<int>& numbers, const CpuSet& cpus) {
  if (numbers.size() == 1)
    return fmt::format("echo {} > /proc/irq/{}/smp_affinity_list", to_string(cpus), numbers.front());
  return fmt::format("for i in {}; do echo {} > /proc/irq/$i/smp_affinity_list; done", fmt::join(numbers, " "),
                     to_string(cpus));
}

void judge_interrupts(const RunningGuest& guest, const GuestWish& wish, const GuestHost& host,
                      std::vector<Verdict>& verdicts) {
  const CpuSet local = cpus_of_nodes(host.nodes, wish.memory);
  if (local.empty()) return;
  std::map<PciAddress, std::vector<const GuestInterrupt*>> by_function;
  for (const auto& interrupt : guest.interrupts) by_function[interrupt.function].push_back(&interrupt);
  for (const auto& [address, interrupts] : by_function) {
    CpuSet remote;
    std::vector<int> numbers;
    for (const auto* interrupt : interrupts)
      if (!subset(interrupt->cpus, local)) {
        remote.insert(interrupt->cpus.begin(), interrupt->cpus.end());
        numbers.push_back(interrupt->number);
      }
    const std::string count = fmt::format("{} interrupt{}", interrupts.size(), interrupts.size() == 1 ? "" : "s");
    const std::string wanted = "CPUs " + to_string(local);
    // The kernel may move them at any time, so this is no proof against the placement of the guest.
    verdicts.push_back(
        !numbers.empty()
            ? Verdict{Kind::note, "interrupts", to_string(address), count + ", some on CPUs " + to_string(remote),
                      wanted, interrupts_remedy(numbers, local)}
            : Verdict{Kind::right, "interrupts", to_string(address), count + " on the VM's node", wanted, ""});
  }
}

}  // namespace

const char* to_string(Verdict::Kind kind) {
  switch (kind) {
    case Kind::right: return "right";
    case Kind::note: return "note";
    case Kind::unknown: return "unknown";
    case Kind::wrong: return "wrong";
  }
  return "unknown";
}

Kib overhead_allowed(Kib memory) {
  return 256 * kib_per_mib + memory / 64;
}

namespace {

void wish_from_pve(const PveVm& pve, GuestWish& wish) {
  if (wish.name.empty()) wish.name = pve.name;
  if (!wish.memory.empty() || pve.hugepages == PvePages::none) return;
  for (const auto& node : pve.numa_nodes)
    if (node.host_nodes.size() == 1 && node.memory && node.policy == "bind")
      wish.memory[node.host_nodes[0]] += *node.memory;
  if (wish.memory.empty()) return;
  wish.page_size = pve.hugepages == PvePages::big     ? kib_per_gib
                   : pve.hugepages == PvePages::small ? 2 * kib_per_mib
                                                      : 0;
  wish.source = fmt::format("{}.conf", pve.id);
}

std::string remedy_for(const PveFix& fix) {
  if (!fix.reason.empty()) return "Proxmox VE cannot put it there: " + fix.reason;
  if (fix.line.empty()) return "Its configuration is already right: shut the VM down and start it";
  return fix.line + ", then shut the VM down and start it";
}

}  // namespace

GuestWish wish_for(int vm, const std::optional<Config>& config, const std::optional<BootPlan>& applied,
                   const PveVm* pve, const PveVm* next, const std::map<int, NumaNode>& nodes) {
  GuestWish wish;
  wish.vm = vm;
  if (config)
    if (const auto found = config->vms.find(vm); found != config->vms.end()) {
      wish.name = found->second.name;
      wish.memory = memory_by_node(found->second);
      wish.page_size = found->second.page_size;
      wish.cpus = wanted_cpus(found->second, nodes);
      if (found->second.cpus) wish.cpus_from = config->file;
      wish.source = config->file;
    }
  if (config && config->vms.count(vm) && next)
    wish.remedy = remedy_for(fix_for(*next, config->vms.at(vm), wish.cpus.value_or(CpuSet()), false, nodes));
  if (next) wish.in_pve = true, wish.host_pci = next->host_pci, wish.next_affinity = next->affinity;
  if (pve) wish_from_pve(*pve, wish);
  // What Proxmox VE was told counts only where the configuration says nothing.
  if (wish.cpus && wish.cpus->empty()) wish.cpus.reset();
  if (!wish.cpus && pve) wish.cpus = pve->affinity;
  if (!wish.cpus && !wish.memory.empty()) wish.cpus = cpus_of_nodes(nodes, wish.memory);
  if (applied)
    for (const auto& claim : applied->claims)
      if (claim.vm == vm) wish.functions.push_back(claim);
  return wish;
}

std::vector<Verdict> judge_guest(const RunningGuest& observed, const GuestWish& wish, const GuestHost& host) {
  RunningGuest guest = observed;
  for (auto& thread : guest.threads) thread.allowed = without_offline(thread.allowed, host.nodes);
  for (auto& interrupt : guest.interrupts) interrupt.cpus = without_offline(interrupt.cpus, host.nodes);
  std::vector<Verdict> verdicts;
  if (guest.pid) {
    verdicts.push_back(
        {Kind::right, "process", fmt::format("VM {}", guest.vm), fmt::format("process {}", *guest.pid), "", ""});
    judge_memory(guest, wish, verdicts);
    judge_cpus(guest, wish, host, verdicts);
    judge_distance(guest, wish, host, verdicts);
  } else if (guest.distrust.empty()) {
    verdicts.push_back({Kind::note, "process", fmt::format("VM {}", guest.vm), "not running", "", ""});
  } else {
    verdicts.push_back({Kind::wrong, "process", fmt::format("VM {}", guest.vm), guest.distrust,
                        "the process that the pid file names", "Look with qm status; stop and start the VM"});
  }
  judge_functions(guest, wish, host, verdicts);
  if (guest.pid) judge_interrupts(guest, wish, host, verdicts);
  return verdicts;
}

}  // namespace hostsplit
