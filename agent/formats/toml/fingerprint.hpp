#pragma once
#include <string>

#include "core/machine/pci.hpp"
#include "formats/toml/reader.hpp"

namespace hostsplit {

/// The keys a fingerprint is written with: root, chain, ids, subsystem, class. One per line, no table header.
std::string fingerprint_lines(const Fingerprint& fingerprint);
/// Names of those keys.
std::vector<std::string> fingerprint_keys();
/// \throws Error(bad_input) naming file, line and key.
Fingerprint read_fingerprint(const TomlReader& table);
/// \throws Error(bad_input) unless the key holds a PCI address. Empty when absent.
std::optional<PciAddress> read_address(const TomlReader& table, const char* key);

}  // namespace hostsplit
