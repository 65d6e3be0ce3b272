#include "host/inventory/routes.hpp"

#include <arpa/inet.h>

#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/network_settings.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

using Bytes = std::vector<unsigned char>;

std::optional<Bytes> address_bytes(const std::string& text) {
  Bytes bytes(16);
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(4);
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes;
  return std::nullopt;
}

/// Of /proc/net/route: a word of 32 bits in network order, printed in the host's, which is little-endian here.
std::optional<Bytes> route_word(std::string_view text) {
  const auto word = to_number<std::uint32_t>(text, 16);
  if (!word || text.size() != 8) return std::nullopt;
  return Bytes{static_cast<unsigned char>(*word), static_cast<unsigned char>(*word >> 8),
               static_cast<unsigned char>(*word >> 16), static_cast<unsigned char>(*word >> 24)};
}

int prefix_length(const Bytes& mask) {
  int length = 0;
  for (const unsigned char byte : mask)
    for (unsigned bit = 0x80; bit && (byte & bit); bit >>= 1) ++length;
  return length;
}

bool covers(const Bytes& destination, int length, const Bytes& address) {
  if (destination.size() != address.size()) return false;
  for (int bit = 0; bit < length; ++bit) {
    const unsigned char mask = static_cast<unsigned char>(0x80 >> (bit % 8));
    if ((destination[bit / 8] ^ address[bit / 8]) & mask) return false;
  }
  return true;
}

}  // namespace

Network::Network(const Root& root) : root_(root), interfaces_(root.list("sys/class/net")) {
  read_ipv4();
  read_ipv6();
  read_settings();
  read_neighbours();
}

/// Somebody talks over it, whatever the routes say: an address without a route of its own, in the network of another
/// card.
void Network::read_neighbours() {
  const auto text = root_.read("proc/net/arp").value_or("");
  for (const auto line : split(text, '\n'))
    if (const auto fields = words_of(line); fields.size() >= 6 && fields[2] != "0x0" && fields[2].starts_with("0x"))
      addressed_.emplace(fields[5]);
}

void Network::read_ipv4() {
  const auto text = root_.read("proc/net/route").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 8) continue;
    const auto destination = route_word(fields[1]), mask = route_word(fields[7]);
    if (destination && mask) routes_.push_back({*destination, prefix_length(*mask), std::string(fields[0])});
  }
}

void Network::read_ipv6() {
  const auto bytes_of = [](std::string_view hex) {
    Bytes bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
      bytes.push_back(to_number<unsigned char>(hex.substr(at, 2), 16).value_or(0));
    return bytes;
  };
  const auto routes = root_.read("proc/net/ipv6_route").value_or("");
  for (const auto line : split(routes, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 10 || fields[0].size() != 32 || fields.back() == "lo") continue;
    routes_.push_back({bytes_of(fields[0]), to_number<int>(fields[1], 16).value_or(128), std::string(fields.back())});
  }
  // address, index, prefix length, scope, flags, name; scope 20 is the link (net/ipv6/addrconf.c).
  const auto addresses = root_.read("proc/net/if_inet6").value_or("");
  for (const auto line : split(addresses, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() >= 6 && fields[3] != "20" && fields[3] != "10") addressed_.emplace(fields[5]);
  }
}

/// Who gets an address at boot, and who is a part of what.
void Network::read_settings() {
  const auto others = other_names(root_, interfaces_);
  settings_ = read_interfaces_text(root_);
  configured_ = configured_by_interfaces(settings_, interfaces_, others);
  auto elsewhere = configured_elsewhere(root_, interfaces_);
  configured_.merge(elsewhere.interfaces);
  settings_ += elsewhere.addresses;
  for (const auto& [name, interface] : others)
    if (configured_.contains(name)) configured_.insert(interface);
  initramfs_ = read_initramfs_network(root_, interfaces_, others);
  configured_.insert(initramfs_.interfaces.begin(), initramfs_.interfaces.end());
}

/// Settings give it to an interface, as to lo. Tailscale has none, but a range of its own (RFC 6598) and one interface.
bool Network::told(const std::string& address) const {
  const auto part = [](char c) { return c == '.' || (c >= '0' && c <= '9'); };
  for (auto at = settings_.find(address); at != std::string::npos; at = settings_.find(address, at + 1)) {
    const auto end = at + address.size();
    if ((at == 0 || !part(settings_[at - 1])) && (end == settings_.size() || !part(settings_[end]))) return true;
  }
  const auto bytes = address_bytes(address);
  return bytes && covers({100, 64, 0, 0}, 10, *bytes) &&
         std::any_of(interfaces_.begin(), interfaces_.end(),
                     [&](const auto& name) { return name.starts_with("tailscale") && !function_of(name); });
}

std::optional<PciAddress> Network::function_of(const std::string& interface) const {
  const auto path = device_path(root_, "sys/class/net/" + interface);
  return path ? nearest_function(*path) : std::nullopt;
}

void Network::add_members(const std::string& interface, std::set<std::string>& found) const {
  if (!found.insert(interface).second) return;
  const std::string directory = "sys/class/net/" + interface;
  for (const auto& entry : root_.list(directory))
    if (entry.starts_with("lower_")) add_members(entry.substr(6), found);
  for (const auto& port : root_.list(directory + "/brif")) add_members(port, found);
  const auto slaves = root_.read(directory + "/bonding/slaves", 4096).value_or("");
  for (const auto slave : words_of(slaves)) add_members(std::string(slave), found);
  // PPP over Ethernet: which interface it runs over (drivers/net/ppp/pppoe.c).
  if (!interface.starts_with("ppp")) return;
  const auto sessions = root_.read("proc/net/pppoe", 4096).value_or("");
  for (const auto line : split(sessions, '\n'))
    if (const auto fields = words_of(line); fields.size() >= 3 && fields[0] != "Id")
      add_members(std::string(fields.back()), found);
}

