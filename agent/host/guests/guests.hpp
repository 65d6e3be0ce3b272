#pragma once
#include <vector>

#include "core/machine/guest.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Guests that have a pid file in /run/qemu-server, ascending; whether they run is read_guest()'s affair.
std::vector<int> guests_with_pid_file(const Root& root);

/// The process of a guest. The pid file is believed only if the process's own `-pidfile` argument names it, which is
/// the check Proxmox VE makes itself: numbers of ended processes are given away again.
/// \return empty when there is no such file or process.
struct GuestProcess {
  std::optional<int> pid;
  std::string distrust;  ///< why the file is not believed
  GuestCommand command;
};
GuestProcess guest_process(const Root& root, int vm);

/// Guests that run with memory from hugetlbfs, ascending.
std::vector<int> guests_on_huge_pages(const Root& root);

/// Reads a guest's process: pages, threads, interrupts, groups. Reading the pages of a process walks its page tables
/// under its mmap lock: guests with more than a little memory outside of huge pages are left unread unless forced.
/// \param force walk whatever it costs
RunningGuest read_guest(const Root& root, int vm, bool force);

}  // namespace hostsplit
