#include "core/recording/address_map.hpp"

#include <arpa/inet.h>

#include <algorithm>

namespace hostsplit {
namespace {

using Bytes = AddressMap::Bytes;

/// Splittable random numbers' finalizer (Steele, Lea, Flood 2014): every bit of the input changes half of the output.
std::uint64_t mixed(std::uint64_t number) {
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9u;
  number = (number ^ (number >> 27)) * 0x94d049bb133111ebu;
  return number ^ (number >> 31);
}

bool bit_of(const Bytes& address, std::size_t bit) {
  return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

/// How many leading bits say what kind of address it is, and stay.
std::size_t kept_bits(const Bytes& a) {
  if (a.size() == 16) {
    if (a[0] == 0xff) return 128;
    if (a[0] == 0xfe && (a[1] & 0xc0) == 0x80) return 64;  // link-local; what follows is made of the hardware address
    if (std::all_of(a.begin(), a.end() - 1, [](auto byte) { return byte == 0; })) return 128;
    return (a[0] & 0xfe) == 0xfc ? 8 : 3;
  }
  if (a[0] == 0 || a[0] == 127 || a[0] >= 224) return 32;
  if (a[0] == 10) return 8;
  if (a[0] == 172 && (a[1] & 0xf0) == 16) return 12;
  // Beside the private and link-local ones are public ones: neither may become the other.
  return a[0] == 192 || a[0] == 169 || a[0] == 172 ? 16 : 8;
}

bool is_part_of_address(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
}

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

Bytes parsed(int family, const std::string& text) {
  Bytes bytes(family == AF_INET ? 4 : 16);
  if (inet_pton(family, text.c_str(), bytes.data()) != 1) bytes.clear();
  return bytes;
}

std::string written(const Bytes& address) {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text, sizeof text);
  return text;
}

}  // namespace

void AddressMap::add_network(const Bytes& network, int length) {
  if (length > 0 && static_cast<std::size_t>(length) < network.size() * 8) networks_[network].push_back(length);
}

/// Whether bit `bit` changes: a function of the bits before it alone, which is what keeps prefixes.
bool AddressMap::flips(const Bytes& address, std::size_t bit) const {
  Bytes before(address.size());
  for (std::size_t i = 0; i < bit; ++i)
    if (bit_of(address, i)) before[i / 8] |= static_cast<unsigned char>(0x80 >> (i % 8));
  if (const auto network = networks_.find(before); network != networks_.end())
    for (const int length : network->second)
      if (bit >= static_cast<std::size_t>(length)) return false;
  std::uint64_t state = mixed(seed_ + address.size() * 1000 + bit);
  for (const auto byte : before) state = mixed(state + byte + 0x9e3779b97f4a7c15u);
  return (state & 1) != 0;
}

Bytes AddressMap::replaced(const Bytes& address) const {
  Bytes result = address;
  for (std::size_t bit = kept_bits(address); bit < address.size() * 8; ++bit)
    if (flips(address, bit)) result[bit / 8] ^= static_cast<unsigned char>(0x80 >> (bit % 8));
  return result;
}

std::string AddressMap::in_text(std::string_view text) const {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && is_part_of_address(text[end])) ++end;
    if (end == at) {
      result += text[at++];
      // What follows a letter is part of a word, as "de" of "node".
      if (is_letter(result.back()))
        while (at < text.size() && (is_part_of_address(text[at]) || is_letter(text[at])) && text[at] != ':' &&
               text[at] != '.')
          result += text[at++];
      continue;
    }
    const std::string token(text.substr(at, end - at));
    const bool word_follows = end < text.size() && is_letter(text[end]);
    const Bytes six = word_follows || token.find(':') == std::string::npos ? Bytes() : parsed(AF_INET6, token);
    if (!six.empty()) {
      result += written(replaced(six));
      at = end;
      continue;
    }
    // Dotted ones between colons, as in ip=10.0.0.2::10.0.0.1:255.255.255.0.
    std::size_t stop = token.find(':');
    if (stop == 0) stop = 1;
    const std::string part = token.substr(0, std::min(stop, token.size()));
    const std::string dotted = part.substr(0, part.find_last_not_of('.') + 1);
    const bool versioned = !result.empty() && result.back() == '-';  // "1-2.1.3.4" is a port, "3-1.2.3.4" a version
    const Bytes four = versioned || (word_follows && part.size() == token.size()) ? Bytes() : parsed(AF_INET, dotted);
    result += four.empty() ? part : written(replaced(four)) + part.substr(dotted.size());
    at += part.size();
  }
  return result;
}

}  // namespace hostsplit
