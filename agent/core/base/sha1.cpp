#include "core/base/sha1.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>

namespace hostsplit {
namespace {

constexpr std::size_t sha1_block = 64;
using Sha1State = std::array<std::uint32_t, 5>;

/// The text, a bit, zeros, and its length in bits, in whole blocks (5.1.1).
std::string padded(std::string_view text) {
  std::string whole(text);
  whole += '\x80';
  while (whole.size() % sha1_block != sha1_block - 8) whole += '\0';
  const std::uint64_t bits = std::uint64_t{text.size()} * 8;
  for (int shift = 56; shift >= 0; shift -= 8) whole += static_cast<char>(bits >> shift & 0xff);
  return whole;
}

/// The 80 words a block is spread out to (6.1.2, step 1).
std::array<std::uint32_t, 80> schedule(std::string_view block) {
  std::array<std::uint32_t, 80> words{};
  for (std::size_t i = 0; i < sha1_block; ++i) words[i / 4] = words[i / 4] << 8 | static_cast<std::uint8_t>(block[i]);
  for (std::size_t i = 16; i < words.size(); ++i)
    words[i] = std::rotl(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
  return words;
}

std::uint32_t mixed(std::size_t round, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  switch (round / 20) {
    case 0: return ((b & c) | (~b & d)) + 0x5a827999;
    case 1: return (b ^ c ^ d) + 0x6ed9eba1;
    case 2: return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    default: return (b ^ c ^ d) + 0xca62c1d6;
  }
}

void add_block(Sha1State& state, std::string_view block) {
  const auto words = schedule(block);
  auto [a, b, c, d, e] = state;
  for (std::size_t round = 0; round < words.size(); ++round) {
    const std::uint32_t next = std::rotl(a, 5) + mixed(round, b, c, d) + e + words[round];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state = {state[0] + a, state[1] + b, state[2] + c, state[3] + d, state[4] + e};
}

}  // namespace

std::string sha1_hex(std::string_view text) {
  Sha1State state{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::string whole = padded(text);
  for (std::size_t at = 0; at < whole.size(); at += sha1_block)
    add_block(state, std::string_view(whole).substr(at, sha1_block));
  std::string digits;
  for (const auto word : state) digits += fmt::format("{:08x}", word);
  return digits;
}

}  // namespace hostsplit
