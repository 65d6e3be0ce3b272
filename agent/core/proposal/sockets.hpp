#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/proposal/proposal.hpp"
#include "core/usb/guest_takes.hpp"

namespace hostsplit {

/// Sockets that go together: those of the controllers in one IOMMU group, or of one EHCI with its companions.
struct SocketGroup {
  std::vector<std::string> labels;  ///< in the order they were learned
  std::set<PciAddress> functions;
  std::map<std::string, PciAddress> controllers;  ///< by label
  std::set<int> nodes;                            ///< of its functions; empty: unknown
  std::optional<int> group;                       ///< of the first function
  std::string never;                              ///< why it stays with the host, whoever asks; empty: it may leave
};

/// All learned sockets. \param base  what the configuration keeps for the host and what may be lost   \param vm  in
/// whose name reasons are put   \param guests  what VMs take by themselves
std::vector<SocketGroup> socket_groups(const Snapshot& snapshot, const PortMap& ports, const Config& base, int vm,
                                       const GuestTakes& guests);

/// Which socket groups leave the host together without it losing anything. Remembers what it was asked.
class Leavable {
 public:
  Leavable(const Snapshot& snapshot, const std::vector<SocketGroup>& groups, const std::vector<Named>& may_lose,
           GuestTakes guests);
  /// \param chosen  indices into the groups   \return why not; empty: they may
  const std::string& against(const std::set<std::size_t>& chosen);

 private:
  const Snapshot& snapshot_;
  const std::vector<SocketGroup>& groups_;
  std::vector<std::string> may_lose_;
  GuestTakes guests_;
  std::map<std::set<std::size_t>, std::string> known_;
};

/// Who gets which group: by index of the group, the index of the guest; groups that are not in it stay with the host.
using Dealt = std::map<std::size_t, std::size_t>;

/// Deals groups out: first what was asked for, then to each guest that asked for nothing one after the other the
/// nearest that may leave, for as many rounds as there is one for everybody and the host keeps its share. \param nodes
/// of each guest
Dealt deal_sockets(const Snapshot& snapshot, const std::vector<SocketGroup>& groups,
                   const std::vector<PartWanted>& wishes, const std::vector<std::set<int>>& nodes, Leavable& leavable);

/// PCI devices that a VM has in Proxmox VE and keeps: one for each line, with its nodes. USB controllers are dealt
/// anew.
std::vector<SocketGroup> kept_devices(const Snapshot& snapshot, const PveConfigs& pve, int vm);

/// From the nodes of each guest to its devices and to all groups: all that counts of nodes when groups are dealt out.
std::vector<int> distances_from(const Snapshot& snapshot, const std::vector<std::set<int>>& nodes,
                                const std::vector<SocketGroup>& groups,
                                const std::vector<std::vector<SocketGroup>>& devices);

/// True when there are devices, and all of them are on these nodes.
bool are_on(const Snapshot& snapshot, const std::vector<SocketGroup>& devices, const std::set<int>& nodes);

/// Distance of a group's controllers to nodes, the nearest of each; 0 where the firmware does not say.
int distance_to(const Snapshot& snapshot, const SocketGroup& group, const std::set<int>& nodes);

}  // namespace hostsplit
