#include "core/phone/messages.hpp"

#include "core/base/number.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

/// Versions 1 to 10: more than any URL of ours needs.
constexpr std::size_t least_side = 21, most_side = 57;

}  // namespace

std::string encode(const PhoneMessage& message) {
  return message.word + "\n" + message.text;
}

PhoneMessage decode(std::string_view datagram) {
  const auto word = cut(datagram, '\n');
  return {std::string(word), std::string(datagram)};
}

std::string to_text(const PhoneStart& start) {
  return start.authority + "\n" + start.token + "\n" + start.cookie + "\n" + start.nonce;
}

std::optional<PhoneStart> start_from(std::string_view text) {
  PhoneStart start;
  for (std::string* part : {&start.authority, &start.token, &start.cookie, &start.nonce}) {
    *part = cut(text, '\n');
    if (part->empty()) return std::nullopt;
  }
  return start;
}

std::string to_text(const PhoneAnswer& answer) {
  return std::to_string(answer.number) + "\n" + answer.name;
}

std::optional<PhoneAnswer> answer_from(std::string_view text) {
  const auto number = parse_number<unsigned>(cut(text, '\n'));
  if (!number) return std::nullopt;
  return PhoneAnswer{*number, std::string(text)};
}

std::string to_text(const QrCode& code) {
  return std::to_string(code.side) + "\n" + code.modules;
}

QrCode code_from(std::string_view text) {
  const auto side = parse_number<std::size_t>(cut(text, '\n'));
  if (!side || *side < least_side || *side > most_side || text.size() != *side * *side) return {};
  if (text.find_first_not_of("01") != std::string_view::npos) return {};
  return {*side, std::string(text)};
}

}  // namespace hostsplit
