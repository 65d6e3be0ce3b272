#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/inventory/interface_match.hpp"
#include "host/system/root.hpp"

/// Interfaces that settings of the host give an address, or make a part of something, at boot: whatever they do now.
namespace hostsplit::inventory_parts {

/// /etc/network/interfaces, interfaces.new that Proxmox VE puts into its place at the next boot, and all that they name
/// by `source` and `source-directory`, as one text without those lines; lines that go on behind a backslash are one.
std::string read_interfaces_text(const Root& root);
/// interfaces(5), also as ifupdown2 and Open vSwitch have it.
/// \param present  interfaces that are there: what patterns are compared with
/// \param others   what else they are called, which commands may do as well
std::set<std::string> configured_by_interfaces(std::string_view text, const std::vector<std::string>& present,
                                               const OtherNames& others);

struct OtherNetworkSettings {
  std::set<std::string> interfaces;
  std::string addresses;  ///< that they give to interfaces, in words as they are written
};
/// By systemd-networkd, NetworkManager, FRR, PPP over Ethernet or netconsole; addresses of WireGuard.
OtherNetworkSettings configured_elsewhere(const Root& root, const std::vector<std::string>& present);

struct InitramfsNetwork {
  std::set<std::string> interfaces;  ///< that are there, by their names now
  std::string missing;               ///< the one it is told to use, where no interface has that name
};
/// Interfaces the initramfs brings up to open the root disk or to find it: ip=, BOOTIF= and others of the kernel's
/// parameters, DEVICE= and IP= of initramfs.conf(5). Once the host is up they may be idle.
InitramfsNetwork read_initramfs_network(const Root& root, const std::vector<std::string>& present,
                                        const OtherNames& others);

/// Lines without blanks at either end; one that ends in a backslash goes on in the next.
std::vector<std::string> continued_lines(std::string_view text);
/// True for a pattern of a shell, as in glob(7).
bool is_shell_pattern(std::string_view text);
bool fits_shell_pattern(const std::string& pattern, const std::string& name);

}  // namespace hostsplit::inventory_parts
