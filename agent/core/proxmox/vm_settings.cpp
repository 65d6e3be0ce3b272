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
    const bool same = now && wanted ? same_pve_value(key, *now, *wanted) : now.has_value() == wanted.has_value();
    if (!same) changes.push_back({key, now, wanted});
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

PveSettings numa_settings(const PveVm& vm, const std::map<int, Kib>& memory, int guest_cpus) {
  PveSettings settings;
  const int nodes = static_cast<int>(memory.size());
  int index = 0;
  for (const auto& [node, size] : memory) {
    const int first = guest_cpus * index / nodes, last = std::max(first, guest_cpus * (index + 1) / nodes - 1);
    settings[fmt::format("numa{}", index)] =
        fmt::format("cpus={}{},hostnodes={},memory={},policy=bind", first, last > first ? fmt::format("-{}", last) : "",
                    node, size / kib_per_mib);
    ++index;
  }
  for (const auto& node : vm.numa_nodes)
    if (node.index >= nodes) settings[fmt::format("numa{}", node.index)] = std::nullopt;
  return settings;
}

const char* hugepages_value(Kib page_size) {
  return page_size == kib_per_gib ? "1024" : "2";
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
  settings["hugepages"] = vm.hugepages == PvePages::any ? "any" : hugepages_value(wish.page_size);
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
