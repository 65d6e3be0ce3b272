#include "host/guests/guest_pages.hpp"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "formats/proc/numa_maps.hpp"
#include "formats/proc/process_files.hpp"
#include "host/guests/huge_mappings.hpp"
#include "host/system/process_path.hpp"

namespace hostsplit {
namespace {

/// So much outside of huge pages is walked without asking: 65536 entries, some milliseconds.
constexpr Kib walked_unasked = 256 * kib_per_mib;

/// Where each page of a mapping is; below zero for one that was never touched. Empty when the kernel does not say.
std::vector<int> nodes_of(int pid, const HugeMapping& mapping) {
  std::vector<void*> pages;
  for (auto address = mapping.start; address < mapping.end; address += mapping.page_size * bytes_per_kib)
    pages.push_back(reinterpret_cast<void*>(address));
  std::vector<int> nodes(pages.size(), -1);
  if (::syscall(SYS_move_pages, pid, pages.size(), pages.data(), nullptr, nodes.data(), 0) != 0) return {};
  return nodes;
}

/// \return empty where asking does not add up: the process ends, the kernel is too old, the root is not live.
std::optional<GuestPages> ask_for_pages(const Root& root, int pid) {
  if (!root.live()) return {};
  GuestPages pages;
  Kib found = 0;
  for (const auto& mapping : huge_mappings(root, pid))
    for (const int node : nodes_of(pid, mapping)) {
      if (node < 0) continue;
      ++pages.huge[mapping.page_size][node];
      found += mapping.page_size;
    }
  const auto status = root.read(process_path(pid, "status"));
  if (!status || found != status_size(*status, "HugetlbPages")) return {};
  for (const auto* part : {"RssAnon", "RssFile", "RssShmem"}) pages.ordinary += status_size(*status, part);
  return pages;
}

/// What the command line leaves open the kernel counts: a path of hugetlbfs may have any name.
Kib outside_of_huge_pages(const Root& root, const RunningGuest& guest) {
  const Kib all = memory_of(guest.command), ordinary = ordinary_memory(guest.command);
  const Kib counted = status_size(root.read(process_path(*guest.pid, "status")).value_or(""), "HugetlbPages");
  return std::min(ordinary, all - std::min(all, counted));
}

}  // namespace

void read_guest_pages(const Root& root, RunningGuest& guest, bool force) {
  guest.pages = ask_for_pages(root, *guest.pid);
  if (guest.pages) return;
  const Kib ordinary = outside_of_huge_pages(root, guest);
  if (ordinary > walked_unasked && !force) {
    guest.pages_unread = fmt::format(
        "not read: {} MiB of it are outside of huge pages, and reading them would hold up "
        "the VM; --force reads them",
        ordinary / kib_per_mib);
    return;
  }
  if (const auto maps = root.read(process_path(*guest.pid, "numa_maps"), largest_process_file))
    guest.pages = parse_numa_maps(*maps);
  else
    guest.pages_unread = "numa_maps of the process cannot be read; that needs root";
}

}  // namespace hostsplit
