#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/picture/picture.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// What the memory of a node is for: pages of VMs as `target` has them, pages of others, pages that are there beyond
/// those, the floor, the rest. \param keep_free  empty: nothing is kept, because nothing is wanted
std::vector<MemoryPart> memory_parts(const NumaNode& node, const BootPlan& target, const std::optional<Kib>& keep_free);

/// Pools of a node that `target` asks something of.
std::vector<PoolPicture> wanted_pools(const NumaNode& node, const BootPlan& target);

/// Which CPUs of a node belong to which VM (wanted_cpus()).
std::vector<CpuPart> cpu_parts(const NumaNode& node, const std::map<int, NumaNode>& nodes, const Config& config);

/// Warnings and errors with their marks, errors first; otherwise in their order.
std::vector<MarkedFinding> marked(const std::vector<Finding>& findings);

/// Findings whose subject is this thing: its name alone, or with more behind it ("VM 101 (fluent-a)" is about "VM
/// 101").
Marks marks_about(const std::vector<MarkedFinding>& findings, std::string_view thing);

/// Findings about the socket of that label; a label may begin like another.
Marks marks_on_label(const std::vector<MarkedFinding>& findings, std::string_view label);

}  // namespace hostsplit
