#include "core/machine/nvlist.hpp"

#include <cstdint>
#include <optional>

namespace hostsplit {
namespace {

/// Pairs are size, decoded size, key, type, count, value. Numbers are 32 bits, big-endian; strings are padded to four
/// bytes.
constexpr std::uint32_t string_type = 9;

std::uint32_t word_at(const std::string& data, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(data[at + i]);
  return number;
}

std::optional<std::string> take_text(const std::string& data, std::size_t& at) {
  if (at + 4 > data.size()) return std::nullopt;
  const std::size_t size = word_at(data, at);
  constexpr std::size_t most = 4096;
  if (size > most || at + 4 + size > data.size()) return std::nullopt;
  auto found = data.substr(at + 4, size);
  at += 4 + (size + 3) / 4 * 4;
  return found;
}

std::string word(std::uint32_t number) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift & 0xff);
  return bytes;
}

std::string padded(const std::string& text) {
  return word(static_cast<std::uint32_t>(text.size())) + text + std::string((4 - text.size() % 4) % 4, '\0');
}

}  // namespace

void each_nvlist_string(const std::string& data,
                        const std::function<void(const std::string& key, const std::string& value)>& use) {
  for (std::size_t at = 0; at + 8 <= data.size(); at += 4) {
    std::size_t next = at;
    const auto key = take_text(data, next);
    if (!key || key->empty() || next + 8 > data.size() || word_at(data, next) != string_type ||
        word_at(data, next + 4) != 1)
      continue;
    next += 8;
    if (const auto value = take_text(data, next)) use(*key, *value);
  }
}

std::string nvlist_string(const std::string& key, const std::string& value) {
  return padded(key) + word(string_type) + word(1) + padded(value);
}

}  // namespace hostsplit
