#pragma once
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/pve.hpp"

namespace hostsplit {

/// Goes through a file of PVE::SectionConfig: lines at the margin are headers, what is indented below one are its
/// properties; both are handed over without blanks around them. Empty lines and comments are left out.
void each_section_line(std::string_view text, const std::function<void(std::string_view)>& header,
                       const std::function<void(std::string_view)>& property);

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
