#pragma once
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/machine/snapshot.hpp"
#include "core/usb/guest_takes.hpp"

namespace hostsplit {

/// What a device that reports all letters is, as far as its USB ids and names tell.
struct KeyboardEvidence {
  std::uint16_t vendor = 0, product = 0;
  std::string name;            ///< of the input device and of the product, joined
  bool mouse_first = false;    ///< the first interface of the USB device is a mouse (bInterfaceProtocol 2)
  bool fido = false;           ///< an interface of it is a security key: is_fido_descriptor()
  bool smart_card = false;     ///< an interface of it is a smart card reader (CCID, bInterfaceClass 0x0b)
  bool boot_keyboard = false;  ///< an interface of it is a boot keyboard (bInterfaceClass 3, subclass 1, protocol 1)
};

/// Why nobody can log in with it: "a security key", "a mouse with keys", "a scanner", "the remote console of the BMC",
/// and in doubt "maybe no keyboard to type on", "a mouse with keys, or a keyboard's receiver". Empty for a real
/// keyboard, and for what is not known.
std::string weak_keyboard(const KeyboardEvidence& evidence);

/// A token for FIDO, OTP or PGP by its interfaces, ids or name; keyboards with a slot for smart cards are none.
bool is_security_key(const KeyboardEvidence& evidence);

/// The report descriptor of a FIDO token: one with the usage page 0xf1d0 (HID Usage Tables, "FIDO Alliance").
bool is_fido_descriptor(std::string_view descriptor);

/// What becomes of the host's keyboards.
struct KeyboardsAtStake {
  const std::set<PciAddress>& leaving;
  const GuestTakes& guests;  ///< what does not stay either
  bool given_up = false;     ///< by may_lose
};

/// Adds `last-keyboard` where keyboards are among what leaves and no real one stays. Mice with keys, security keys,
/// scanners and pads are none where they are lost, but security keys and scanners may enter a passphrase the boot waits
/// for; the console of a BMC is one as long as nothing else is left.
void guard_last_keyboard(const Snapshot& snapshot, const KeyboardsAtStake& at_stake, std::vector<Finding>& findings);

}  // namespace hostsplit
