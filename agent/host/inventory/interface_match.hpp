#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "host/system/root.hpp"

/// What settings call network interfaces: names, patterns, hardware addresses.
namespace hostsplit::inventory_parts {

/// A line of a file with sections, as systemd and NetworkManager have them.
struct KeyLine {
  std::string section, key, value;
};
std::vector<KeyLine> key_lines(const std::string& text);

/// `no`, `false` and so on, as systemd and NetworkManager read them.
bool means_no(const std::string& value);
/// `Name=enx* !enx1`: an exclamation mark turns the whole list around (systemd.network(5)).
bool fits_list(std::string list, const std::string& name);
/// \param address  in any of the usual ways to write it: "00:11:22-AA", "0011.22aa"
bool has_hardware_address(const Root& root, const std::string& interface, std::string_view address);
/// \param list  "ether", "wlan", "loopback", or several of them, as systemd.network(5) has them in Type=
bool has_interface_type(const Root& root, const std::string& interface, const std::string& list);
/// The section [Match] of systemd.network(5) and systemd.link(5): all that it says must fit; what is not known here
/// may.
bool matches_interface(const Root& root, const std::vector<KeyLine>& file, const std::string& interface);

/// Other names of interfaces that are there, and whose they are. Several may get one name at the next boot.
using OtherNames = std::multimap<std::string, std::string>;
/// Alternative names udev gave them, and names *.link files give them at the next boot (systemd.link(5)).
OtherNames other_names(const Root& root, const std::vector<std::string>& present);

}  // namespace hostsplit::inventory_parts
