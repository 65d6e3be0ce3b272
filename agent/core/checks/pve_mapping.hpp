#pragma once
#include <string>
#include <vector>

#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"

namespace hostsplit {

/// PCI resource mappings of a Proxmox VE cluster for what was applied here: one for each function, because Proxmox VE
/// wants all paths of an entry to have the same ids (PVE::Mapping::PCI). Named `hostsplit-<vm>-<n>`, counted from 1 in
/// the order of places, not of addresses, so that a card more renames none. A function that is not where it was gets no
/// mapping and a finding `claim-absent`.
std::vector<PveMapping> mappings_of(const BootPlan& applied, const Snapshot& snapshot, const std::string& node,
                                    std::vector<Finding>& findings);

/// True for names of the form `hostsplit-<vm>-<n>`.
bool is_own_mapping(const std::string& id);

}  // namespace hostsplit
