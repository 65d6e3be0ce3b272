#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/cpu_set.hpp"

namespace hostsplit {

/// A property string "a=1,b=2"; the part without "=" belongs to `default_key` (PVE::JSONSchema::parse_property_string).
std::map<std::string, std::string> pve_properties(std::string_view text, const std::string& default_key);

/// "1", "on", "yes", "true" and their opposites in any case; empty for anything else.
std::optional<bool> pve_boolean(std::string_view text);

/// A list of host CPUs, with blanks around its parts (PVE::CpuSet); empty for anything else.
std::optional<CpuSet> pve_cpu_list(std::string_view text);

/// True when two values of a key mean the same to Proxmox VE, however they are written: order of properties, words for
/// booleans, lists of CPUs.
bool same_pve_value(std::string_view key, std::string_view a, std::string_view b);
/// The same for keys that may not be there.
bool same_pve_value(std::string_view key, const std::optional<std::string>& a, const std::optional<std::string>& b);

}  // namespace hostsplit
