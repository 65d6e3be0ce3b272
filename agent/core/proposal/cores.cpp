#include "core/proposal/cores.hpp"

#include <algorithm>
#include <numeric>

namespace hostsplit {
namespace {

/// Those sets that are within the node, and together are all of it; empty otherwise.
std::vector<CpuSet> within(const std::vector<CpuSet>& sets, const CpuSet& cpus) {
  std::vector<CpuSet> inside;
  std::size_t count = 0;
  for (const auto& set : sets) {
    if (!std::includes(cpus.begin(), cpus.end(), set.begin(), set.end())) continue;
    inside.push_back(set);
    count += set.size();
  }
  return count == cpus.size() ? inside : std::vector<CpuSet>();
}

/// Cores of one cache beside each other.
std::vector<CpuSet> cores_by_cache(const std::vector<CpuSet>& cores, const std::vector<CpuSet>& caches) {
  std::vector<CpuSet> ordered;
  for (const auto& cache : caches)
    for (const auto& core : cores)
      if (cache.count(*core.begin())) ordered.push_back(core);
  return ordered.size() == cores.size() ? ordered : cores;
}

/// How many of `total` each gets: at least one, the rest in proportion, leftovers to those that are owed most.
std::vector<std::size_t> portions(std::size_t total, const std::vector<std::uint64_t>& weights) {
  const std::uint64_t sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  std::vector<std::size_t> counts;
  for (const auto weight : weights)
    counts.push_back(std::max<std::size_t>(1, sum == 0 ? total / weights.size() : total * weight / sum));
  const auto given = [&] { return std::accumulate(counts.begin(), counts.end(), std::size_t{0}); };
  while (given() > total) --*std::max_element(counts.begin(), counts.end());
  for (std::size_t next = 0; given() < total; next = (next + 1) % counts.size()) {
    const bool equal = std::equal(weights.begin() + 1, weights.end(), weights.begin());
    if (equal && total - given() < counts.size()) break;  // equal parts: the odd ones stay with the host
    ++counts[next];
  }
  return counts;
}

std::vector<CoreShare> deal(const std::vector<CpuSet>& units, const std::vector<std::uint64_t>& weights,
                            Reason::Kind kind) {
  std::vector<CoreShare> shares;
  std::size_t at = 0;
  for (const auto count : portions(units.size(), weights)) {
    CoreShare share{{}, {kind, static_cast<int>(count)}};
    for (std::size_t i = 0; i < count; ++i, ++at) share.cpus.insert(units[at].begin(), units[at].end());
    shares.push_back(std::move(share));
  }
  return shares;
}

/// Cores by kind; one kind where they do not differ, or not all are known.
std::vector<std::vector<CpuSet>> cores_by_kind(const std::vector<CpuSet>& cores, const std::vector<CpuSet>& kinds) {
  std::vector<std::vector<CpuSet>> by_kind;
  std::size_t count = 0;
  for (const auto& kind : kinds) {
    std::vector<CpuSet> of_kind;
    for (const auto& core : cores)
      if (kind.count(*core.begin())) of_kind.push_back(core);
    count += of_kind.size();
    if (!of_kind.empty()) by_kind.push_back(std::move(of_kind));
  }
  if (count != cores.size() || by_kind.size() < 2) return {cores};
  return by_kind;
}

/// Each kind is shared out by itself. Empty when somebody would get none at all.
std::vector<CoreShare> deal_kinds(const std::vector<std::vector<CpuSet>>& kinds,
                                  const std::vector<std::uint64_t>& weights) {
  std::vector<CoreShare> shares(weights.size(), CoreShare{{}, {Reason::Kind::mixed_cores}});
  for (const auto& cores : kinds) {
    const auto parts = deal(cores, weights, Reason::Kind::mixed_cores);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      shares[i].cpus.insert(parts[i].cpus.begin(), parts[i].cpus.end());
      shares[i].why.count += parts[i].why.count;
    }
  }
  const bool nothing = std::any_of(shares.begin(), shares.end(), [](const auto& share) { return share.cpus.empty(); });
  return nothing ? std::vector<CoreShare>() : shares;
}

}  // namespace

std::optional<std::vector<CoreShare>> share_cores(const Snapshot& snapshot, const NumaNode& node,
                                                  const std::vector<std::uint64_t>& weights) {
  if (weights.size() == 1) return std::vector<CoreShare>{{node.cpus, {Reason::Kind::whole_node}}};
  const auto caches = within(snapshot.topology.caches, node.cpus);
  if (caches.size() >= weights.size() && caches.size() % weights.size() == 0)
    return deal(caches, weights, Reason::Kind::whole_caches);
  const auto cores = cores_by_cache(within(snapshot.topology.cores, node.cpus), caches);
  if (const auto kinds = cores_by_kind(cores, snapshot.topology.kinds); kinds.size() > 1)
    if (auto shares = deal_kinds(kinds, weights); !shares.empty()) return shares;
  if (cores.size() >= weights.size()) return deal(cores, weights, Reason::Kind::whole_cores);
  if (!cores.empty() || node.cpus.size() < weights.size()) return std::nullopt;
  std::vector<CpuSet> single;
  for (const int cpu : node.cpus) single.push_back({cpu});
  return deal(single, weights, Reason::Kind::single_cpus);
}

}  // namespace hostsplit
