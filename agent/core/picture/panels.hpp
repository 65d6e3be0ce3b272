#pragma once
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "core/machine/usb.hpp"
#include "core/picture/picture.hpp"
#include "core/state/config.hpp"
#include "core/state/port_map.hpp"

namespace hostsplit {

/// Where firmware says a port is on the case (Documentation/ABI/testing/sysfs-devices-physical_location).
struct PortPlace {
  std::string panel;       ///< "top", "bottom", "left", "right", "front", "back"
  std::string vertical;    ///< "upper", "center", "lower"; anything else is unknown
  std::string horizontal;  ///< "left", "center", "right"
  bool operator==(const PortPlace&) const = default;
};
/// By controller, half and port path.
using PortPlaces = std::map<std::tuple<PciAddress, UsbHalf, std::string>, PortPlace>;

/// \throws Error(bad_input) for the first label on a panel that is not in the port map, naming file, line and key.
void check_panels(const Config& config, const PortMap& ports);

/// The panels of the case, and what is on none of them as a last one. Places come from the configuration; without
/// `[panel]` from firmware where it tells of a socket; otherwise named sockets stand by controller.
/// \param sockets  all of them; those on panels of the configuration by label
/// \pre check_panels() passed
std::vector<PanelPicture> panels_of(const std::vector<PanelRows>& by_hand, const std::vector<SocketPicture>& sockets,
                                    const PortPlaces& places, PanelSource& source);

}  // namespace hostsplit
