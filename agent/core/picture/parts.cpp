#include "core/picture/parts.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/printable.hpp"
#include "core/memory/pools.hpp"
#include "core/state/wanted_cpus.hpp"

namespace hostsplit {
namespace {

/// Adds to the part of the same use and VM, so that pages of several sizes are one part.
void add(std::vector<MemoryPart>& parts, MemoryUse use, const std::optional<int>& vm, Kib size) {
  if (size == 0) return;
  for (auto& part : parts)
    if (part.use == use && part.vm == vm) {
      part.size += size;
      return;
    }
  parts.push_back({use, vm, size});
}

bool is_part_of_a_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '-' ||
         c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

std::vector<MemoryPart> memory_parts(const NumaNode& node, const BootPlan& target,
                                     const std::optional<Kib>& keep_free) {
  std::vector<MemoryPart> parts;
  for (const auto& wanted : target.reservations) {
    if (wanted.node != node.id) continue;
    for (const auto& [vm, pages] : wanted.shares) add(parts, MemoryUse::vm, vm, pages * wanted.page_size);
    for (const auto& [vm, pages] : wanted.others) add(parts, MemoryUse::others, std::nullopt, pages * wanted.page_size);
  }
  for (const auto& pool : node.pools) {
    std::uint64_t wanted = 0;
    for (const auto& reservation : target.reservations)
      if (reservation.node == node.id && reservation.page_size == pool.page_size) wanted += reservation.pages;
    const auto there = persistent(pool);
    add(parts, MemoryUse::spare, std::nullopt, (there > wanted ? there - wanted : 0) * pool.page_size);
  }
  add(parts, MemoryUse::floor, std::nullopt, keep_free.value_or(0));
  Kib used = 0;
  for (const auto& part : parts) used += part.size;
  add(parts, MemoryUse::free, std::nullopt, node.memory > used ? node.memory - used : 0);
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.use < b.use; });
  return parts;
}

std::vector<PoolPicture> wanted_pools(const NumaNode& node, const BootPlan& target) {
  std::vector<PoolPicture> pools;
  for (const auto& wanted : target.reservations) {
    if (wanted.node != node.id || wanted.pages == 0) continue;
    const auto pool = std::find_if(node.pools.begin(), node.pools.end(),
                                   [&](const PagePool& p) { return p.page_size == wanted.page_size; });
    pools.push_back({wanted.page_size, pool == node.pools.end() ? 0 : persistent(*pool), wanted.pages});
  }
  return pools;
}

std::vector<CpuPart> cpu_parts(const NumaNode& node, const std::map<int, NumaNode>& nodes, const Config& config) {
  std::vector<CpuPart> parts;
  CpuSet rest = node.cpus;
  for (const auto& [id, vm] : config.vms) {
    CpuPart part{id, {}};
    for (const int cpu : wanted_cpus(vm, nodes))
      if (node.cpus.contains(cpu)) part.cpus.insert(cpu);
    for (const int cpu : part.cpus) rest.erase(cpu);
    if (!part.cpus.empty()) parts.push_back(std::move(part));
  }
  if (!rest.empty()) parts.push_back({std::nullopt, std::move(rest)});
  return parts;
}

std::vector<MarkedFinding> marked(const std::vector<Finding>& findings) {
  std::vector<MarkedFinding> list;
  for (const auto severity : {Severity::error, Severity::warning}) {
    int number = 0;
    for (const auto& finding : findings) {
      if (finding.severity != severity) continue;
      Finding shown = finding;
      for (auto* text : {&shown.subject, &shown.message, &shown.remedy}) *text = printable(*text);
      list.push_back({fmt::format("{}{}", severity == Severity::error ? "E" : "W", ++number), std::move(shown)});
    }
  }
  return list;
}

Marks marks_about(const std::vector<MarkedFinding>& findings, std::string_view thing) {
  Marks marks;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    const std::string_view subject = findings[i].finding.subject;
    if (!subject.starts_with(thing)) continue;
    if (subject.size() == thing.size() || !is_part_of_a_word(subject[thing.size()])) marks.push_back(i);
  }
  return marks;
}

Marks marks_on_label(const std::vector<MarkedFinding>& findings, std::string_view label) {
  Marks marks;
  for (std::size_t i = 0; i < findings.size(); ++i)
    if (!label.empty() && findings[i].finding.subject == label) marks.push_back(i);
  return marks;
}

}  // namespace hostsplit
