#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hostsplit {

/// An amount of memory in KiB, the unit of /sys and /proc.
using Kib = std::uint64_t;

inline constexpr std::uint64_t bytes_per_kib = 1024;
inline constexpr Kib kib_per_mib = 1024;
inline constexpr Kib kib_per_gib = 1024 * 1024;

/// "56GiB", "512 MiB", "2048KiB", or "56G" as Proxmox VE writes it. The unit is mandatory and binary: "56GB" and "56"
/// are refused, because they mean different things to different people. Empty when malformed or too large.
std::optional<Kib> parse_size(std::string_view text);
/// Largest binary unit that loses nothing: "56 GiB", "1536 MiB".
std::string format_size(Kib size);

}  // namespace hostsplit
