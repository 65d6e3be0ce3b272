#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "core/memory/host_memory.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/parts.hpp"

/// NUMA nodes and their huge page pools (Documentation/admin-guide/mm/hugetlbpage.rst).
namespace hostsplit::inventory_parts {
namespace {

/// "Node 0 MemTotal:  65786536 kB" or "MemTotal:  65786536 kB"; 0 when absent.
Kib meminfo_value(std::string_view text, std::string_view key) {
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
      if (fields[i].size() != key.size() + 1 || !fields[i].starts_with(key) || fields[i].back() != ':') continue;
      return to_number<Kib>(fields[i + 1]).value_or(0);
    }
  }
  return 0;
}

void read_meminfo(const Root& root, Snapshot& snapshot, const std::string& path, NumaNode& node) {
  const auto text = root.read(path);
  const std::string consequence = "the memory of node " + std::to_string(node.id) + " counts as 0";
  if (!text) return report_missing(snapshot, path, consequence);
  node.memory = meminfo_value(*text, "MemTotal");
  node.free = meminfo_value(*text, "MemFree");
  node.reclaimable = meminfo_value(*text, "Active(file)") + meminfo_value(*text, "Inactive(file)") +
                     meminfo_value(*text, "SReclaimable");
  if (node.memory == 0 && text->find("MemTotal:") == std::string::npos)
    report_garbage(snapshot, path, *text, consequence);
}

std::uint64_t read_count(const Root& root, Snapshot& snapshot, const std::string& path) {
  const auto text = root.read(path, 64);
  if (!text) {
    report_missing(snapshot, path, "it counts as 0");
    return 0;
  }
  const auto count = to_number<std::uint64_t>(*text);
  if (!count) report_garbage(snapshot, path, *text, "it counts as 0");
  return count.value_or(0);
}

/// There is one number for all nodes.
std::uint64_t read_promised(const Root& root, const std::string& pool) {
  const auto text = root.read("sys/kernel/mm/hugepages/" + pool + "/resv_hugepages", 64);
  return to_number<std::uint64_t>(text.value_or("")).value_or(0);
}

std::vector<PagePool> read_pools(const Root& root, Snapshot& snapshot, const std::string& directory) {
  std::vector<PagePool> pools;
  for (const auto& name : root.list(directory)) {
    std::string_view size = name;
    if (!size.starts_with("hugepages-") || !size.ends_with("kB")) continue;
    size = size.substr(10, size.size() - 12);
    const auto page_size = to_number<Kib>(size);
    if (!page_size || *page_size == 0) continue;
    const auto path = directory + "/" + name;
    pools.push_back({*page_size, read_count(root, snapshot, path + "/nr_hugepages"),
                     read_count(root, snapshot, path + "/free_hugepages"),
                     read_count(root, snapshot, path + "/surplus_hugepages"), read_promised(root, name)});
  }
  std::sort(pools.begin(), pools.end(), [](const PagePool& a, const PagePool& b) { return a.page_size < b.page_size; });
  return pools;
}

CpuSet read_cpus(const Root& root, Snapshot& snapshot, const std::string& path) {
  const auto text = root.read(path, 4096);
  if (!text) return report_missing(snapshot, path, "its CPUs are unknown"), CpuSet();
  const auto cpus = parse_cpu_set(*text);
  if (!cpus) report_garbage(snapshot, path, *text, "its CPUs are unknown");
  return cpus.value_or(CpuSet());
}

std::vector<int> read_distances(const Root& root, Snapshot& snapshot, const std::string& path) {
  std::vector<int> distances;
  const auto text = root.read(path, 4096).value_or("");
  for (const auto word : words_of(text)) {
    const auto distance = to_number<int>(word);
    if (!distance) {
      report_garbage(snapshot, path, text, "distances are unknown");
      return {};
    }
    distances.push_back(*distance);
  }
  return distances;
}

const std::string nodes_directory = "sys/devices/system/node/";

