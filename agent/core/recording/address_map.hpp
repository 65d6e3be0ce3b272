#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// Replaces IP addresses so that two have as many leading bits in common as before: an address stays in its network,
/// and networks stay apart. (Xu, Fan, Ammar, Moon: prefix-preserving IP address anonymization, 2002.)
class AddressMap {
 public:
  using Bytes = std::vector<unsigned char>;  ///< 4 or 16, in network order

  explicit AddressMap(std::uint64_t seed) : seed_(seed) {}

  /// A network that is routed to: what is zero behind its prefix stays zero. Before the first call of replaced().
  void add_network(const Bytes& network, int length);

  /// Addresses that are the same everywhere (unspecified, loopback, link-local, multicast, masks) stay; private ones
  /// stay private.
  Bytes replaced(const Bytes& address) const;

  /// The text with every address in it replaced, dotted or with colons, with or without a prefix length.
  std::string in_text(std::string_view text) const;

 private:
  bool flips(const Bytes& address, std::size_t bit) const;
  std::uint64_t seed_;
  std::map<Bytes, std::vector<int>> networks_;  ///< network -> lengths
};

}  // namespace hostsplit
