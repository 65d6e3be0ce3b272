#include "core/phone/place.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "core/base/error.hpp"
#include "core/base/number.hpp"

namespace hostsplit {
namespace {

Error not_one(const std::string& text, const std::string& why) {
  return {"use", "--web=" + printable(text), why, "Give an address of this host, for example --web=192.168.1.10:8080",
          Error::Kind::bad_input};
}

std::uint16_t port_of(const std::string& text, const std::string& port) {
  const auto number = parse_number<std::uint16_t>(port).value_or(0);
  if (number == 0) throw not_one(text, "a port is a number from 1 to 65535");
  return number;
}

PhonePlace place_in(const std::string& text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string::npos) throw not_one(text, "there is no \"]\"");
    PhonePlace place{text.substr(1, end - 1)};
    if (!place.v6()) throw not_one(text, "only IPv6 addresses stand in brackets");
    if (end + 1 == text.size()) return place;
    if (text[end + 1] != ':') throw not_one(text, "behind \"]\" comes \":\" and a port");
    place.port = port_of(text, text.substr(end + 2));
    return place;
  }
  const auto colon = text.find(':');
  if (colon == std::string::npos || text.find(':', colon + 1) != std::string::npos) return {text};
  return {text.substr(0, colon), port_of(text, text.substr(colon + 1))};
}

}  // namespace

PhonePlace parse_phone_place(const std::string& text) {
  if (text.empty()) return {};
  PhonePlace place = place_in(text);
  in_addr four{};
  in6_addr six{};
  if (place.v6()) {
    if (inet_pton(AF_INET6, place.address.c_str(), &six) != 1) throw not_one(text, "that is no address");
    if (IN6_IS_ADDR_UNSPECIFIED(&six) || IN6_IS_ADDR_MULTICAST(&six) || IN6_IS_ADDR_V4MAPPED(&six))
      throw not_one(text, "that is no address of one interface");
    if (IN6_IS_ADDR_LINKLOCAL(&six)) throw not_one(text, "browsers cannot open a link-local address");
    char shortest[INET6_ADDRSTRLEN];  // as browsers write it in the header "Host"
    place.address = inet_ntop(AF_INET6, &six, shortest, sizeof shortest);
    return place;
  }
  if (inet_pton(AF_INET, place.address.c_str(), &four) != 1) throw not_one(text, "that is no address");
  if (four.s_addr == INADDR_ANY || four.s_addr == INADDR_BROADCAST || IN_MULTICAST(ntohl(four.s_addr)))
    throw not_one(text, "that is no address of one interface");
  return place;
}

std::string authority(const PhonePlace& place) {
  return fmt::format(fmt::runtime(place.v6() ? "[{}]:{}" : "{}:{}"), place.address, place.port);
}

}  // namespace hostsplit
