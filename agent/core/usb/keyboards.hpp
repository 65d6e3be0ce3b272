#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"

namespace hostsplit {

/// What a device that reports all letters is, as far as its USB ids and names tell.
struct KeyboardEvidence {
  std::uint16_t vendor = 0, product = 0;
  std::string name;          ///< of the input device and of the product, joined
  bool mouse_first = false;  ///< the first interface of the USB device is a mouse (bInterfaceProtocol 2)
  bool fido = false;         ///< another interface of it is a security key (HID usage page 0xf1d0) or a smart card
};

/// Why nobody can log in with it: "a security key", "a mouse with keys", "a scanner", "the remote console of the BMC".
/// Empty for a real keyboard, and for what is not known.
std::string weak_keyboard(const KeyboardEvidence& evidence);

/// Adds `last-keyboard` where keyboards are among what leaves and no real one stays.
void guard_last_keyboard(const Snapshot& snapshot, const std::set<PciAddress>& leaving, bool given_up,
                         std::vector<Finding>& findings);

}  // namespace hostsplit