NumaNode observe(const Root& root, Snapshot& snapshot, int id) {
  const auto path = nodes_directory + "node" + std::to_string(id);
  NumaNode node;
  node.id = id;
  node.cpus = read_cpus(root, snapshot, path + "/cpulist");
  node.distances = read_distances(root, snapshot, path + "/distance");
  read_meminfo(root, snapshot, path + "/meminfo", node);
  node.pools = read_pools(root, snapshot, path + "/hugepages");
  return node;
}

/// A kernel without NUMA: the whole machine is node 0.
NumaNode observe_whole(const Root& root, Snapshot& snapshot) {
  NumaNode node;
  read_meminfo(root, snapshot, "proc/meminfo", node);
  node.cpus = read_cpus(root, snapshot, "sys/devices/system/cpu/online");
  node.pools = read_pools(root, snapshot, "sys/kernel/mm/hugepages");
  return node;
}

/// Nodes of memory that becomes ordinary RAM when a driver takes it (Documentation/ABI/testing/sysfs-bus-dax). One with
/// CPUs is there from the beginning.
void mark_late_nodes(const Root& root, std::map<int, NumaNode>& nodes) {
  const std::string devices = "sys/bus/dax/devices";
  for (const auto& name : root.list(devices)) {
    const auto path = devices + "/" + name;
    if (root.link_name(path + "/driver") != "kmem") continue;
    const auto id = to_number<int>(root.read(path + "/target_node", 64).value_or(""));
    const auto at = id ? nodes.find(*id) : nodes.end();
    if (at != nodes.end()) at->second.late = at->second.cpus.empty();
  }
}

/// What one line sets: words with zfs_arc_max= behind a prefix. The kernel takes away double quotes around a value, and
/// around name and value (next_arg()).
void read_arc_setting(std::string_view line, std::string_view key, const std::string& where,
                      std::optional<ZfsCache::Setting>& set) {
  for (auto word : words_of(line)) {
    if (word.starts_with('"')) word.remove_prefix(1);
    if (!word.starts_with(key)) continue;
    std::string_view text = word.substr(key.size());
    set = ZfsCache::Setting{where, std::string(text), 0, true};
    if (text.starts_with('"')) text.remove_prefix(1);
    if (text.ends_with('"')) text.remove_suffix(1);
    const bool hex = text.starts_with("0x") || text.starts_with("0X");
    const auto bytes = to_number<std::uint64_t>(hex ? text.substr(2) : text, hex ? 16 : 10);
    set->valid = bytes.has_value();
    set->most = bytes.value_or(0) / bytes_per_kib;
  }
}

/// modprobe.d(5): a backslash at the end of a line continues it.
std::string joined_lines(std::string_view text) {
  std::string joined;
  for (const char c : text) {
    if (c == '\n' && joined.ends_with('\\'))
      joined.pop_back();
    else
      joined += c;
  }
  return joined;
}

/// modprobe.d(5): all options of a module are put together in the order of the files.
std::optional<ZfsCache::Setting> read_arc_settings(const Root& root, std::string_view command_line) {
  const std::string directory = "etc/modprobe.d";
  std::optional<ZfsCache::Setting> set;
  auto names = root.list(directory);
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (!inventory_parts::is_visible(name, ".conf")) continue;
    const auto text = joined_lines(root.read(directory + "/" + name).value_or(""));
    for (const auto line : split(text, '\n')) {
      const auto words = words_of(line);
      if (words.size() > 2 && words[0] == "options" && words[1] == "zfs")
        read_arc_setting(line, "zfs_arc_max=", "/" + directory + "/" + name, set);
    }
  }
  read_arc_setting(command_line, "zfs.zfs_arc_max=", "kernel command line", set);
  return set;
}

