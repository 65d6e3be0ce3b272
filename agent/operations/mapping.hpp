#pragma once
#include <string>
#include <vector>

#include "core/checks/pve_mapping.hpp"
#include "operations/carry_out.hpp"

namespace hostsplit {

/// What hostsplit would make of the PCI resource mappings of the Proxmox VE cluster.
struct MappingChange {
  std::string node;              ///< this machine's name in the cluster
  std::vector<PveMapping> ours;  ///< of what was applied here; empty when they are to go
  std::string before, after;     ///< /etc/pve/mapping/pci.cfg
  std::vector<Finding> findings;
};

/// \param remove takes this node's entries out instead of bringing them up to date
/// \throws Error when there is no Proxmox VE here, nothing was applied, or the file is not understood whole.
MappingChange mapping_change(const Root& root, bool remove);

/// Writes it, audited. Touches nothing of this machine. \throws Error when the cluster does not take it.
void write_mappings(const Context& context, const MappingChange& change);

/// The mappings, and the `qm set` lines that make VMs use them.
std::string mapping_text(const MappingChange& change);
/// \param written the file was changed
std::string mapping_json(const MappingChange& change, bool written);

}  // namespace hostsplit
