#include "host/guests/memory_users.hpp"

#include <algorithm>
#include <set>

#include "core/base/number.hpp"
#include "core/base/printable.hpp"
#include "core/base/text.hpp"
#include "core/boot/huge_page_parameters.hpp"
#include "core/boot/kernel_parameters.hpp"
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

Kib in_huge_pages(const PageCounts& counts) {
  Kib size = 0;
  for (const auto& [key, pages] : counts) size += pages * key.page_size;
  return size;
}

/// Processes that were looked at.
struct SeenProcesses {
  std::set<int> guests;   ///< of VMs
  bool all_known = true;  ///< it is known of each where all of its pages are
  bool ending = false;    ///< one gives its memory back just now
};

/// What the kernel counts for a process, whatever the path was called by which it got them.
PageCounts mapped(const Root& root, int pid, SeenProcesses& seen) {
  const auto status = root.read(process_path(pid, "status"), 8192);
  const auto size = status ? status_size(*status, "HugetlbPages") : 0;
  if (size == 0) return {};
  GuestPages pages;
  if (const auto maps = root.read(process_path(pid, "numa_maps"), largest_process_file)) pages = parse_numa_maps(*maps);
  auto counts = counts_of(pages);
  if (in_huge_pages(counts) < size) seen.all_known = false;
  return counts;
}

/// Guest memory is anonymous or shared, what QEMU has of files is its own; pages of a hugetlbfs are counted apart
/// (proc(5), /proc/PID/status). At most what it was started with outside of them: QEMU itself comes back with the VM.
Kib resident_memory(const Root& root, const GuestProcess& process) {
  const Kib most = ordinary_memory(process.command);
  const std::string status = root.read(process_path(*process.pid, "status"), 8192).value_or("");
  if (!status_value(status, "RssAnon").empty())
    return std::min(most, status_size(status, "RssAnon") + status_size(status, "RssShmem"));
  // Kernels before 4.5 have the sum alone.
  return status_value(status, "VmRSS").empty() ? most : std::min(most, status_size(status, "VmRSS"));
}

void read_running(const Root& root, int vm, PageUser& user, MemoryUsers& users, SeenProcesses& seen) {
  const GuestProcess process = guest_process(root, vm);
  if (!process.pid) return;
  seen.guests.insert(*process.pid);
  user.pid = *process.pid;
  users.resident[vm] = resident_memory(root, process);
  const auto& backends = process.command.backends;
  if (std::none_of(backends.begin(), backends.end(), [](const auto& backend) { return backend.huge; })) {
    user.holds = mapped(root, *process.pid, seen);  // `args: -mem-path`, or a hugetlbfs of the owner
    return;
  }
  RunningGuest guest;
  guest.vm = vm;
  guest.pid = process.pid;
  guest.command = process.command;
  read_guest_pages(root, guest, false);
  user.holds = guest.pages ? counts_of(*guest.pages) : claimed(guest.command);
  if (!guest.pages) seen.all_known = false;
}

void read_vms(const Root& root, const PveConfigs& pve, MemoryUsers& users, SeenProcesses& seen,
              const std::map<int, NumaNode>& nodes, Kib usual_page) {
  std::set<int> vms;
  for (const auto& [id, vm] : pve.vms) vms.insert(id);
  for (const int vm : guests_with_pid_file(root)) vms.insert(vm);
  for (const int id : vms) {
    PageUser user;
    user.vm = id;
    read_running(root, id, user, users, seen);
    const PveVm* vm = pve.next_start(id);
    if (vm && !vm->is_template) {
      user.name = vm->name;
      user.on_boot = pve.starts_with_host(id, vm->on_boot);
      const PveStart start = judge_start(*vm, nodes);
      user.needs = vm->hugepages == PvePages::none ? pages_by_args(*vm, nodes, usual_page) : start.pages;
      // Whatever refuses the start stops it before it takes a page.
      user.refused = !start.refusals.empty();
      user.on_boot = user.on_boot && !user.refused;
      if (vm->hugepages == PvePages::none && user.needs.empty())
        users.ordinary.push_back(
            {id, vm->name, false, memory_of(*vm), user.on_boot, vm->numa ? bound_memory(*vm) : std::map<int, Kib>()});
    }
    if (!user.holds.empty() || !user.needs.empty()) users.pages.push_back(std::move(user));
  }
}

