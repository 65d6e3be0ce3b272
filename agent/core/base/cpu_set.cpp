#include "core/base/cpu_set.hpp"

#include "core/base/number.hpp"

namespace hostsplit {
namespace {

constexpr int highest_cpu = 65535;

std::optional<int> parse_cpu(std::string_view text) {
  const auto cpu = parse_number<int>(text);
  if (!cpu || *cpu > highest_cpu) return {};
  return cpu;
}

}  // namespace

std::optional<CpuSet> parse_cpu_set(std::string_view text) {
  CpuSet cpus;
  if (text.empty()) return cpus;
  while (true) {
    const auto comma = text.find(',');
    const auto range = text.substr(0, comma);
    const auto dash = range.find('-');
    const auto first = parse_cpu(range.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_cpu(range.substr(dash + 1));
    if (!first || !last || *first > *last) return {};
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.insert(cpus.end(), cpu);
    if (comma == std::string_view::npos) return cpus;
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

}  // namespace hostsplit
