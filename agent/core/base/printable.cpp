#include "core/base/printable.hpp"

#include <cstdint>

#include "core/base/text.hpp"

namespace hostsplit {
namespace {

constexpr auto replacement = "\xef\xbf\xbd";  // U+FFFD

struct Character {
  std::size_t bytes = 1;
  std::uint32_t code = 0;
  bool valid = false;
};

/// The character that `text` begins with (RFC 3629: shortest form, no surrogates, at most U+10FFFF).
Character first_of(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, lead, true};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {};
  std::uint32_t code = lead & (0x7f >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < least[bytes] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {bytes, code, true};
}

bool moves_or_reorders(std::uint32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ||                            // C0, DEL, C1
         code == 0x2028 || code == 0x2029 ||                                        // line ends
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);  // directions
}

std::string filtered(std::string_view text, bool (*refused)(std::uint32_t)) {
  std::string clean;
  clean.reserve(text.size());
  while (!text.empty()) {
    const Character character = first_of(text);
    if (character.valid && !refused(character.code))
      clean += text.substr(0, character.bytes);
    else
      clean += replacement;
    text.remove_prefix(character.bytes);
  }
  return clean;
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  return filtered(text, [](std::uint32_t) { return false; });
}

std::string printable(std::string_view text) {
  return filtered(text, moves_or_reorders);
}

std::string first_printable_line(std::string_view text) {
  return printable(trimmed(cut(text, '\n')));
}

}  // namespace hostsplit
