#include "core/proxmox/vm_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "core/proxmox/values.hpp"
#include "core/state/wanted_cpus.hpp"

namespace hostsplit {
namespace {

/// Proxmox VE separates them by commas, semicolons or blanks.
std::vector<std::string> hotplug_kinds(std::string_view hotplug) {
  std::vector<std::string> kinds{""};
  for (const char c : hotplug) {
    if (c != ',' && c != ';' && c != ' ' && c != '\t')
      kinds.back() += c;
    else if (!kinds.back().empty())
      kinds.emplace_back();
  }
  if (kinds.back().empty()) kinds.pop_back();
  return kinds;
}

/// Guests that start with the host, by order and number. High availability starts its own past this.
class Starts {
 public:
  Starts(const PveConfigs& pve, const std::set<int>& together) : pve_(pve), together_(together) {
    for (const auto& [id, vm] : pve.vms) {
      const PveVm& next = *pve.next_start(id);
      add(id, next.on_boot && !next.is_template, next.start_order);
    }
    for (const auto& [id, container] : pve.containers)
      add(id, container.on_boot && !container.is_template, container.start_order);
  }

  /// Those with huge pages, as they start now.
  std::vector<int> together() const {
    std::vector<int> sorted;
    for (const int vm : together_)
      if (orders_.count(vm)) sorted.push_back(vm);
    std::sort(sorted.begin(), sorted.end(), [&](int a, int b) { return place(a) < place(b); });
    return sorted;
  }

  bool wait_for_each_other(int first, int second) const {
    constexpr int longest_wait = 60;  // seconds
    return orders_.at(first) == orders_.at(second) && pve_.next_start(first)->start_delay.value_or(0) < longest_wait;
  }

  /// Gives it the next order, or one behind all; of those without an order it comes before the others then.
  std::optional<int> move_behind(int vm) {
    const int now = orders_.at(vm);
    if (now != no_order && now < no_order - 1 && fits(vm, now + 1)) return move(vm, now + 1);
    if (fits(vm, last_ + 1)) return move(vm, last_ + 1);
    return std::nullopt;
  }

  std::optional<int> move_in_front(int vm) {
    const int now = orders_.at(vm), order = now == no_order ? last_ + 1 : now - 1;
    if (order < 0 || !fits(vm, order)) return std::nullopt;
    return move(vm, order);
  }

  /// Whose place beside it an order behind all would change.
  int passed_behind(int vm) const { return passed(vm, last_ + 1); }

 private:
  static constexpr int no_order = std::numeric_limits<int>::max();

  void add(int id, bool starts, const std::optional<int>& order) {
    constexpr int most_order = 1 << 30;  // there are not so many guests that numbers above it are short
    const int own = order ? std::min(*order, most_order) : no_order;
    last_ = std::max(last_, order ? own : 0);  // behind all, whether they start or not
    if (together_.count(id) || (starts && !pve_.managed.count(id))) orders_[id] = own;
  }

  std::pair<int, int> place(int id) const { return {orders_.at(id), id}; }

  /// Another guest that would start on the other side of it; 0: none. VMs with huge pages may change places.
  int passed(int vm, int order) const {
    for (const auto& [id, own] : orders_)
      if (!together_.count(id) && (place(id) < place(vm)) != (place(id) < std::pair(order, vm))) return id;
    return 0;
  }

  bool fits(int vm, int order) const {
    const bool taken = std::any_of(together_.begin(), together_.end(), [&](int other) {
      const auto at = orders_.find(other);
      return at != orders_.end() && at->second == order;
    });
    return !taken && passed(vm, order) == 0;
  }

  int move(int vm, int order) {
    last_ = std::max(last_, order);
    return orders_[vm] = order;
  }

