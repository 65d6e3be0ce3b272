#pragma once
#include <vector>

#include "core/state/config.hpp"
#include "formats/toml/reader.hpp"

namespace hostsplit {

/// The tables of `[panel]`, in the order of their lines. \throws Error(bad_input) for a name that is no name, a panel
/// without sockets, one that is too large, what is no label, and a label that stands twice.
std::vector<PanelRows> read_panels(const TomlReader& panels);

}  // namespace hostsplit
