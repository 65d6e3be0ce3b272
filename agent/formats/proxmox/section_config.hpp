#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/pve.hpp"

namespace hostsplit {

/// A section of a file of Proxmox VE: "type: id", properties indented below ("key value").
struct PveSection {
  std::string type, id;
  std::map<std::string, std::string> properties;
};
/// Tolerant: lines that are neither are left out. (PVE::SectionConfig)
std::vector<PveSection> parse_pve_sections(std::string_view text);

/// /etc/pve/storage.cfg, in its order. \param node  this machine's name in the cluster
std::vector<PveStorage> parse_pve_storages(std::string_view text, const std::string& node);

/// Whether this node has quorum, from /etc/pve/.members; empty where it is in no cluster.
std::optional<bool> parse_pve_quorum(std::string_view members);

}  // namespace hostsplit
