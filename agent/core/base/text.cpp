#include "core/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace hostsplit {
namespace {

/// FNV-1a, 64 bits (draft-eastlake-fnv): stable over processes and versions, which std::hash is not.
std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3ULL;
  return hash;
}

}  // namespace

std::string lowered(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

std::string with_underscores(std::string_view name) {
  std::string result(name);
  std::replace(result.begin(), result.end(), '-', '_');
  return result;
}

std::string stamp_of(const std::vector<std::string_view>& texts) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const auto& text : texts) hash = fnv1a(std::string_view("\0", 1), fnv1a(text, hash));
  return fmt::format("{:016x}", hash);
}

}  // namespace hostsplit
