#include <algorithm>

#include "core/base/cpu_set.hpp"
#include "support/fake_host.hpp"

/// NUMA nodes and huge pages of the fake host (Documentation/admin-guide/mm/hugetlbpage.rst).
namespace hostsplit::testing {
namespace {

std::string directory_of(int node) {
  return "sys/devices/system/node/node" + std::to_string(node);
}

}  // namespace

void FakeHost::add_node(const NodeSpec& spec) {
  Node node;
  node.spec = spec;
  node.free = spec.free.value_or(spec.memory);
  node.reclaimable = spec.reclaimable;
  for (const Kib size : spec.page_sizes) node.pools[size];
  set_file(directory_of(spec.id) + "/cpulist", spec.cpus + "\n");
  set_file(directory_of(spec.id) + "/distance", spec.distances + "\n");
  write_node(node);
  nodes_.insert_or_assign(spec.id, std::move(node));
}

void FakeHost::add_topology(int threads, int cores_per_cache) {
  CpuSet all;
  for (const auto& [id, node] : nodes_) {
    const auto cpus = *parse_cpu_set(node.spec.cpus);
    all.insert(cpus.begin(), cpus.end());
  }
  const int cores = static_cast<int>(all.size()) / threads;
  for (const int cpu : all) {
    const int core = cpu % cores, first = core / cores_per_cache * cores_per_cache;
    CpuSet siblings, sharing;
    for (int thread = 0; thread < threads; ++thread) {
      siblings.insert(core + thread * cores);
      for (int other = first; other < std::min(first + cores_per_cache, cores); ++other)
        sharing.insert(other + thread * cores);
    }
    const std::string directory = "sys/devices/system/cpu/cpu" + std::to_string(cpu);
    set_file(directory + "/topology/thread_siblings_list", to_string(siblings) + "\n");
    set_file(directory + "/cache/index3/level", "3\n");
    set_file(directory + "/cache/index3/shared_cpu_list", to_string(sharing) + "\n");
  }
}

void FakeHost::write_node(const Node& node) {
  const auto directory = directory_of(node.spec.id);
  const auto line = [&](const char* key, Kib value) {
    return "Node " + std::to_string(node.spec.id) + " " + key + ":       " + std::to_string(value) + " kB\n";
  };
  set_file(directory + "/meminfo", line("MemTotal", node.spec.memory) + line("MemFree", node.free) +
                                       line("MemUsed", node.spec.memory - std::min(node.free, node.spec.memory)) +
                                       line("Active(file)", node.reclaimable / 2) +
                                       line("Inactive(file)", node.spec.reclaimable - node.reclaimable / 2) +
                                       line("SReclaimable", 0));
  for (const auto& [size, pool] : node.pools) {
    const auto below = directory + "/hugepages/hugepages-" + std::to_string(size) + "kB/";
    set_file(below + "nr_hugepages", std::to_string(pool.total) + "\n");
    set_file(below + "free_hugepages", std::to_string(pool.free) + "\n");
    set_file(below + "surplus_hugepages", std::to_string(pool.surplus) + "\n");
  }
}

/// As mm/hugetlb.c does: surplus pages become permanent first, then new ones are looked for; free pages go first when
/// shrinking, and what is in use stays as surplus.
void FakeHost::resize_pool(Node& node, Kib page_size, std::uint64_t wanted) {
  auto& pool = node.pools.at(page_size);
  const std::uint64_t persistent = pool.total - pool.surplus, used = pool.total - pool.free;
  if (wanted > persistent) {
    std::uint64_t missing = wanted - persistent;
    const auto adopted = std::min(missing, pool.surplus);
    pool.surplus -= adopted;
    missing -= adopted;
    auto possible = (node.free + node.reclaimable) / page_size;
    if (node.available) possible = std::min<Kib>(possible, *node.available);
    const auto got = std::min<std::uint64_t>(missing, possible);
    if (node.available) *node.available -= got;
    pool.total += got;
    pool.free += got;
    const Kib taken = got * page_size, pushed_out = taken > node.free ? taken - node.free : 0;
    node.reclaimable -= pushed_out;
    node.free -= taken - pushed_out;
  } else {
    const auto total = std::max(wanted, used);
    node.free += (pool.total - total) * page_size;
    pool.free -= pool.total - total;
    pool.total = total;
    pool.surplus = total - wanted;
  }
  write_node(node);
}

void FakeHost::short_pages(int node, std::uint64_t pages) {
  nodes_.at(node).available = pages;
}

void FakeHost::set_pages(int node, Kib page_size, std::uint64_t pages) {
  resize_pool(nodes_.at(node), page_size, pages);
}

void FakeHost::use_pages(int node, Kib page_size, std::uint64_t pages) {
  auto& target = nodes_.at(node);
  auto& pool = target.pools.at(page_size);
  pool.free -= std::min(pages, pool.free);
  write_node(target);
}

void FakeHost::free_pages(int node, Kib page_size, std::uint64_t pages) {
  auto& target = nodes_.at(node);
  auto& pool = target.pools.at(page_size);
  pages = std::min(pages, pool.total - pool.free);
  const auto surplus = std::min(pages, pool.surplus);
  pool.surplus -= surplus;
  pool.total -= surplus;
  target.free += surplus * page_size;
  pool.free += pages - surplus;
  write_node(target);
}

}  // namespace hostsplit::testing
