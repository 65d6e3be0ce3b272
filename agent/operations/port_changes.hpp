#pragma once
#include <string>

#include "operations/carry_out.hpp"

namespace hostsplit {

/// Renames a learned port in ports.toml, under the lock and audited. \throws Error(bad_input) for an unknown or taken
/// label; Error if another hostsplit acts or the file cannot be written.
void rename_learned_port(const Context& context, const std::string& from, const std::string& to);

/// Forgets a learned port, likewise.
void forget_learned_port(const Context& context, const std::string& label);

}  // namespace hostsplit
