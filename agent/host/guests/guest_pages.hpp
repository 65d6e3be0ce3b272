#pragma once
#include <optional>
#include <string>

#include "core/machine/guest.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Reads where the memory of a guest's process is. Its pages from hugetlbfs are asked for by address (move_pages(2)
/// without a node to move to), the rest is one sum in /proc/PID/status: numa_maps, from which others read it, has the
/// kernel walk every page of the process under its mmap lock. numa_maps is the way out where asking does not add up to
/// the kernel's own sum (kernels before 6.0 do not find pages of 1 GiB), and then only for guests with little memory
/// outside of huge pages, unless forced.
/// \param guest its pid and command line; gets `pages`, or `pages_unread`
/// \param force walk whatever it costs
void read_guest_pages(const Root& root, RunningGuest& guest, bool force);

}  // namespace hostsplit
