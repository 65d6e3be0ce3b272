#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/cpu_set.hpp"
#include "core/base/finding.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/config.hpp"
#include "core/state/port_map.hpp"

namespace hostsplit {

/// What a person wants one VM to have; what is empty is chosen.
struct PartWanted {
  int vm = 0;
  std::optional<std::vector<std::string>> ports;  ///< labels; an empty list: no sockets
  std::optional<Kib> memory;
  std::set<int> nodes = {};  ///< its memory comes from; empty: chosen
  bool operator==(const PartWanted&) const = default;
};

struct ProposalInput {
  const Snapshot& snapshot;  ///< with read_topology(), where CPUs of a node are to be shared out
  const PortMap& ports;
  const PveConfigs& pve;
  const std::optional<Config>& config;  ///< what stands there now: its floor and what it keeps for the host hold
  std::vector<PartWanted> wishes;       ///< empty: proposed_guests()
};

/// Why a VM gets what it gets.
struct Reason {
  enum class Kind {
    asked,          ///< the person said so
    near_sockets,   ///< node: the controllers of its sockets are on it, or `distance` away
    near_devices,   ///< node: the PCI devices that it has already are on it
    own_node,       ///< node: each VM gets nodes of its own
    shared_node,    ///< node: there are more VMs than nodes; `count` share it
    too_large,      ///< node: its memory does not fit on fewer nodes
    whole_node,     ///< CPUs: nobody else is on its nodes
    whole_caches,   ///< CPUs: `count` L3 caches of the node
    whole_cores,    ///< CPUs: `count` cores of the node, siblings together
    mixed_cores,    ///< CPUs: the same, as many of each kind of core (P and E) as the others in proportion
    single_cpus,    ///< CPUs: which of them are siblings is unknown
    under_floor,    ///< memory: what the floor and `size` for other guests and ZFS leave, shared out evenly
    nearest_group,  ///< sockets: the nearest group that can leave the host
    none_left,      ///< sockets: none
  };
  Kind kind = Kind::asked;
  int count = 0;
  int distance = 0;
  Kib size = 0;
  bool operator==(const Reason&) const = default;
};
/// Sentence fragment.
std::string describe(const Reason& reason);

/// The part of one VM.
struct VmShare {
  int vm = 0;
  std::string name;
  std::map<int, Kib> memory;  ///< by node
  Kib page_size = kib_per_gib;
  CpuSet cpus;
  bool all_cpus = false;  ///< all of its nodes: the default of the configuration
  std::vector<std::string> ports;
  int start = 0;  ///< place in the order of starts, from 1
  Reason why_nodes, why_cpus, why_memory, why_ports;
  bool operator==(const VmShare&) const = default;
};

/// A socket that could have gone to a VM and does not.
struct LeftOut {
  enum class Kind {
    shares_group,  ///< it shares `group` with the socket `with` of `with_vm`
    host_needs,    ///< the host would lose something: `why`
    stays          ///< every VM has as many, and the host keeps this one
  };
  Kind kind = Kind::stays;
  std::string label;
  int vm = 0;  ///< that it cannot go to; 0: to none
  int group = 0;
  std::string with = {};
  int with_vm = 0;
  std::string why = {};
  bool operator==(const LeftOut&) const = default;
};
/// "front-3 cannot go to VM 102: it shares group 24 with rear-1 of VM 101".
std::string describe(const LeftOut& left_out);

/// A split of the host between VMs, with reasons; or why there is none.
struct Proposal {
  std::vector<VmShare> vms;  ///< in the order in which they were asked for
  std::vector<LeftOut> left_out;
  std::vector<Finding> obstacles;  ///< why no split exists, and what would make one; then `vms` is not to be used
  Kib keep_free = 0;               ///< per node, the floor it was made with
  bool starts_overlap = false;     ///< some have no order of their own: it would move other guests (`pve-start-order`)
  bool operator==(const Proposal&) const = default;
  bool possible() const { return obstacles.empty() && !vms.empty(); }
};

/// True when there is such a node, and it has memory and CPUs.
bool can_hold_guests(const std::map<int, NumaNode>& nodes, int node);

/// Which VMs get a part where nobody says: those of the configuration, else the two with most memory.
std::vector<int> proposed_guests(const PveConfigs& pve, const std::optional<Config>& config);

/// Decides; touches nothing. Nodes for each VM by room and distance to the controllers of its sockets, whole cores,
/// memory under the floor and what other guests and ZFS need, sockets by whole IOMMU groups that the guards let go.
/// Obstacles: `no-guests`, `guest-unfit`, `iommu-off-yet`, `no-sockets`, `too-few-groups`, `sockets-together`,
/// `no-room`, `too-few-cores`, and what resolve_claims(), losses() and check_pages() have against the result.
Proposal propose(const ProposalInput& input);

/// The configuration that a proposal comes to. What else stands in the one that is there stays, and so do its VMs that
/// are not part of the proposal. In a new one hostsplit sets the VMs where there is a Proxmox VE.
Config proposed_config(const Proposal& proposal, const std::optional<Config>& now, bool proxmox);

}  // namespace hostsplit
