#include "core/usb/keyboards.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "core/base/text.hpp"
#include "core/machine/use_via.hpp"

namespace hostsplit {
namespace {

constexpr auto security_key = "a security key", scanner = "a scanner or card reader",
               bmc = "the remote console of the BMC", mouse = "a mouse with keys",
               no_keyboard = "no keyboard to type on";

/// By vendor and product (usb.ids; product 0 stands for all of the vendor).
constexpr struct {
  std::uint16_t vendor, product;
  const char* what;
} known[] = {
    {0x1050, 0, security_key},       // Yubico
    {0x20a0, 0x42b1, security_key},  // Nitrokey FIDO
    {0x20a0, 0x4108, security_key},  // Nitrokey Pro
    {0x20a0, 0x42b2, security_key},  // Nitrokey 3
    {0x1d50, 0x60fc, security_key},  // OnlyKey
    {0x16c0, 0x0486, security_key},  // OnlyKey (Teensy)
    {0x0483, 0xa2ca, security_key},  // SoloKey
    {0x096e, 0, security_key},       // Feitian
    {0x18d1, 0x5026, security_key},  // Google Titan
    {0x2581, 0, security_key},       // Plug-up, Ledger
    {0x2c97, 0, security_key},       // Ledger
    {0x1209, 0x53c1, security_key},  // Trezor
    {0x05e0, 0, scanner},            // Symbol, Zebra
    {0x0c2e, 0, scanner},            // Metrologic, Honeywell
    {0x05f9, 0, scanner},            // PSC, Datalogic
    {0x0536, 0, scanner},            // Hand Held Products
    {0x1eab, 0, scanner},            // Newland
    {0xffff, 0x0035, scanner},       // readers for RFID cards
    {0x0801, 0, scanner},            // MagTek
    {0x065a, 0, scanner},            // Opticon
    {0x076d, 0, scanner},            // Denso
    {0x0581, 0x0115, scanner},       // Racal: "Tera" and many without a name
    {0x1189, 0x8890, no_keyboard},   // pads with a few keys (CH552)
    {0x1189, 0x8840, no_keyboard},   //
    {0x046d, 0xc52d, no_keyboard},   // Logitech R400, for slides
    {0x046d, 0xc538, no_keyboard},   //
    {0x20a0, 0x0006, no_keyboard},   // Flirc, for remote controls
    {0x2252, 0x1037, no_keyboard},   // OSMC remote control
    {0x046b, 0, bmc},                // American Megatrends
    {0x0557, 0x2221, bmc},           // ATEN in Supermicro boards
    {0x0557, 0x2419, bmc},           //
    {0x0557, 0x9241, bmc},           //
    {0x0b1f, 0x03ee, bmc},           // Insyde in Supermicro boards
    {0x12d1, 0x0003, bmc},           // Huawei iBMC
    {0x3346, 0x1009, bmc},           // Sipeed NanoKVM
    {0x03f0, 0x7029, bmc},           // HPE iLO
    {0x03f0, 0x2927, bmc},           //
    {0x0624, 0x0248, bmc},           // Avocent in Dell iDRAC
    {0x0624, 0x0249, bmc},           //
    {0x0624, 0x0250, bmc},           //
    {0x0624, 0x0251, bmc},           //
    {0x1d6b, 0x0104, bmc},           // Linux gadget: OpenBMC, PiKVM
};

/// Words of names, lower case.
constexpr struct {
  const char* word;
  const char* what;
} words[] = {
    {"yubikey", security_key},
    {"yubico", security_key},
    {"security key", security_key},
    {"nitrokey", security_key},
    {"onlykey", security_key},
    {"solokey", security_key},
    {"fido", security_key},
    {"u2f", security_key},
    {"barcode", scanner},
    {"bar code", scanner},
    {"scanner", scanner},
    {"rfid", scanner},
    {"card reader", scanner},
    {"magstripe", scanner},
    {"magnetic stripe", scanner},
    {"sycreader", scanner},
    {"virtual keyboard", bmc},
    {"megatrends", bmc},
    {"ipmi", bmc},
    {"idrac", bmc},
    {"openbmc", bmc},
    {"virtual_input", bmc},
    {"hermon", bmc},
    {"avocent", bmc},
    {"bmc", bmc},
    {"pikvm", bmc},
    {"nanokvm", bmc},
    {"jetkvm", bmc},
    {"tinypilot", bmc},
    {"blikvm", bmc},
    {"comet kvm", bmc},
    {"rkvm", bmc},
    {"stream deck", no_keyboard},
    {"presenter", no_keyboard},
    {"foot pedal", no_keyboard},
    {"footswitch", no_keyboard},
    {"macro", no_keyboard},
    {"ir receiver", no_keyboard},
    {"infrared", no_keyboard},
    {"flirc", no_keyboard},
    {"air mouse", no_keyboard},
    {"remote control", no_keyboard},
    {"gamepad", no_keyboard},
};

std::string listed(const std::vector<const HostUse*>& keyboards) {
  std::vector<std::string> texts;
  for (const auto* use : keyboards)
    texts.push_back(use->weak.empty() ? use->name : fmt::format("{}, {}", use->name, use->weak));
  return fmt::format("{}", fmt::join(texts, "; "));
}

/// Keyboards by what becomes of them.
struct Sorted {
  std::vector<const HostUse*> lost, weak_left;
  bool real_lost = false, real_left = false;
  bool early_lost = false,
       early_left = false;  ///< a real one that works before the root file system is there: not by Bluetooth
};

Sorted sorted(const Snapshot& snapshot, const std::set<PciAddress>& leaving) {
  Sorted found;
  for (const auto& use : snapshot.uses) {
    if (use.kind != UseKind::keyboard) continue;
    const bool gone = std::any_of(use.functions.begin(), use.functions.end(),
                                  [&](const PciAddress& address) { return leaving.count(address) != 0; });
    if (gone) {
      found.lost.push_back(&use);
      found.real_lost = found.real_lost || use.weak.empty();
      found.early_lost = found.early_lost || use.via != by_bluetooth;
    } else if (!use.weak.empty() || !use.unknown.empty()) {
      found.weak_left.push_back(&use);
    } else {
      found.real_left = true;
      found.early_left = found.early_left || use.via != by_bluetooth;
    }
  }
  return found;
}

PciAddress one_of(const HostUse& use, const std::set<PciAddress>& leaving) {
  for (const auto& function : use.functions)
    if (leaving.count(function)) return function;
  return *leaving.begin();
}

}  // namespace

std::string weak_keyboard(const KeyboardEvidence& evidence) {
  const std::string name = lowered(evidence.name);
  // Typed on at work, with a slot for the employee's card.
  if (name.find("keyboard") != std::string::npos && name.find("smart") != std::string::npos) return {};
  if (evidence.fido) return security_key;
  for (const auto& each : known)
    if (evidence.vendor == each.vendor && (each.product == 0 || evidence.product == each.product)) return each.what;
  for (const auto& each : words)
    if (name.find(each.word) != std::string::npos) return each.what;
  // A receiver for both calls itself neither, or both; the keyboard comes first there.
  const bool calls_itself_keyboard =
      name.find("keyboard") != std::string::npos && name.find("mouse keyboard") == std::string::npos;
  if (evidence.mouse_first || (name.find("mouse") != std::string::npos && !calls_itself_keyboard)) return mouse;
  return {};
}

void guard_last_keyboard(const Snapshot& snapshot, const std::set<PciAddress>& leaving, bool given_up,
                         std::vector<Finding>& findings) {
  const Sorted keyboards = sorted(snapshot, leaving);
  const bool typed = !snapshot.root_passphrase.empty() && keyboards.early_lost;
  if (keyboards.lost.empty() || (typed ? keyboards.early_left : keyboards.real_left)) return;
  // Nobody types on what was lost, and there is more of the same.
  if (!keyboards.real_lost && !keyboards.weak_left.empty()) return;
  const std::string at = to_string(one_of(*keyboards.lost.front(), leaving));
  std::string message = fmt::format("the host's last keyboard ({}) is attached to it", listed(keyboards.lost));
  if (!keyboards.weak_left.empty())
    message += fmt::format("; what stays is nothing to log in with: {}", listed(keyboards.weak_left));
  else if (keyboards.real_left)
    message += "; what stays is connected by Bluetooth, which works later";
  if (typed) {
    findings.push_back(
        {"last-keyboard", Severity::error, at,
         message + fmt::format(", and the passphrase of {}, below the root file system, is typed on it "
                               "before anything else runs",
                               snapshot.root_passphrase),
         "Plug a keyboard into a socket that stays with the host; or open the root disk another way first "
         "(a key file or TPM in /etc/crypttab, dropbear-initramfs)"});
    return;
  }
  findings.push_back({"last-keyboard", given_up ? Severity::warning : Severity::error, at, message,
                      "Plug the keyboard into a socket that stays with the host, or write may_lose = [\"keyboard\"] "
                      "under [host]"});
}

}  // namespace hostsplit
