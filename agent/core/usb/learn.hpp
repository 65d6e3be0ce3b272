#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/state/port_map.hpp"

namespace hostsplit {

/// Devices that came and went between two snapshots. Hubs and what hangs on them count one by one; a device that
/// was replaced (same place, other device number or serial) both went and came.
struct UsbChanges {
  std::vector<UsbDevice> came;
  std::vector<UsbDevice> went;
};
UsbChanges usb_changes(const Snapshot& before, const Snapshot& after);

/// "QEMU USB HARDDRIVE (serial LAB00001)"; "46f4:0001" for a device without a name.
std::string in_words(const UsbDevice& device);

/// How a plugged device relates to what is already learned.
struct Recognition {
  enum class Kind {
    unknown,       ///< no learned port matches: give it a name
    known,         ///< this half of a learned port was seen before
    other_half,    ///< the peer of a learned half, not seen until now
    contradiction  ///< a learned port claims this place with another controller
  };
  Kind kind = Kind::unknown;
  std::size_t index = 0;  ///< into PortMap::ports, unless unknown
};
Recognition recognise(const PortMap& map, const Snapshot& snapshot, const UsbDevice& device);

/// A Type-C socket can be wired to two SuperSpeed ports, one for each way the plug goes in. The kernel pairs the high
/// speed port with one of them (drivers/usb/core/port.c, link_peers), the firmware gives all three one location.
/// \return the learned port, index into PortMap::ports, of which this port is the other SuperSpeed side
std::optional<std::size_t> turned_plug(const PortMap& map, const Snapshot& snapshot, const UsbPort& port);

/// A new map in which the socket `device` sits in is called `label`; the peer half is joined as far as the port
/// objects tell. If the socket is known as the other half of a port with the same label, that half becomes seen.
/// \throws Error(bad_input) for an invalid label, or one that is taken: the message says where the first one is.
PortMap learn_port(const PortMap& map, const Snapshot& snapshot, const UsbDevice& device, const std::string& label);

/// Brings addresses, buses and groups up to date; identities stay.
PortMap refresh_observations(const PortMap& map, const Snapshot& snapshot);

/// Checks the map against the machine: absent, moved and contradicted controllers, two labels on one place.
std::vector<Finding> check_port_map(const PortMap& map, const Snapshot& snapshot);

}  // namespace hostsplit
