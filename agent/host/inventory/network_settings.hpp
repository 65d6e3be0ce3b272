#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/system/root.hpp"

/// Interfaces that settings of the host give an address, or make a part of something, at boot: whatever they do now.
namespace hostsplit::inventory_parts {

/// /etc/network/interfaces and all that it names by `source` and `source-directory`, as one text without those lines;
/// lines that go on behind a backslash are one.
std::string read_interfaces_text(const Root& root);
/// interfaces(5), also as ifupdown2 and Open vSwitch have it.
/// \param present  interfaces that are there: what patterns are compared with
std::set<std::string> configured_by_interfaces(std::string_view text, const std::vector<std::string>& present);
/// By systemd-networkd, NetworkManager, PPP over Ethernet or netconsole.
std::set<std::string> configured_elsewhere(const Root& root, const std::vector<std::string>& present);

/// Lines without blanks at either end; one that ends in a backslash goes on in the next.
std::vector<std::string> continued_lines(std::string_view text);
/// True for a pattern of a shell, as in glob(7).
bool is_shell_pattern(std::string_view text);
bool fits_shell_pattern(const std::string& pattern, const std::string& name);

}  // namespace hostsplit::inventory_parts
