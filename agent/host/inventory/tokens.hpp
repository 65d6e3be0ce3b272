#pragma once
#include <vector>

#include "core/machine/snapshot.hpp"
#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// What opens an encrypted disk together with a person.
enum class Token {
  security_key,  ///< FIDO2, or the challenge and response of a YubiKey
  smart_card     ///< PKCS#11, OpenPGP: a card in a reader, or a stick that is both
};

/// Controllers with devices that may be such a token, each once. All of them: which one opens a disk shows only when it
/// is asked.
std::vector<PciAddress> token_controllers(const Root& root, const Snapshot& snapshot, Token token);

}  // namespace hostsplit::inventory_parts
