#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/state/rung.hpp"

namespace hostsplit {

/// Modules with the host's drivers for a kind of controller that are built into the running kernel.
std::vector<std::string> builtin_drivers(const Snapshot& snapshot, ControllerKind kind);

/// What /etc/modprobe.d/hostsplit.conf says for a rung; empty below `ids`. See modprobe.d(5).
/// \param ids       "1022:148c", for vfio-pci to take wherever they are; with the rung `blacklist` there may be none
/// \param kinds     of the assigned controllers: vfio-pci is loaded before their drivers
std::string modprobe_conf(Rung rung, const std::vector<std::string>& ids, const std::vector<ControllerKind>& kinds);

/// True for a text modprobe_conf() made, in this version or another.
bool is_modprobe_conf(std::string_view text);

/// What /etc/modules-load.d/hostsplit.conf says; empty below `ids`.
std::string modules_load_conf(Rung rung);

}  // namespace hostsplit
