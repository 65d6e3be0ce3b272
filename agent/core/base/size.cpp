#include "core/base/size.hpp"

#include <array>
#include <limits>
#include <utility>

#include "core/base/number.hpp"

namespace hostsplit {
namespace {

// Largest first, so that format_size finds the shortest form.
constexpr std::array<std::pair<std::string_view, Kib>, 4> units{{
    {"TiB", 1024 * kib_per_gib},
    {"GiB", kib_per_gib},
    {"MiB", kib_per_mib},
    {"KiB", 1},
}};

}  // namespace

std::optional<Kib> parse_size(std::string_view text) {
  for (const auto& [unit, factor] : units) {
    // "56G" is how Proxmox VE writes 56 GiB (PVE::JSONSchema, disk-size).
    const auto length = text.ends_with(unit) ? unit.size() : text.ends_with(unit.front()) ? 1u : 0u;
    if (length == 0) continue;
    text.remove_suffix(length);
    if (text.ends_with(' ')) text.remove_suffix(1);
    const auto count = parse_number<Kib>(text);
    if (!count || *count > std::numeric_limits<Kib>::max() / factor) return {};
    return *count * factor;
  }
  return {};
}

std::string format_size(Kib size) {
  for (const auto& [unit, factor] : units)
    if (size >= factor && size % factor == 0) return std::to_string(size / factor) + " " + std::string(unit);
  return "0 KiB";
}

}  // namespace hostsplit
