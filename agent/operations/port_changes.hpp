#pragma once
#include <string>
#include <vector>

#include "operations/carry_out.hpp"

namespace hostsplit {

/// Renames a learned port in ports.toml, under the lock and audited. \throws Error(bad_input) for an unknown or taken
/// label; Error if another hostsplit acts or the file cannot be written.
void rename_learned_port(const Context& context, const std::string& from, const std::string& to);

/// Forgets a learned port, likewise.
void forget_learned_port(const Context& context, const std::string& label);

/// What a port map is against another one: a line for each port that is new, gone or different. For people.
std::vector<std::string> port_map_changes(const PortMap& before, const PortMap& after);

/// A map from elsewhere held against this machine: check_port_map(), and labels of the configuration that it lacks
/// (`port-not-imported`).
std::vector<Finding> check_imported_ports(const Root& root, const PortMap& map);

/// Replaces the port map, under the lock and audited. What was there before is kept in names::port_map_before.
/// \param shown  what the user was shown as the one in use \throws Error if that changed meanwhile, another hostsplit
/// acts, or a file cannot be written.
void import_learned_ports(const Context& context, const PortMap& shown, const PortMap& map);

}  // namespace hostsplit