/// "size  4  64424509440" in bytes, below two lines of heads.
std::optional<ZfsCache> read_zfs_cache(const Root& root) {
  const auto text = root.read("proc/spl/kstat/zfs/arcstats");
  if (!text) return {};
  ZfsCache cache;
  for (const auto line : split(*text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() != 3) continue;
    Kib* const into = fields[0] == "size"    ? &cache.size
                      : fields[0] == "c_min" ? &cache.least
                      : fields[0] == "c_max" ? &cache.most
                                             : nullptr;
    if (into) *into = to_number<std::uint64_t>(fields[2]).value_or(0) / bytes_per_kib;
  }
  return cache;
}

}  // namespace

void read_memory(const Root& root, Snapshot& snapshot) {
  snapshot.offline_cpus = read_offline_cpus(root);
  snapshot.isolated_cpus = read_isolated_cpus(root);
  snapshot.zfs_cache = read_zfs_cache(root);
  if (snapshot.zfs_cache) snapshot.zfs_cache->set = read_arc_settings(root, snapshot.command_line);
  for (const auto& name : root.list(nodes_directory)) {
    const auto id = name.starts_with("node") ? to_number<int>(std::string_view(name).substr(4)) : std::nullopt;
    if (id && *id >= 0) snapshot.nodes.emplace(*id, observe(root, snapshot, *id));
  }
  mark_late_nodes(root, snapshot.nodes);
  if (snapshot.nodes.empty() && root.exists("proc/meminfo")) snapshot.nodes.emplace(0, observe_whole(root, snapshot));
}

}  // namespace hostsplit::inventory_parts

namespace hostsplit {

void read_topology(const Root& root, Snapshot& snapshot) {
  const std::string cpus = "sys/devices/system/cpu/";
  std::set<CpuSet> cores, caches;
  const auto add = [&](const std::string& path, std::set<CpuSet>& to) {
    const auto set = parse_cpu_set(root.read(path, 4096).value_or(""));
    if (set && !set->empty()) to.insert(*set);
  };
  for (const auto& [id, node] : snapshot.nodes)
    for (const int cpu : node.cpus) {
      const std::string directory = cpus + "cpu" + std::to_string(cpu);
      add(directory + "/topology/thread_siblings_list", cores);
      for (const auto& cache : root.list(directory + "/cache"))
        if (root.read(directory + "/cache/" + cache + "/level", 16) == "3")
          add(directory + "/cache/" + cache + "/shared_cpu_list", caches);
    }
  snapshot.topology = {{cores.begin(), cores.end()}, {caches.begin(), caches.end()}};
  // Units that count events: hybrid CPUs have one for each kind of core (Documentation/admin-guide/perf, intel-hybrid).
  for (const auto* kind : {"cpu_core", "cpu_atom", "cpu_lowpower"}) {
    const auto set = parse_cpu_set(root.read(std::string("sys/devices/") + kind + "/cpus", 4096).value_or(""));
    if (set && !set->empty()) snapshot.topology.kinds.push_back(*set);
  }
  if (const auto text = root.read("sys/module/zfs/parameters/zfs_arc_max", 64)) {
    Kib memory = 0;
    for (const auto& [id, node] : snapshot.nodes) memory += node.memory;
    const Kib limit = inventory_parts::to_number<Kib>(*text).value_or(0) / bytes_per_kib;
    snapshot.arc_limit = zfs_heeds(limit, memory) ? limit : 0;
  }
}

CpuSet read_isolated_cpus(const Root& root) {
  return parse_cpu_set(root.read("sys/devices/system/cpu/isolated").value_or("")).value_or(CpuSet());
}

CpuSet read_offline_cpus(const Root& root) {
  return parse_cpu_set(root.read("sys/devices/system/cpu/offline").value_or("")).value_or(CpuSet());
}

std::optional<NumaNode> read_node(const Root& root, int node) {
  using namespace inventory_parts;
  Snapshot scratch;  // for findings, which only inventory() tells
  if (root.exists(nodes_directory + "node" + std::to_string(node))) return observe(root, scratch, node);
  if (node != 0 || root.exists(nodes_directory) || !root.exists("proc/meminfo")) return std::nullopt;
  return observe_whole(root, scratch);
}

}  // namespace hostsplit
