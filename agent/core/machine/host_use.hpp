#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/machine/pci.hpp"

namespace hostsplit {

/// What somebody uses a device for.
enum class UseKind { mount, swap, lvm, zfs, md, network, keyboard, input, console, key, process, guest };
const char* to_string(UseKind kind);

/// A line of a VM's configuration, and the file or volume it names: "scsi1" and "/dev/disk/by-id/ata-WDC_A".
struct GuestLine {
  std::string key, file;
  bool operator==(const GuestLine&) const = default;
};

/// What is open on a disk: a mapping of device mapper, or a volume group with active volumes (dm/uuid says which).
struct OpenMapping {
  enum class Kind { luks, crypt, group, other };  ///< crypt: of dm-crypt without LUKS
  Kind kind = Kind::other;
  std::string name;  ///< "cryptbackup", of a group "usbvg"
  auto operator<=>(const OpenMapping&) const = default;
};

/// What the host or a guest uses, and all PCI functions it depends on.
struct HostUse {
  UseKind kind = UseKind::mount;
  std::string name;                   ///< "/", "vmbr0", "/dev/sda2", "AT Keyboard", "VM 105"
  std::string device;                 ///< kernel device it depends on: "sda2", "enp5s0", "input3"
  std::vector<PciAddress> functions;  ///< each one is needed; empty: none (a PS/2 keyboard, a disk of the platform)
  bool lifeline = false;  ///< it must not be lost: mounts, swap, volume managers, networks in use, consoles, open disks
  bool root = false;      ///< the boot depends on it: `/`, `/boot`, the ESP and what they depend on; never given up
  std::string unknown = {};  ///< why it could not be followed; then `functions` are those that may carry it, empty: any
  std::string weak = {};     ///< of a keyboard: why nobody can log in with it ("a security key"); empty for a real one
  std::string via = {};      ///< what is between, for people: "iSCSI at 10.0.0.5 over enp3s0"
  std::optional<int> guest = {};       ///< of kind `guest`: whose it is
  bool stored = false;                 ///< of kind `guest`: a volume or directory that lies there, no device
  std::optional<GuestLine> line = {};  ///< of kind `guest`: what its VM does not start without
  std::vector<OpenMapping> open = {};  ///< of kind `lvm`: what is open on the device, in the order of closing it
  bool operator==(const HostUse&) const = default;
};

}  // namespace hostsplit
