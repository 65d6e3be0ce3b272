#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// One half of a learned port.
struct LearnedHalf {
  std::string path;   ///< port path below the controller's root hub of that half, "2" or "2.1"
  bool seen = false;  ///< a device was plugged there; otherwise only inferred from the other half's peer
  bool operator==(const LearnedHalf&) const = default;
};

/// How the two halves were joined.
enum class Pairing {
  none,      ///< only one half exists or is known
  location,  ///< firmware says both port objects are one connector
  number     ///< only the port numbers agree: unproven until both halves were seen
};
const char* to_string(Pairing pairing);

/// A physical port: an identity with a name given by the user. Address, buses and group are what was last observed.
struct LearnedPort {
  std::string label;
  Fingerprint controller;
  std::optional<LearnedHalf> usb2;
  std::optional<LearnedHalf> usb3;
  Pairing pairing = Pairing::none;
  std::optional<PciAddress> last_address;  ///< observation
  std::optional<int> last_group;           ///< observation
  std::optional<int> last_bus_usb2;        ///< observation
  std::optional<int> last_bus_usb3;        ///< observation
  unsigned line = 0;                       ///< where it stands in ports.toml; 0 when not read from there
  bool operator==(const LearnedPort&) const = default;

  const std::optional<LearnedHalf>& half(UsbHalf which) const { return which == UsbHalf::usb2 ? usb2 : usb3; }
  std::optional<LearnedHalf>& half(UsbHalf which) { return which == UsbHalf::usb2 ? usb2 : usb3; }
  /// Both halves are known to be the same connector, or there is only one.
  bool proven() const;
};

/// What was learned: /var/lib/hostsplit/ports.toml as values.
struct PortMap {
  std::vector<LearnedPort> ports;  ///< in the order they were learned
  std::string file;                ///< where it came from, for messages
  bool operator==(const PortMap&) const = default;

  /// \return nullptr when no port has that label.
  const LearnedPort* find(const std::string& label) const;
};

/// What a label is, for messages: "a label is ...".
inline constexpr auto label_rule =
    "1 to 64 letters and digits of any language, with single blanks, '.', '_' or '-' between them";
bool valid_label(std::string_view label);

/// \throws Error(bad_input) if the label is malformed or taken; the message says where the first one is.
void require_new_label(const PortMap& map, const std::string& label);

/// "0000:03:00.3 port 2 (USB2 half seen, USB3 half not seen)": a place in words, for messages.
std::string place(const LearnedPort& port);

}  // namespace hostsplit
