#pragma once
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// Huge pages that `args:` of a VM takes past Proxmox VE: `-mem-path /dev/hugepages`, or backends with a mem-path on a
/// hugetlbfs, or memory-backend-memfd with hugetlb=on (qemu(1)). QEMU binds them to no node unless host-nodes says so,
/// and the kernel begins where the VM runs: they count for the nodes of its affinity, or for the one with the largest
/// pool.
/// \param usual  page size of a hugetlbfs whose path names none: KernelReading::default_size
PageCounts pages_by_args(const PveVm& vm, const std::map<int, NumaNode>& nodes, Kib usual);

}  // namespace hostsplit
