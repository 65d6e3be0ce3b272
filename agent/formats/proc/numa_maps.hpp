#pragma once
#include <string_view>
#include <vector>

#include "core/machine/guest.hpp"

namespace hostsplit {

/// /proc/PID/numa_maps summed up. The kernel counts in units of `kernelpagesize_kB` of each line,
/// never of one size for all; a mapping nobody touched has neither counts nor size and is left out
/// (fs/proc/task_mmu.c). Lines that make no sense are left out.
GuestPages parse_numa_maps(std::string_view text);

/// Interrupts of vfio in /proc/interrupts: "vfio-msix[0](0000:03:00.3)" at the end of a line. CPUs stay empty.
std::vector<GuestInterrupt> parse_vfio_interrupts(std::string_view text);

}  // namespace hostsplit
