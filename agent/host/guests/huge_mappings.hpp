#pragma once
#include <cstdint>
#include <vector>

#include "core/base/size.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// A mapping of a process from hugetlbfs: its addresses, `end` behind its last byte.
struct HugeMapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  Kib page_size = 0;
};

/// Those of a process that can be written to. The kernel is asked for the mappings one by one where it can be
/// (PROCMAP_QUERY, Linux 6.11, Documentation/filesystems/proc.rst); else /proc/PID/maps is read, which spells out
/// hundreds of paths, and hugetlbfs is told by statfs(2), whose block size is the page size. Needs root. \return empty
/// also when the process is gone or may not be looked at. \pre the root is live
std::vector<HugeMapping> huge_mappings(const Root& root, int pid);

}  // namespace hostsplit