std::set<std::string> Network::with_lowers(const std::string& interface) const {
  std::set<std::string> found;
  add_members(interface, found);
  return found;
}

/// Every interface that is up has these: they tell nothing about its use.
bool Network::link_local(const Route& route) const {
  const auto& to = route.destination;
  if (to.size() == 4) return to[0] == 169 && to[1] == 254;
  return to[0] == 0xff || (to[0] == 0xfe && (to[1] & 0xc0) == 0x80);
}

/// CAN and IEEE 802.15.4 (ARPHRD_CAN, ARPHRD_IEEE802154): nobody brings them up who does not use them.
bool Network::works_without_addresses(const std::string& directory) const {
  const auto type = root_.read(directory + "/type", 32);
  if (type != "280" && type != "804") return false;
  const auto flags = root_.read(directory + "/flags", 32).value_or("0x0");
  return (to_number<unsigned>(std::string_view(flags).substr(std::min<std::size_t>(2, flags.size())), 16).value_or(0) &
          1) != 0;
}

std::set<std::string> Network::in_use() const {
  std::set<std::string> used;
  for (const auto& route : routes_)
    if (!link_local(route) && route.interface != "lo") add_members(route.interface, used);
  for (const auto& names : {addressed_, configured_})
    for (const auto& interface : names)
      if (interface != "lo") add_members(interface, used);
  for (const auto& interface : interfaces_) {
    const std::string directory = "sys/class/net/" + interface;
    // Bridges and bonds somebody made on purpose, and the Open vSwitch datapath below which all its ports are.
    if (interface.starts_with("vmbr") || interface == "ovs-system" || root_.exists(directory + "/bridge") ||
        root_.exists(directory + "/bonding"))
      add_members(interface, used);
    for (const auto& entry : root_.list(directory))
      if (entry.starts_with("upper_") || entry == "master") add_members(interface, used);
    if (works_without_addresses(directory)) used.insert(interface);
  }
  return used;
}

std::vector<std::string> Network::addresses_without_interface() const {
  std::vector<std::string> lost;
  std::string last;
  const auto text = root_.read("proc/net/fib_trie").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() >= 2 && fields[0] == "|--") last = std::string(fields[1]);
    if (fields.size() < 3 || fields[0] != "/32" || fields[1] != "host" || fields[2] != "LOCAL") continue;
    const auto address = address_bytes(last);
    if (!address || address->front() == 127) continue;
    // A route to its network, not the default route, shows the interface; and settings may name it, as for lo.
    const bool known = std::any_of(routes_.begin(), routes_.end(), [&](const Route& route) {
      return route.length > 0 && covers(route.destination, route.length, *address);
    });
    if (!known && !told(last) && std::find(lost.begin(), lost.end(), last) == lost.end()) lost.push_back(last);
  }
  return lost;
}

Reach Network::anywhere(const std::string& why) const {
  Reach reach;
  reach.unknown = why;
  const auto used = in_use();
  std::vector<PciAddress> all;
  for (const auto& interface : interfaces_) {
    const auto function = function_of(interface);
    if (!function) continue;
    all.push_back(*function);
    if (used.contains(interface) || !is_down(interface)) reach.functions.push_back(*function);
  }
  if (reach.functions.empty()) reach.functions = std::move(all);
  return reach;
}

bool Network::is_down(const std::string& interface) const {
  return root_.read("sys/class/net/" + interface + "/operstate", 64) == "down";
}

Reach Network::reach(const std::string& host) const {
  // "fe80::1%eth0" says itself over which interface.
  if (const auto scope = host.find('%'); scope != std::string::npos) return over({host.substr(scope + 1)}, host);
  auto address = address_bytes(host);
  if (!address) {
    const auto hosts = root_.read("etc/hosts").value_or("");
    for (const auto line : split(hosts, '\n')) {
      const auto fields = words_of(line);
      if (!address && std::find(fields.begin(), fields.end(), host) != fields.end())
        address = address_bytes(std::string(fields[0]));
    }
  }
  if (!address) return anywhere("the address of " + host + " is not known");
  if (address->size() == 4 && address->front() == 127) return {};
  int best = -1;
  std::set<std::string> names;
  for (const auto& route : routes_) {
    if (route.length < best || !covers(route.destination, route.length, *address)) continue;
    if (route.length > best) names.clear();
    best = route.length;
    names.insert(route.interface);
  }
  if (names.empty()) return anywhere("no route to " + host + " was found");
  return over(names, host);
}

/// The hardware of all of these interfaces.
Reach Network::over(const std::set<std::string>& names, const std::string& host) const {
  Reach found;
  for (const auto& name : names) {
    bool hardware = false;
    for (const auto& part : with_lowers(name))
      if (const auto function = function_of(part)) found.functions.push_back(*function), hardware = true;
    if (!hardware && name != "lo") return anywhere(host + " is reached over " + name + ", which shows no hardware");
    found.interfaces.push_back(name);
  }
  return found;
}

}  // namespace hostsplit::inventory_parts
