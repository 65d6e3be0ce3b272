#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/pve.hpp"

namespace hostsplit {

/// "id=1022:148c,iommugroup=60,node=pve1,path=0000:03:00.3,subsystem-id=1043:87c0"
std::string to_text(const PveMapEntry& entry);

/// The sections of /etc/pve/mapping/pci.cfg that `mappings` would be, alone.
std::string to_text(const std::vector<PveMapping>& mappings);

/// /etc/pve/mapping/pci.cfg with the mappings of hostsplit on one node brought to `ours`. Every other line stays byte
/// for byte: mappings of others, entries of other nodes, comments. A mapping of hostsplit that is left without an entry
/// goes. \param file for messages \throws Error(bad_input) naming file and line where the file is not understood whole:
/// then nothing may be written.
std::string merge_pve_mappings(std::string_view text, const std::vector<PveMapping>& ours, const std::string& node,
                               const std::string& file);

}  // namespace hostsplit
