#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// A line of crypttab(5), or kernel parameters that say the same of all mappings or of one.
struct CrypttabEntry {
  std::string name;             ///< of the mapping; of a kernel parameter its own
  std::string source;           ///< the encrypted device as written
  std::string key;              ///< the third field, "none" when there is none
  std::string options;          ///< the fourth
  bool of_kernel = false;       ///< from the kernel command line: read by the initramfs
  std::string name_of_mapping;  ///< of a kernel parameter with a UUID: as systemd calls what it opens

  /// One of the options is this word.
  bool option(std::string_view word) const;
  /// Of the option that begins so.
  std::string value(std::string_view begins) const;
  /// Name of the key script, without its directory.
  std::string script() const;
  /// A passphrase or PIN is asked for: at first, or when the key is not there.
  /// \param by_systemd  it is opened by systemd-cryptsetup(8), which knows tpm2-device=; cryptsetup-initramfs does not
  bool typed(bool by_systemd) const;
  bool pkcs11() const;
  bool security_key() const;  ///< FIDO2, or a script for YubiKeys
  bool card() const;          ///< a script that decrypts the key with a smart card
  bool derived() const;       ///< from the mapping that is named as its key
  bool names_file() const;    ///< the third field is a file or a device, if it is anything
  /// A script that reads what it likes, from a stick too: not one that is known not to.
  bool own_script() const;
};

/// Of /etc/crypttab and of the kernel command line (systemd-cryptsetup-generator(8)).
std::vector<CrypttabEntry> read_crypttab(const Root& root);

/// "DEVICE:/file" of Debian's passdev, "/file:DEVICE" of systemd, or a device itself; empty for anything else.
std::string device_in(const std::string& key);

}  // namespace hostsplit::inventory_parts
