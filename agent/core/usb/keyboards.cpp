#include "core/usb/keyboards.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base/text.hpp"
#include "core/machine/use_via.hpp"

namespace hostsplit {
namespace {

constexpr auto security_key = "a security key", scanner = "a scanner or card reader",
               bmc = "the remote console of the BMC", mouse = "a mouse with keys",
               no_keyboard = "no keyboard to type on";
// These count as none where they stay, as keyboards where they are lost.
constexpr auto in_doubt = "maybe no keyboard to type on", maybe_mouse = "a mouse with keys, or a keyboard's receiver";

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
    {0x046d, 0xc53e, no_keyboard},   // Logitech Spotlight
    {0x256c, 0, no_keyboard},        // tablets to draw on: Huion, Gaomon
    {0x28bd, 0, no_keyboard},        // XP-Pen
    {0x056a, 0, no_keyboard},        // Wacom
    {0x28de, 0, no_keyboard},        // Valve: controllers for games, and their receivers
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

/// What a word means of a device whose own name has "keyboard" in it as well.
enum class BesideKeyboard {
  means_it,  ///< the same: "Virtual Keyboard"
  doubtful,  ///< perhaps the same: "Scanner Keyboard"
  a_part,    ///< a part of it where it comes behind: "Keyboard with Numeric Keypad"; else perhaps the same
  nothing    ///< it is a keyboard: "Macro Keyboard", "Tablet Keyboard"
};
constexpr auto means_it = BesideKeyboard::means_it, doubtful = BesideKeyboard::doubtful,
               a_part = BesideKeyboard::a_part, nothing = BesideKeyboard::nothing;

/// Words of names, lower case.
constexpr struct {
  const char* word;
  const char* what;
  BesideKeyboard beside;
} words[] = {
    {"yubikey", security_key, means_it},
    {"yubico", security_key, means_it},
    {"security key", security_key, means_it},
    {"nitrokey", security_key, means_it},
    {"onlykey", security_key, means_it},
    {"solokey", security_key, means_it},
    {"fido", security_key, doubtful},
    {"u2f", security_key, doubtful},
    {"barcode", scanner, doubtful},
    {"bar code", scanner, doubtful},
    {"scanner", scanner, doubtful},
    {"rfid", scanner, doubtful},
    {"card reader", scanner, doubtful},
    {"magstripe", scanner, doubtful},
    {"magnetic stripe", scanner, doubtful},
    {"sycreader", scanner, means_it},
    {"virtual keyboard", bmc, means_it},
    {"megatrends", bmc, means_it},
    {"ipmi", bmc, means_it},
    {"idrac", bmc, means_it},
    {"openbmc", bmc, means_it},
    {"virtual_input", bmc, means_it},
    {"hermon", bmc, means_it},
    {"avocent", bmc, means_it},
    {"bmc", bmc, means_it},
    {"pikvm", bmc, means_it},
    {"nanokvm", bmc, means_it},
    {"jetkvm", bmc, means_it},
    {"tinypilot", bmc, means_it},
    {"blikvm", bmc, means_it},
    {"comet kvm", bmc, means_it},
    {"rkvm", bmc, means_it},
    {"stream deck", no_keyboard, means_it},
    {"steam controller", no_keyboard, means_it},
    {"presenter", no_keyboard, doubtful},
    {"spotlight", no_keyboard, doubtful},
    {"foot pedal", no_keyboard, doubtful},
    {"footswitch", no_keyboard, doubtful},
    {"keypad", no_keyboard, a_part},
    {"numpad", no_keyboard, a_part},
    {"number pad", no_keyboard, a_part},
    {"numeric", no_keyboard, a_part},
    {"tablet", no_keyboard, nothing},
    {"macro", no_keyboard, nothing},
    {"ir receiver", no_keyboard, doubtful},
    {"infrared", no_keyboard, doubtful},
    {"flirc", no_keyboard, means_it},
    {"air mouse", no_keyboard, doubtful},
    {"remote control", no_keyboard, doubtful},
    {"gamepad", no_keyboard, doubtful},
};

bool speaks_of(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// Whether the device itself says keyboard. The kernel writes "Keyboard" behind the name of one input device of several
/// (drivers/hid/hid-input.c); then maker and product stand once before it and once after.
bool calls_itself_keyboard(std::string_view name) {
  constexpr std::string_view keyboard = "keyboard";
  const auto at = name.rfind(keyboard);
  if (at == std::string_view::npos) return false;
  const auto before = name.substr(0, at), behind = name.substr(at + keyboard.size());
  return speaks_of(before, keyboard) || trimmed(before) != trimmed(behind);
}

const char* known_by_ids(const KeyboardEvidence& evidence) {
  for (const auto& each : known)
    if (evidence.vendor == each.vendor && (each.product == 0 || evidence.product == each.product)) return each.what;
  return nullptr;
}

/// \param name  in lower case
const char* known_by_name(std::string_view name) {
  const bool keyboard = calls_itself_keyboard(name);
  const char* found = nullptr;
  for (const auto& each : words) {
    const auto at = name.find(each.word);
    if (at == std::string_view::npos || (keyboard && each.beside == nothing)) continue;
    if (keyboard && each.beside == a_part && name.find("keyboard") < at) continue;
    if (!keyboard || each.beside == means_it) return each.what;
    found = in_doubt;
  }
  return found;
}

/// Ids say more than names. \return nullptr for what is not known
const char* known_as(const KeyboardEvidence& evidence) {
  const char* by_ids = known_by_ids(evidence);
  return by_ids ? by_ids : known_by_name(lowered(evidence.name));
}

std::string listed(const std::vector<const HostUse*>& keyboards) {
  std::vector<std::string> texts;
  for (const auto* use : keyboards)
    texts.push_back(use->weak.empty() ? use->name : fmt::format("{}, {}", use->name, use->weak));
  return fmt::format("{}", fmt::join(texts, "; "));
}

/// The VM that takes it by its own configuration.
std::optional<int> taken_by(const HostUse& use, const GuestTakes& guests) {
  const auto keyboard = guests.keyboards.find(use.device);
  if (keyboard != guests.keyboards.end()) return keyboard->second;
  for (const auto& function : use.functions)
    if (const auto at = guests.functions.find(function); at != guests.functions.end()) return at->second;
  return std::nullopt;
}

/// A passphrase is typed on it, or comes out of it as from a keyboard: of a security key, a scanner.
bool enters_text(const HostUse& use) {
  return use.weak != mouse && use.weak != no_keyboard;
}

/// Keyboards by what becomes of them.
struct Sorted {
  std::vector<const HostUse*> lost, weak_left;
  std::vector<std::pair<const HostUse*, int>> taken;  ///< by which VM
  bool real_lost = false, real_left = false;
  bool console_lost = false;  ///< the remote console of the BMC: all that a host without a keyboard has
  /// Before the root file system is there, and so not by Bluetooth: one that enters a passphrase, and a real one.
  bool early_lost = false, early_left = false;
};

Sorted sorted(const Snapshot& snapshot, const KeyboardsAtStake& at_stake) {
  Sorted found;
  for (const auto& use : snapshot.uses) {
    if (use.kind != UseKind::keyboard) continue;
    const bool gone = std::any_of(use.functions.begin(), use.functions.end(),
                                  [&](const PciAddress& address) { return at_stake.leaving.count(address) != 0; });
    if (gone) {
      found.lost.push_back(&use);
      found.real_lost = found.real_lost || use.weak.empty() || use.weak == in_doubt || use.weak == maybe_mouse;
      found.console_lost = found.console_lost || use.weak == bmc;
      found.early_lost = found.early_lost || (use.via != by_bluetooth && enters_text(use));
    } else if (!use.weak.empty() || !use.unknown.empty()) {
      found.weak_left.push_back(&use);
    } else {
      // A VM that takes it starts when the root file system is long there.
      found.early_left = found.early_left || use.via != by_bluetooth;
      if (const auto vm = taken_by(use, at_stake.guests))
        found.taken.emplace_back(&use, *vm);
      else
        found.real_left = true;
    }
  }
  return found;
}

/// What stays and does not help.
std::string left_text(const Sorted& keyboards) {
  std::string text;
  if (!keyboards.weak_left.empty())
    text += fmt::format("; what stays is nothing to log in with: {}", listed(keyboards.weak_left));
  for (const auto& [use, vm] : keyboards.taken) text += fmt::format("; VM {} takes {}", vm, use->name);
  if (text.empty() && keyboards.real_left) text = "; what stays is connected by Bluetooth, which works later";
  return text;
}

PciAddress one_of(const HostUse& use, const std::set<PciAddress>& leaving) {
  for (const auto& function : use.functions)
    if (leaving.count(function)) return function;
  return *leaving.begin();
}

}  // namespace

bool is_fido_descriptor(std::string_view descriptor) {
  constexpr unsigned usage_page = 0x04, long_item = 0xfe, size_bits = 0x03;
  constexpr std::size_t longest = 4, long_head = 2;
  const auto byte = [&](std::size_t at) -> std::size_t {
    return at < descriptor.size() ? static_cast<unsigned char>(descriptor[at]) : 0;
  };
  for (std::size_t at = 0; at < descriptor.size();) {
    const std::size_t head = byte(at);
    std::size_t size = head & size_bits;
    if (size == size_bits) size = longest;
    if (head == long_item) size = long_head + byte(at + 1);
    if (head - (head & size_bits) == usage_page && descriptor.substr(at + 1, size).starts_with("\xd0\xf1")) return true;
    at += 1 + size;
  }
  return false;
}

bool is_security_key(const KeyboardEvidence& evidence) {
  // A keyboard with a slot for the employee's card is typed on.
  if (evidence.fido || (evidence.smart_card && !evidence.boot_keyboard)) return true;
  const char* what = known_as(evidence);
  return what && std::string_view(what) == security_key;
}

std::string weak_keyboard(const KeyboardEvidence& evidence) {
  const std::string name = lowered(evidence.name);
  // Typed on at work, with a slot for the employee's card.
  if (speaks_of(name, "keyboard") && speaks_of(name, "smart")) return {};
  if (is_security_key(evidence)) return security_key;
  if (const char* what = known_as(evidence)) return what;
  // A receiver for both mostly calls itself neither, or both, and the keyboard comes first there.
  const bool keyboard_first = evidence.boot_keyboard && !evidence.mouse_first;
  if (speaks_of(name, "mouse") && !calls_itself_keyboard(name) && !keyboard_first) return mouse;
  const bool only_mouse =
      speaks_of(name, "mouse") && (!speaks_of(name, "keyboard") || speaks_of(name, "mouse keyboard"));
  if (evidence.mouse_first || only_mouse) return maybe_mouse;
  return {};
}

namespace {

/// A passphrase that is typed on the last keyboard, and so cannot be given up: what is said of it, and the remedy.
struct Typed {
  std::string words, remedy;
};

std::optional<Typed> typed_passphrase(const Snapshot& snapshot) {
  const std::string plug = "Plug a keyboard into a socket that stays with the host; or ";
  if (!snapshot.root_passphrase.empty())
    return Typed{
        fmt::format(", and the passphrase of {}, below the root file system, is typed on it before anything else runs",
                    snapshot.root_passphrase),
        plug + "open the root disk another way first (" +
            (snapshot.root_on_dataset ? "dropbear-initramfs with zfsunlock)"
                                      : "a key file or TPM in /etc/crypttab, dropbear-initramfs)")};
  if (!snapshot.boot_passphrase.empty())
    return Typed{fmt::format(", and the boot waits without end for the passphrase of {}, which is typed on it before "
                             "anybody can log in",
                             snapshot.boot_passphrase),
                 plug + fmt::format("write nofail into the options of {} in /etc/crypttab and of what is mounted from "
                                    "it in /etc/fstab, or open it by a key file or TPM",
                                    snapshot.boot_passphrase)};
  if (!snapshot.boot_dataset.empty())
    return Typed{fmt::format(", and the boot ends in emergency mode without the passphrase of {}, which is typed on it",
                             snapshot.boot_dataset),
                 plug + fmt::format("let the boot go on without its file systems (org.openzfs.systemd:nofail=on of {}, "
                                    "see zfs-mount-generator(8)), or open it by a key file",
                                    snapshot.boot_dataset)};
  return std::nullopt;
}

}  // namespace

void guard_last_keyboard(const Snapshot& snapshot, const KeyboardsAtStake& at_stake, std::vector<Finding>& findings) {
  const Sorted keyboards = sorted(snapshot, at_stake);
  const auto passphrase = typed_passphrase(snapshot);
  const bool typed = passphrase && keyboards.early_lost && !keyboards.early_left;
  if (keyboards.lost.empty() || (keyboards.real_left && !typed)) return;
  // Nobody types on what was lost; but a security key or a scanner may enter a passphrase by itself.
  const bool of_use = keyboards.console_lost || typed;
  if (!keyboards.real_lost && !(of_use && keyboards.weak_left.empty())) return;
  const std::string at = to_string(one_of(*keyboards.lost.front(), at_stake.leaving));
  const std::string message =
      fmt::format("the host's last keyboard ({}) is attached to it", listed(keyboards.lost)) + left_text(keyboards);
  if (typed) {
    findings.push_back({"last-keyboard", Severity::error, at, message + passphrase->words, passphrase->remedy});
    return;
  }
  findings.push_back({"last-keyboard", at_stake.given_up ? Severity::warning : Severity::error, at, message,
                      "Plug the keyboard into a socket that stays with the host, or write may_lose = [\"keyboard\"] "
                      "under [host]"});
}

}  // namespace hostsplit
