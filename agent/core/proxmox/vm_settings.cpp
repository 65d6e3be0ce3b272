#include "core/proxmox/vm_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/proxmox/values.hpp"
#include "core/state/wanted_cpus.hpp"

namespace hostsplit {
namespace {

/// VMs without an order come after those that have one.
std::pair<int, int> start_rank(const PveVm& vm) {
  constexpr int behind_all = 1 << 30;
  return {vm.start_order.value_or(behind_all), vm.id};
}

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
  return std::max(1, vm.sockets) * std::max(1, vm.cores);
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

PveSettings numa_settings(const PveVm& vm, const std::map<int, Kib>& memory, int guest_cpus) {
  PveSettings settings;
  for (auto& line : numa_nodes(memory, guest_cpus)) {
    // qm set takes no line without CPUs; that nodes share one is judged with the VM (lint_pve).
    if (line.guest_cpus.empty()) line.guest_cpus = {guest_cpus * line.index / static_cast<int>(memory.size())};
    settings[fmt::format("numa{}", line.index)] = numa_value(line);
  }
  for (const auto& line : vm.numa_nodes) settings.try_emplace(fmt::format("numa{}", line.index));
  return settings;
}

PvePages pve_pages(Kib page_size) {
  return page_size == kib_per_gib ? PvePages::big : PvePages::small;
}

PveSettings vm_settings(const PveVm& vm, const VmWish& wish, const Snapshot& snapshot) {
  PveSettings settings;
  PveVm changed = vm;
  if (const CpuSet cpus = allowed_cpus(vm, wanted_cpus(wish, snapshot.nodes)); !cpus.empty()) {
    changed.cores = std::max(1, static_cast<int>(cpus.size()) / std::max(1, vm.sockets));
    settings["affinity"] = to_string(cpus);
    if (changed.cores != vm.cores) settings["cores"] = std::to_string(changed.cores);
  }
  const auto memory = memory_by_node(wish);
  if (memory.empty()) return settings;
  Kib sum = 0;
  for (const auto& [node, size] : memory) sum += size;
  settings["numa"] = "1";
  settings["memory"] = std::to_string(sum / kib_per_mib);
  settings["hugepages"] = to_string(vm.hugepages == PvePages::any ? PvePages::any : pve_pages(wish.page_size));
  settings["keephugepages"] = "1";
  settings["balloon"] = "0";
  settings.merge(numa_settings(vm, memory, guest_cpus(changed)));
  return settings;
}

std::string startup_value(const PveVm& vm, int order) {
  std::string value = fmt::format("order={}", order);
  if (vm.start_delay) value += fmt::format(",up={}", *vm.start_delay);
  if (vm.stop_delay) value += fmt::format(",down={}", *vm.stop_delay);
  return value;
}

std::vector<StartOrder> start_orders(const std::map<int, PveVm>& vms, const std::set<int>& together) {
  std::vector<const PveVm*> starting;
  int last = 0;  // behind all that start, whoever they are
  for (const auto& [id, vm] : vms) {
    last = std::max(last, vm.start_order.value_or(0));
    if (together.count(id)) starting.push_back(&vm);
  }
  std::sort(starting.begin(), starting.end(),
            [](const PveVm* a, const PveVm* b) { return start_rank(*a) < start_rank(*b); });
  std::vector<StartOrder> orders;
  for (std::size_t i = 0; i + 1 < starting.size(); ++i) {
    const PveVm &first = *starting[i], &second = *starting[i + 1];
    if (first.start_order != second.start_order || first.start_delay.value_or(0) >= 60) continue;
    orders.push_back({second.id, first.id, startup_value(second, ++last)});
  }
  return orders;
}

}  // namespace hostsplit
