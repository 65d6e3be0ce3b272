#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hostsplit {

/// What `hostsplit learn` and the process that serves its page to a phone send each other, one datagram each.
/// To the page: "start" (PhoneStart), "state" (JSON for the page), "taken" and "refused" (JSON; of the last answer).
/// From the page: "ready" (QrCode), "opened", "answer" (PhoneAnswer). It has no rights and faces the network: what it
/// sends is checked like anything from there.
struct PhoneMessage {
  std::string word;
  std::string text = {};
};
std::string encode(const PhoneMessage& message);
PhoneMessage decode(std::string_view datagram);

/// Longest datagrams. What is longer is not sent, and no message when it comes.
inline constexpr std::size_t most_to_page = 64 * 1024, most_from_page = 4096;

/// Where the page is, and the secrets of one run: without blanks and line ends.
struct PhoneStart {
  std::string authority;  ///< as in its URL and in the header "Host": "192.168.1.10:43210", "[2001:db8::1]:80"
  std::string token;      ///< opens the page once
  std::string cookie;     ///< its client is known by it
  std::string nonce;      ///< marks the scripts and styles that are the page's own
  std::string url() const { return "http://" + authority + "/?t=" + token; }
};
std::string to_text(const PhoneStart& start);
std::optional<PhoneStart> start_from(std::string_view text);

/// The name for a socket that was asked for in question `number`.
struct PhoneAnswer {
  unsigned number = 0;
  std::string name;
};
std::string to_text(const PhoneAnswer& answer);
std::optional<PhoneAnswer> answer_from(std::string_view text);

/// A square of modules, true for dark ones, without the light edge around it.
struct QrCode {
  std::size_t side = 0;  ///< 0: none
  std::string modules;   ///< '1' for dark, '0' for light, row by row

  bool dark(std::size_t row, std::size_t column) const { return modules[row * side + column] == '1'; }
};
std::string to_text(const QrCode& code);
/// \return one without modules for anything that is none
QrCode code_from(std::string_view text);

}  // namespace hostsplit
