#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/config.hpp"

/// What Proxmox VE does when it starts a VM with huge pages (PVE::QemuServer::Memory, qemu-server 9): a small model, by
/// which advice is judged before it is printed, and from which the pages of VMs follow that do not run.
namespace hostsplit {

/// What a start comes to.
struct PveStart {
  PageCounts pages;                   ///< by host node and page size; empty without huge pages
  std::vector<std::string> refusals;  ///< why it does not start, sentence fragments; empty: it does
  std::vector<std::string> unbound;   ///< why its memory may come from another node although it starts
  /// Why it does not start where that is not about memory (CPUs, hostpciN), which is judged without huge pages, too.
  std::vector<std::string> other_refusals;
  /// True when nothing is against its memory.
  bool clean() const { return refusals.empty() && unbound.empty(); }
};
/// \param nodes  of the host; empty: not known, so every node is believed
PveStart judge_start(const PveVm& vm, const std::map<int, NumaNode>& nodes);

/// True when `args:` gives QEMU memory beside that of Proxmox VE: QEMU refuses nodes that do not add up to it.
bool gives_memory(std::string_view args);

/// What numa lines with policy=bind bind to one host node each. Where numa is on Proxmox VE passes host-nodes and
/// policy of a line on to QEMU for ordinary memory, too.
std::map<int, Kib> bound_memory(const PveVm& vm);

/// With huge pages Proxmox VE takes one digit and nothing else, not even the range "0-0" (hugepages_topology()).
bool names_one_digit(const PveNumaNode& node);

/// Without CPUs that are in no node: what is switched off stays in affinities and in what a thread may use, and nothing
/// runs there. All of them where that would leave none, or where no node has CPUs.
CpuSet without_offline(const CpuSet& cpus, const std::map<int, NumaNode>& nodes);

/// True when it has the affinity that is wanted, or a part of it.
bool has_affinity(const PveVm& vm, const CpuSet& wanted, const std::map<int, NumaNode>& nodes);

/// A VM of Proxmox VE brought to what the configuration reserves for it, and the `qm set` line that does it.
struct PveFix {
  PveVm vm;
  std::string line;    ///< empty: nothing has to change
  std::string reason;  ///< why no line can do it; then `line` is empty, too
};
/// \param cpus  host CPUs it is to run on; empty: not judged   \param keep  it needs `keephugepages: 1`
PveFix fix_for(const PveVm& vm, const VmWish& wish, const CpuSet& cpus, bool keep,
               const std::map<int, NumaNode>& nodes);

/// Host nodes in `hostnodes=` have one digit with huge pages, and there are at most eight numaN lines.
inline constexpr int last_pve_node = 9;
inline constexpr std::size_t most_pve_nodes = 8;

/// Why Proxmox VE cannot put a VM where the configuration wants it, whatever its own configuration says; empty: it can.
std::string why_not_placeable(const VmWish& wish);
/// The same as findings (`pve-cannot-place`), for a plan: what nobody can use is not reserved.
std::vector<Finding> check_placeable(const Config& config);
/// VMs that Proxmox VE would refuse to start with the memory of the configuration whatever is set (`pve-cannot-place`):
/// `args` with memory of their own, fewer CPUs than nodes. A VM that is not at hand is not judged, nor one whose `args`
/// take the huge pages themselves.
std::vector<Finding> check_startable(const Config& config, const PveConfigs& pve, const std::map<int, NumaNode>& nodes);

}  // namespace hostsplit
