#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/pve.hpp"

namespace hostsplit {

/// A guest configuration of Proxmox VE (qm.conf(5)). Tolerant: whatever makes no sense is left out and told as a
/// finding `pve-config-line` that names file and line; never throws. Keys hostsplit does not know are no findings.
/// \param file for messages   \param findings appended to
PveVm parse_pve_vm(int id, std::string_view text, const std::string& file, std::vector<Finding>& findings);

/// The VM as its next start will have it: pending changes taken over.
PveVm at_next_start(const PveVm& vm);
/// The same after changes more.
PveVm with_changes(const PveVm& vm, const std::vector<PveKeyChange>& changes);

/// /etc/pve/mapping/pci.cfg: an id at the beginning of a line, its properties indented below. As tolerant.
std::vector<PveMapping> parse_pve_mappings(std::string_view text, const std::string& file,
                                           std::vector<Finding>& findings);

}  // namespace hostsplit
