#include "core/phone/messages.hpp"

#include <charconv>

namespace hostsplit {
namespace {

/// Versions 1 to 10: more than any URL of ours needs.
constexpr std::size_t least_side = 21, most_side = 57;

struct CutLine {
  std::string_view first, rest;
};

/// At the first line end.
CutLine cut_line(std::string_view text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return {text, {}};
  return {text.substr(0, end), text.substr(end + 1)};
}

template <class Number>
std::optional<Number> number_from(std::string_view text) {
  Number number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string encode(const PhoneMessage& message) {
  return message.word + "\n" + message.text;
}

PhoneMessage decode(std::string_view datagram) {
  const auto [word, text] = cut_line(datagram);
  return {std::string(word), std::string(text)};
}

std::string to_text(const PhoneStart& start) {
  return start.authority + "\n" + start.token + "\n" + start.cookie + "\n" + start.nonce;
}

std::optional<PhoneStart> start_from(std::string_view text) {
  PhoneStart start;
  for (std::string* part : {&start.authority, &start.token, &start.cookie, &start.nonce}) {
    const auto [first, rest] = cut_line(text);
    if (first.empty()) return std::nullopt;
    *part = first;
    text = rest;
  }
  return start;
}

std::string to_text(const PhoneAnswer& answer) {
  return std::to_string(answer.number) + "\n" + answer.name;
}

std::optional<PhoneAnswer> answer_from(std::string_view text) {
  const auto [first, name] = cut_line(text);
  const auto number = number_from<unsigned>(first);
  if (!number) return std::nullopt;
  return PhoneAnswer{*number, std::string(name)};
}

std::string to_text(const QrCode& code) {
  return std::to_string(code.side) + "\n" + code.modules;
}

QrCode code_from(std::string_view text) {
  const auto [first, modules] = cut_line(text);
  const auto side = number_from<std::size_t>(first);
  if (!side || *side < least_side || *side > most_side || modules.size() != *side * *side) return {};
  if (modules.find_first_not_of("01") != std::string_view::npos) return {};
  return {*side, std::string(modules)};
}

}  // namespace hostsplit