/// A process that gives its memory back has none any more while its pages are still in use (kernel/exit.c, exit_mm();
/// vfio holds them until its files are closed). Threads of the kernel, which are below process 2, never had any.
bool is_ending(int pid, std::string_view status) {
  const auto state = status_value(status, "State");
  const bool of_kernel = pid == 2 || status_value(status, "PPid") == "2";
  return !state.empty() && state.front() != 'Z' && !of_kernel && status_value(status, "VmSize").empty();
}

/// Programs that map huge pages themselves: DPDK, miners, databases.
void read_processes(const Root& root, MemoryUsers& users, SeenProcesses& seen) {
  for (const auto& name : root.list("proc")) {
    const auto pid = parse_number<int>(name);
    if (!pid || seen.guests.count(*pid)) continue;
    const auto status = root.read(process_path(*pid, "status"), 8192);
    if (!status) continue;
    seen.ending = seen.ending || is_ending(*pid, *status);
    if (status_size(*status, "HugetlbPages") == 0) continue;
    PageUser user;
    user.name = printable(status_value(*status, "Name"));
    user.pid = *pid;
    user.holds = mapped(root, *pid, seen);
    if (!user.holds.empty()) users.pages.push_back(std::move(user));
  }
}

/// Where a hugetlbfs is mounted, as paths below the root; systemd has one at /dev/hugepages (proc(5), mountinfo).
std::set<std::string> hugetlbfs_mounts(const Root& root) {
  std::set<std::string> mounts{"dev/hugepages"};
  const auto table = root.read("proc/1/mountinfo", largest_process_file).value_or("");
  for (std::string_view rest = table; !rest.empty();) {
    const auto fields = words_of(cut(rest, '\n'));
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() > 5 && fields.end() - dash > 1 && dash[1] == "hugetlbfs" && fields[4].size() > 1)
      mounts.emplace(fields[4].substr(1));
  }
  return mounts;
}

/// Pages that were in use before the processes were looked at and still are: a process that ended meanwhile has none.
std::uint64_t still_used(const Root& root, const PoolKey& key, const PagePool& pool) {
  const auto text = root.read(pool_directory(key) + "/free_hugepages", 64);
  std::string_view now = text ? *text : std::string_view();
  const auto free = std::max(pool.free, parse_number<std::uint64_t>(cut(now, '\n')).value_or(0));
  return pool.total - std::min(free, pool.total);
}

/// What is in use and in no process. Files keep their pages when the program that wrote them has ended, until they are
/// removed, and so does shared memory (shmget(2), SHM_HUGETLB). Where there are files it is theirs, otherwise
/// PageUser::unknown(), unless a process is ending. The service does not look (MemoryUsers::known): it would keep pages
/// of such a process.
void read_rest(const Root& root, MemoryUsers& users, const SeenProcesses& seen, const std::map<int, NumaNode>& nodes) {
  PageUser rest;
  for (const auto& mount : hugetlbfs_mounts(root))
    if (!root.list(mount).empty()) rest.name += (rest.name.empty() ? "files in /" : ", /") + mount;
  if (rest.name.empty() && seen.ending) return;
  PageCounts known;
  for (const auto& user : users.pages)
    for (const auto& [key, pages] : user.holds) known[key] += pages;
  for (const auto& [id, node] : nodes)
    for (const auto& pool : node.pools) {
      const PoolKey key{id, pool.page_size};
      const auto used = still_used(root, key, pool);
      if (used > known[key]) rest.holds[key] = used - known[key];
    }
  rest.name = printable(rest.name);
  if (!rest.holds.empty()) users.pages.push_back(std::move(rest));
}

}  // namespace

void read_memory_users(const Root& root, const PveConfigs& pve, Snapshot& snapshot) {
  MemoryUsers users;
  SeenProcesses seen;
  users.known = true;
  users.proxmox_ve = pve.known;
  const Kib usual_page = read_huge_pages(snapshot.command_line, kernel_rules(snapshot)).default_size;
  read_vms(root, pve, users, seen, snapshot.nodes, usual_page);
  read_processes(root, users, seen);
  // Without rights neither /etc/pve nor the processes of VMs are seen: nobody knows whose pages are in use.
  if (pve.known && seen.all_known) read_rest(root, users, seen, snapshot.nodes);
  for (const auto& [id, container] : pve.containers)
    if (!container.is_template)
      users.ordinary.push_back(
          {id, container.name, true, container.memory, pve.starts_with_host(id, container.on_boot), {}});
  snapshot.memory_users = std::move(users);
}

}  // namespace hostsplit
