#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/machine/pci.hpp"
#include "host/inventory/network_settings.hpp"
#include "host/system/root.hpp"

namespace hostsplit::inventory_parts {

/// Where packets to an address go.
struct Reach {
  std::vector<std::string> interfaces;
  std::vector<PciAddress> functions;  ///< of all of them
  std::string unknown;                ///< why it is not known; then the functions are those of all that may carry it
};

/// Network interfaces, what they are made of, and routes, as far as files below /proc and /sys tell.
class Network {
 public:
  explicit Network(const Root& root);

  const std::vector<std::string>& interfaces() const { return interfaces_; }
  /// The function below an interface itself; empty for virtual ones.
  std::optional<PciAddress> function_of(const std::string& interface) const;
  /// The interface and all it consists of: bridge ports, members of bonds and teams, parents of VLANs.
  std::set<std::string> with_lowers(const std::string& interface) const;
  /// Interfaces somebody uses: with a route or an address, those that carry others, those configured to have one, and
  /// all these consist of.
  std::set<std::string> in_use() const;
  /// Addresses of this host that no interface could be found for.
  std::vector<std::string> addresses_without_interface() const;
  /// \param host  an address, or a name that /etc/hosts knows
  Reach reach(const std::string& host) const;
  /// For what is reached over the network, nobody knows where: all interfaces but those that are idle and without link.
  Reach anywhere(const std::string& why) const;
  /// It has no link, or was not brought up.
  bool is_down(const std::string& interface) const;
  const InitramfsNetwork& initramfs() const { return initramfs_; }

 private:
  struct Route {
    std::vector<unsigned char> destination;  ///< 4 or 16 bytes
    int length = 0;
    std::string interface;
  };
  void read_ipv4();
  void read_ipv6();
  void read_settings();
  void read_neighbours();
  bool told(const std::string& address) const;
  bool link_local(const Route& route) const;
  bool works_without_addresses(const std::string& directory) const;
  Reach over(const std::set<std::string>& names, const std::string& host) const;
  void add_members(const std::string& interface, std::set<std::string>& found) const;

  const Root& root_;
  std::vector<std::string> interfaces_;
  std::vector<Route> routes_;
  std::set<std::string> addressed_;   ///< with an IPv6 address of more than link scope, or with neighbours
  std::set<std::string> configured_;  ///< settings give them an address or make them a part of something
  InitramfsNetwork initramfs_;
  std::string settings_;  ///< of interfaces(5), and addresses other settings give
};

}  // namespace hostsplit::inventory_parts
