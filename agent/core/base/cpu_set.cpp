#include "core/base/cpu_set.hpp"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "core/base/number.hpp"

namespace hostsplit {
namespace {

constexpr int highest_cpu = 65535;

std::optional<int> parse_cpu(std::string_view text) {
  const auto cpu = parse_number<int>(text);
  if (!cpu || *cpu > highest_cpu) return {};
  return cpu;
}

/// Each number once, however often ranges that overlap have it.
CpuSet joined(std::vector<std::pair<int, int>> ranges) {
  std::sort(ranges.begin(), ranges.end());
  CpuSet cpus;
  int next = 0;
  for (const auto& [first, last] : ranges)
    for (next = std::max(next, first); next <= last; ++next) cpus.insert(cpus.end(), next);
  return cpus;
}

}  // namespace

std::optional<CpuSet> parse_cpu_set(std::string_view text) {
  if (text.empty()) return CpuSet();
  std::vector<std::pair<int, int>> ranges;
  while (true) {
    const auto comma = text.find(',');
    const auto range = text.substr(0, comma);
    const auto dash = range.find('-');
    const auto first = parse_cpu(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_cpu(range.substr(dash + 1));
    if (!first || !last || *first > *last) return {};
    ranges.emplace_back(*first, *last);
    if (comma == std::string_view::npos) return joined(std::move(ranges));
    text.remove_prefix(comma + 1);
  }
}

std::string to_string(const CpuSet& cpus) {
  std::string text;
  for (auto cpu = cpus.begin(); cpu != cpus.end();) {
    const int first = *cpu;
    int last = first;
    while (++cpu != cpus.end() && *cpu == last + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(first);
    if (last != first) text += '-' + std::to_string(last);
  }
  return text;
}

CpuSet common(const CpuSet& a, const CpuSet& b) {
  CpuSet both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::inserter(both, both.end()));
  return both;
}

}  // namespace hostsplit
