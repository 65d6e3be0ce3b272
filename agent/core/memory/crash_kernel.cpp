#include "core/memory/crash_kernel.hpp"

#include <algorithm>
#include <optional>

#include "core/boot/huge_page_parameters.hpp"

namespace hostsplit {
namespace {

/// "512M" at the beginning of a text, which is taken away.
std::optional<Kib> take_size(std::string_view& text) {
  const Scanned scanned = scan_size(text);
  if (scanned.rest.size() == text.size()) return {};
  text = scanned.rest;
  return scanned.value / bytes_per_kib;
}

bool take_char(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

/// "1G-4G:192M,4G-:512M": the size of the first range that the memory is in. 0 where it is in none, or cannot be read.
Kib size_by_ranges(std::string_view text, Kib memory) {
  do {
    const auto begin = take_size(text);
    if (!begin || !take_char(text, '-')) return 0;
    const bool open = text.starts_with(':');
    const auto end = open ? std::optional<Kib>(0) : take_size(text);
    if (!end || !take_char(text, ':')) return 0;
    const auto size = take_size(text);
    if (!size) return 0;
    if (memory >= *begin && (open || memory < *end)) return *size;
  } while (take_char(text, ','));
  return 0;
}

/// The nodes at both ends of the memory that is there at boot; equal where there is one.
struct Ends {
  NumaNode* first = nullptr;
  NumaNode* last = nullptr;
};

Ends ends_of(std::map<int, NumaNode>& nodes) {
  Ends ends;
  for (auto& [id, node] : nodes) {
    if (node.memory == 0 || node.late) continue;
    if (!ends.first) ends.first = &node;
    ends.last = &node;
  }
  return ends;
}

/// What it takes from the first node, and from the last, at worst.
struct Shares {
  Kib first = 0, last = 0;
};

Shares shares_of(const CrashKernel& kept) {
  constexpr Kib surely_low = kib_per_gib / 2, never_low = 4 * kib_per_gib;
  return {kept.low + (kept.anywhere < never_low ? kept.anywhere : 0),
          kept.high + (kept.anywhere > surely_low ? kept.anywhere : 0)};
}

}  // namespace

CrashKernel crash_kernel(std::string_view command_line, Kib memory) {
  constexpr Kib usual_low = 256 * kib_per_mib;
  std::optional<Kib> plain, low, high;
  for (const auto& argument : kernel_arguments(command_line)) {
    if (argument.name != "crashkernel" || !argument.has_value) continue;
    auto text = argument.value;
    const auto size = take_size(text);
    if (!size || text == ",cma") continue;
    if (text == ",high")
      high = size;
    else if (text == ",low")
      low = size;
    else
      plain = text.starts_with('-') ? size_by_ranges(argument.value, memory) : *size;
  }
  if (plain.value_or(0) != 0) return {*plain, 0, 0};
  if (high.value_or(0) == 0) return {};
  return {0, low.value_or(usual_low), *high};
}

std::map<int, NumaNode> nodes_beside_crash_kernel(const Snapshot& snapshot, std::string_view command_line) {
  auto nodes = snapshot.nodes;
  Kib memory = 0;
  for (const auto& [id, node] : nodes) memory += node.memory;
  const auto [first, last] = ends_of(nodes);
  if (!first) return nodes;
  const Shares now = shares_of(crash_kernel(snapshot.command_line, memory)),
               next = shares_of(crash_kernel(command_line, memory));
  const auto lose = [](NumaNode& node, Kib from, Kib to) {
    if (to > from) node.memory -= std::min(node.memory, to - from);
  };
  if (first == last) {
    const auto all = [](const Shares& shares) { return std::max(shares.first, shares.last); };
    lose(*first, all(now), all(next));
  } else {
    lose(*first, now.first, next.first);
    lose(*last, now.last, next.last);
  }
  return nodes;
}

}  // namespace hostsplit