  const PveConfigs& pve_;
  const std::set<int>& together_;
  std::map<int, int> orders_;  ///< by guest
  int last_ = 0;
};

}  // namespace

std::string qm_options(const PveSettings& settings) {
  std::string options, removed;
  for (const auto& [key, value] : settings) {
    if (value)
      options += fmt::format("{}--{} {}", options.empty() ? "" : " ", key, *value);
    else
      removed += (removed.empty() ? "" : ",") + key;
  }
  if (!removed.empty()) options += fmt::format("{}--delete {}", options.empty() ? "" : " ", removed);
  return options;
}

std::vector<PveKeyChange> changed_keys(const PveVm& vm, const PveSettings& settings) {
  std::vector<PveKeyChange> changes;
  for (const auto& [key, wanted] : settings) {
    const auto now = next_value(vm, key);
    if (!same_pve_value(key, now, wanted)) changes.push_back({key, now, wanted});
  }
  return changes;
}

int guest_cpus(const PveVm& vm) {
  constexpr std::int64_t most = 1 << 20;  // nothing has as many, and what is counted with them stays a number
  return static_cast<int>(std::min(most, std::int64_t{std::max(1, vm.sockets)} * std::max(1, vm.cores)));
}

int host_cpus(const std::map<int, NumaNode>& nodes) {
  std::size_t count = 0;
  for (const auto& [id, node] : nodes) count += node.cpus.size();
  return static_cast<int>(count);
}

bool is_i440fx(const PveVm& vm) {
  const auto arch = next_value(vm, "arch");
  if (arch && *arch != "x86_64") return false;
  auto properties = pve_properties(vm.machine, "type");
  const std::string& type = properties["type"];
  return type.empty() || type == "pc" || type.find("i440fx") != std::string::npos;
}

int most_guest_cpus(const PveVm& vm, const std::map<int, NumaNode>& nodes) {
  const int here = host_cpus(nodes), most = is_i440fx(vm) ? most_i440fx_cpus : std::numeric_limits<int>::max();
  return here == 0 ? most : std::min(here, most);
}

void fit_cpus(PveVm& vm, int wanted, const std::map<int, NumaNode>& nodes) {
  const int most = most_guest_cpus(vm, nodes);
  if (vm.sockets > most) vm.sockets = 1;
  vm.cores = std::max(1, std::min(wanted, most) / std::max(1, vm.sockets));
  if (vm.vcpus.value_or(0) > guest_cpus(vm)) vm.vcpus.reset();
}

CpuSet allowed_cpus(const PveVm& vm, const CpuSet& wanted) {
  const CpuSet chosen = vm.affinity.value_or(CpuSet());
  const bool part = std::includes(wanted.begin(), wanted.end(), chosen.begin(), chosen.end());
  return !chosen.empty() && part ? chosen : wanted;
}

std::vector<PveNumaNode> numa_nodes(const std::map<int, Kib>& memory, int guest_cpus) {
  std::vector<PveNumaNode> lines;
  const int nodes = static_cast<int>(memory.size());
  for (const auto& [node, size] : memory) {
    const int index = static_cast<int>(lines.size());
    PveNumaNode line{index, {}, {node}, size, "bind"};
    for (int cpu = guest_cpus * index / nodes; cpu < guest_cpus * (index + 1) / nodes; ++cpu)
      line.guest_cpus.insert(cpu);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string numa_value(const PveNumaNode& line) {
  return fmt::format("cpus={},hostnodes={},memory={},policy={}", to_string(line.guest_cpus), line.host_nodes.front(),
                     *line.memory / kib_per_mib, line.policy);
}

PvePages pve_pages(Kib page_size) {
  return page_size == kib_per_gib ? PvePages::big : PvePages::small;
}

bool any_fits(const VmWish& wish) {
  const auto memory = memory_by_node(wish);
  return std::all_of(memory.begin(), memory.end(), [&](const auto& each) {
    return (each.second % kib_per_gib == 0) == (wish.page_size == kib_per_gib);
  });
}

bool plugs_memory(const PveVm& vm) {
  const auto kinds = hotplug_kinds(vm.hotplug);
  return std::find(kinds.begin(), kinds.end(), "memory") != kinds.end();
}

std::string without_memory(std::string_view hotplug) {
  auto kinds = hotplug_kinds(hotplug);
  std::erase(kinds, "memory");
  return kinds.empty() ? "0" : fmt::format("{}", fmt::join(kinds, ","));
}

PveVm set_vm(const PveVm& vm, const VmWish& wish, const std::map<int, NumaNode>& nodes, bool keep_fewer,
             bool keep_vcpus) {
  PveVm set = vm;
  if (const CpuSet wanted = wanted_cpus(wish, nodes); !wanted.empty()) {
    set.affinity = keep_fewer ? allowed_cpus(vm, wanted) : wanted;
    fit_cpus(set, static_cast<int>(set.affinity->size()), nodes);
    // The rest would have to be plugged in by hand (-smp 4,maxcpus=64).
    if (!keep_vcpus) set.vcpus.reset();
  }
  const auto memory = memory_by_node(wish);
  if (memory.empty()) return set;
  set.memory = 0;
  for (const auto& [node, size] : memory) *set.memory += size;
  set.numa = set.keep_hugepages = true;
  set.balloon = 0;
  if (set.hugepages != PvePages::any || !any_fits(wish)) set.hugepages = pve_pages(wish.page_size);
  if (plugs_memory(vm)) set.hotplug = without_memory(vm.hotplug);
  set.numa_nodes = numa_nodes(memory, guest_cpus(set));
  // qm set takes no line without CPUs; that nodes share one is judged with the VM (judge_start).
  for (auto& line : set.numa_nodes)
    if (line.guest_cpus.empty()) line.guest_cpus = {guest_cpus(set) * line.index / static_cast<int>(memory.size())};
  return set;
}

PveSettings vm_settings(const PveVm& vm, const VmWish& wish, const Snapshot& snapshot, bool keep_fewer,
                        bool keep_vcpus) {
  const PveVm set = set_vm(vm, wish, snapshot.nodes, keep_fewer, keep_vcpus);
  PveSettings settings;
  if (!wanted_cpus(wish, snapshot.nodes).empty()) {
    settings["affinity"] = to_string(*set.affinity);
    if (set.cores != vm.cores) settings["cores"] = std::to_string(set.cores);
    if (set.sockets != vm.sockets) settings["sockets"] = std::to_string(set.sockets);
    if (set.vcpus != vm.vcpus) settings["vcpus"] = std::nullopt;
  }
  if (memory_by_node(wish).empty()) return settings;
  settings["numa"] = "1";
  settings["memory"] = std::to_string(*set.memory / kib_per_mib);
  settings["hugepages"] = to_string(set.hugepages);
  settings["keephugepages"] = "1";
  settings["balloon"] = "0";
  if (!set.hotplug.empty()) settings["hotplug"] = set.hotplug;
  for (const auto& line : set.numa_nodes) settings[fmt::format("numa{}", line.index)] = numa_value(line);
  // Lines beyond would count into the sum, and Proxmox VE refuses a VM whose nodes do not add up to its memory.
  for (const auto& line : vm.numa_nodes) settings.try_emplace(fmt::format("numa{}", line.index));
  return settings;
}

std::string startup_value(const PveVm& vm, int order) {
  std::string value = fmt::format("order={}", order);
  if (vm.start_delay) value += fmt::format(",up={}", *vm.start_delay);
  if (vm.stop_delay) value += fmt::format(",down={}", *vm.stop_delay);
  return value;
}

std::vector<StartOrder> start_orders(const PveConfigs& pve, const std::set<int>& together) {
  Starts starts(pve, together);
  std::vector<StartOrder> orders;
  int stays = 0, before = 0;  // the last one that keeps its order, and the last one of all
  for (const int vm : starts.together()) {
    const int first = std::exchange(stays, vm), previous = std::exchange(before, vm);
    if (first == 0 || !starts.wait_for_each_other(first, vm)) continue;
    if (const auto order = starts.move_behind(vm)) {
      orders.push_back({vm, previous, vm, startup_value(*pve.next_start(vm), *order)});
      stays = first;
    } else if (const auto in_front = starts.move_in_front(first)) {
      orders.push_back({vm, first, first, startup_value(*pve.next_start(first), *in_front)});
    } else {
      orders.push_back({vm, first, 0, {}, starts.passed_behind(vm)});
    }
  }
  return orders;
}

}  // namespace hostsplit
