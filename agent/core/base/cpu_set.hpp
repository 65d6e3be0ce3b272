#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace hostsplit {

/// A set of CPU numbers in the kernel's list format, "0-31,64-95" (Documentation/core-api/cpumask).
using CpuSet = std::set<int>;

/// Empty optional when malformed, reversed ("5-3") or beyond 65535. "" is the empty set.
std::optional<CpuSet> parse_cpu_set(std::string_view text);
/// Shortest list, ascending: "0-31,64-95"; "" for the empty set.
std::string to_string(const CpuSet& cpus);
/// Those in both.
CpuSet common(const CpuSet& a, const CpuSet& b);

}  // namespace hostsplit
