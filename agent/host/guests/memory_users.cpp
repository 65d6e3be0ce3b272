#include "host/guests/memory_users.hpp"

#include <algorithm>
#include <set>

#include "core/base/number.hpp"
#include "core/base/printable.hpp"
#include "core/boot/huge_page_parameters.hpp"
#include "core/memory/args_memory.hpp"
#include "core/memory/pve_start.hpp"
#include "formats/proc/numa_maps.hpp"
#include "formats/proc/process_files.hpp"
#include "host/guests/guest_pages.hpp"
#include "host/guests/guests.hpp"
#include "host/system/process_path.hpp"

namespace hostsplit {
namespace {

PageCounts counts_of(const GuestPages& pages) {
  PageCounts counts;
  for (const auto& [page_size, by_node] : pages.huge)
    for (const auto& [node, count] : by_node) counts[{node, page_size}] += count;
  return counts;
}

/// What its command line says, where its pages cannot be read.
PageCounts claimed(const GuestCommand& command) {
  PageCounts counts;
  for (const auto& backend : command.backends) {
    const Kib page_size = backend.page_size != 0 ? backend.page_size : kib_per_gib;
    if (backend.huge && backend.host_nodes.size() == 1)
      counts[{backend.host_nodes.front(), page_size}] += backend.size / page_size;
  }
  return counts;
}

/// What the kernel counts for a process, whatever the path was called by which it got them.
PageCounts mapped(const Root& root, int pid) {
  const auto status = root.read(process_path(pid, "status"), 8192);
  if (!status || status_size(*status, "HugetlbPages") == 0) return {};
  GuestPages pages;
  if (const auto maps = root.read(process_path(pid, "numa_maps"), largest_process_file)) pages = parse_numa_maps(*maps);
  return counts_of(pages);
}

void read_running(const Root& root, int vm, PageUser& user, std::set<int>& pids) {
  const GuestProcess process = guest_process(root, vm);
  if (!process.pid) return;
  pids.insert(*process.pid);
  user.pid = *process.pid;
  const auto& backends = process.command.backends;
  if (std::none_of(backends.begin(), backends.end(), [](const auto& backend) { return backend.huge; })) {
    user.holds = mapped(root, *process.pid);  // `args: -mem-path`, or a hugetlbfs of the owner
    return;
  }
  RunningGuest guest;
  guest.vm = vm;
  guest.pid = process.pid;
  guest.command = process.command;
  read_guest_pages(root, guest, false);
  user.holds = guest.pages ? counts_of(*guest.pages) : claimed(guest.command);
}

void read_vms(const Root& root, const PveConfigs& pve, MemoryUsers& users, std::set<int>& pids,
              const std::map<int, NumaNode>& nodes, Kib usual_page) {
  std::set<int> vms;
  for (const auto& [id, vm] : pve.vms) vms.insert(id);
  for (const int vm : guests_with_pid_file(root)) vms.insert(vm);
  for (const int id : vms) {
    PageUser user;
    user.vm = id;
    read_running(root, id, user, pids);
    const PveVm* vm = pve.next_start(id);
    if (vm && !vm->is_template) {
      user.name = vm->name;
      user.on_boot = pve.starts_with_host(id, vm->on_boot);
      const PveStart start = judge_start(*vm, nodes);
      user.needs = vm->hugepages == PvePages::none ? pages_by_args(*vm, nodes, usual_page) : start.pages;
      // Whatever refuses the start stops it before it takes a page.
      user.on_boot = user.on_boot && start.refusals.empty();
      if (vm->hugepages == PvePages::none && user.needs.empty())
        users.ordinary.push_back({id, vm->name, false, memory_of(*vm), user.on_boot});
    }
    if (!user.holds.empty() || !user.needs.empty()) users.pages.push_back(std::move(user));
  }
}

/// Programs that map huge pages themselves: DPDK, miners, databases.
void read_processes(const Root& root, MemoryUsers& users, const std::set<int>& guests) {
  for (const auto& name : root.list("proc")) {
    const auto pid = parse_number<int>(name);
    if (!pid || guests.count(*pid)) continue;
    const auto status = root.read(process_path(*pid, "status"), 8192);
    if (!status || status_size(*status, "HugetlbPages") == 0) continue;
    PageUser user;
    user.name = printable(status_value(*status, "Name"));
    user.pid = *pid;
    user.holds = mapped(root, *pid);
    if (!user.holds.empty()) users.pages.push_back(std::move(user));
  }
}

}  // namespace

void read_memory_users(const Root& root, const PveConfigs& pve, Snapshot& snapshot) {
  MemoryUsers users;
  std::set<int> guests;
  users.known = true;
  users.proxmox_ve = pve.known;
  const Kib usual_page = read_huge_pages(snapshot.command_line, kernel_rules(snapshot)).default_size;
  read_vms(root, pve, users, guests, snapshot.nodes, usual_page);
  read_processes(root, users, guests);
  for (const auto& [id, container] : pve.containers)
    if (!container.is_template)
      users.ordinary.push_back(
          {id, container.name, true, container.memory, pve.starts_with_host(id, container.on_boot)});
  snapshot.memory_users = std::move(users);
}

}  // namespace hostsplit
