#pragma once
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// What opens an encrypted disk together with a person.
enum class Token {
  security_key,  ///< FIDO2, or the challenge and response of a YubiKey
  smart_card     ///< PKCS#11, OpenPGP: a card in a reader, or a stick that is both
};

/// An interface of a USB device ("sys/.../1-2:1.0") has the report descriptor of a FIDO token.
bool reports_fido(const Root& root, const std::string& interface);
/// It is a smart card reader: class CCID (usb.org, class codes).
bool reads_cards(const Root& root, const std::string& interface);

/// Controllers with devices that may be such a token, each once. All of them: which one opens a disk shows only when it
/// is asked.
std::vector<PciAddress> token_controllers(const Root& root, const Snapshot& snapshot, Token token);

}  // namespace hostsplit::inventory_parts
