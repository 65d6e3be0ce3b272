#pragma once
#include <cstdint>
#include <string>

namespace hostsplit {

/// Where the phone page listens: one address of this host.
struct PhonePlace {
  std::string address;     ///< IPv4 or IPv6, as inet_pton(3) reads it; empty: that of the default route
  std::uint16_t port = 0;  ///< 0: any that is free

  bool v6() const { return address.find(':') != std::string::npos; }
};
/// "", "192.168.1.10", "192.168.1.10:8080", "2001:db8::1", "[2001:db8::1]:8080". \throws Error(bad_input) for anything
/// else, and for addresses that are not one interface's: 0.0.0.0, ::, multicast.
PhonePlace parse_phone_place(const std::string& text);
/// As it stands in a URL.
std::string authority(const PhonePlace& place);

}  // namespace hostsplit
