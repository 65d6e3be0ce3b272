#pragma once
#include <map>
#include <string_view>

#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// Memory that crashkernel= keeps for a kernel that starts when this one crashes. It is in no MemTotal.
struct CrashKernel {
  Kib anywhere = 0;       ///< below 4 GiB where it fits there, otherwise at the end of memory
  Kib low = 0, high = 0;  ///< below 4 GiB; at the end of memory
};
/// As the kernel reads it (kernel/crash_reserve.c, arch/x86/kernel/setup.c): of several the last, and `,high` only
/// where none is without. \param memory  of the machine, for sizes by ranges
CrashKernel crash_kernel(std::string_view command_line, Kib memory);

/// The nodes at a boot with that line: less memory where it keeps more than the running kernel. Where the kernel may
/// take it from either of two nodes, both have less.
std::map<int, NumaNode> nodes_beside_crash_kernel(const Snapshot& snapshot, std::string_view command_line);

}  // namespace hostsplit
