#pragma once
#include <map>
#include <set>
#include <vector>

#include "core/proposal/proposal.hpp"

namespace hostsplit {

/// What VMs can get of each node in pages of one size: what check_pages() lets through, the floor and what other guests
/// and ZFS need kept free, without huge pages of others. Nodes where that is nothing, and those that Proxmox VE cannot
/// name, are left out.
struct NodeRoom {
  Kib page_size = kib_per_gib;
  Kib others = 0;  ///< in all, for guests that get no part and for ZFS
  std::map<int, std::uint64_t> pages;
};
/// What containers may use is a limit that is often far more than there is: it counts where that leaves room.
enum class Containers { count, pass_over };
/// Pages of 1 GiB, or of 2 MiB where no node has a whole one to give. \param guests  those that get a part
NodeRoom node_room(const ProposalInput& in, Kib keep_free, const std::set<int>& guests,
                   Containers containers = Containers::count);

/// Where the memory of each guest comes from, in pages by node.
using Layout = std::vector<std::map<int, std::uint64_t>>;

/// Every way in which all get what they asked for, and those that asked for nothing as much of their nodes as the
/// others on them, with the smallest of these as large as can be; in the order of the nodes' numbers. A guest is on as
/// few nodes as hold what it asked for, or, where the nodes can be dealt out evenly, on its share of them. On machines
/// with very many ways those are gone through in which the nodes of a guest follow each other, as far as time allows.
std::vector<Layout> best_layouts(const ProposalInput& in, const NodeRoom& room);

std::set<int> nodes_of(const std::map<int, std::uint64_t>& pages);

}  // namespace hostsplit
