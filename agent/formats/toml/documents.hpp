#pragma once
#include <string>
#include <string_view>

#include "core/state/baseline.hpp"
#include "core/state/config.hpp"
#include "core/state/port_map.hpp"

namespace hostsplit {

/// hostsplit.toml. \throws Error(bad_input) through bad_line(): syntax error, unknown key (with the nearest known one),
/// wrong type, bad unit, bad CPU list, bad label or address, VMs whose CPUs overlap, a port or controller
/// given twice, version other than 1, duplicate VM.
Config parse_config(std::string_view text, const std::string& file);

/// ports.toml, version 1. \throws Error(bad_input) naming file, line and key.
PortMap parse_port_map(std::string_view text, const std::string& file);
/// With a comment header that says what the file is and how to repair it by hand.
std::string to_toml(const PortMap& map);

/// baseline.toml, version 1. \throws Error(bad_input).
Baseline parse_baseline(std::string_view text, const std::string& file);
std::string to_toml(const Baseline& baseline);

}  // namespace hostsplit
