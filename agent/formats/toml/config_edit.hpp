#pragma once
#include <string>
#include <string_view>

#include "core/state/config.hpp"

namespace hostsplit {

/// The text of a hostsplit.toml changed so that it says `wanted`: only values that differ are replaced, in their place;
/// comments, order and spelling of all else stay. VMs that are not wanted any more lose their table. Edited are the
/// VMs, host.keep_free and proxmox.vms; everything else must be the same in both. The result is parsed and held against
/// `wanted` before it is returned.
/// \param text  empty: a new file   \param file  for messages
/// \throws Error(bad_input) as parse_config(); Error when a table is written in a form that cannot be edited.
std::string edit_config(std::string_view text, const std::string& file, const Config& wanted);

/// True when the text says who sets the VMs; what it does not say is a default, which setup may decide.
/// \throws Error(bad_input) for a syntax error.
bool says_guest_policy(std::string_view text, const std::string& file);

}  // namespace hostsplit
