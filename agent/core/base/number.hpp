#pragma once
#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>

namespace hostsplit {

/// A whole number and nothing else: no blanks, no sign, no prefix, no overflow, nothing behind it.
template <std::integral Number>
std::optional<Number> parse_number(std::string_view text, int base = 10) {
  if (text.empty() || text.front() == '-') return {};
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return value;
}

/// The same with exactly `digits` digits, as the kernel prints numbers of fixed width.
template <std::integral Number>
std::optional<Number> parse_fixed(std::string_view text, std::size_t digits, int base) {
  if (text.size() != digits) return {};
  return parse_number<Number>(text, base);
}

}  // namespace hostsplit
