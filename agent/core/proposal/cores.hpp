#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "core/proposal/proposal.hpp"

namespace hostsplit {

/// One guest's part of the CPUs of a node.
struct CoreShare {
  CpuSet cpus;
  Reason why;
};

/// Shares the CPUs of a node out in proportion to `weights`: whole L3 caches where there are enough of them, otherwise
/// whole cores, of each kind a share, and where it is unknown which CPUs are siblings, single ones. Empty when there
/// are fewer than guests. \param weights  one for each guest on the node, in order; a single guest gets all
std::optional<std::vector<CoreShare>> share_cores(const Snapshot& snapshot, const NumaNode& node,
                                                  const std::vector<std::uint64_t>& weights);

}  // namespace hostsplit
