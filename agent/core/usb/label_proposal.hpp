#pragma once
#include <string>

#include "core/state/port_map.hpp"

namespace hostsplit {

/// A name to propose for a socket: the first free one that counts on from `last` ("front-1" to "front-2", "前面板1号口"
/// to "前面板2号口"); without it, from the panel; without that, from the name that was learned last; else "socket-1".
/// \param panel  of the connector as the kernel shows it (Documentation/ABI/testing/sysfs-devices-physical_location:
///               "front", "back", ...); empty or "unknown" where the firmware does not say
/// \param last   the name given last to a socket of that panel; empty: none
/// \return a valid label that names no port
std::string propose_label(const PortMap& map, const std::string& panel, const std::string& last);

}  // namespace hostsplit
