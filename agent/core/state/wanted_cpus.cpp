#include "core/state/wanted_cpus.hpp"

namespace hostsplit {

CpuSet cpus_of_nodes(const std::map<int, NumaNode>& nodes, const std::map<int, Kib>& memory) {
  CpuSet cpus;
  for (const auto& [id, size] : memory)
    if (const auto node = nodes.find(id); node != nodes.end())
      cpus.insert(node->second.cpus.begin(), node->second.cpus.end());
  return cpus;
}

CpuSet wanted_cpus(const VmWish& vm, const std::map<int, NumaNode>& nodes) {
  if (vm.cpus) return *vm.cpus;
  auto memory = memory_by_node(vm);
  if (memory.empty() && vm.node) memory[*vm.node] = 0;
  return cpus_of_nodes(nodes, memory);
}

}  // namespace hostsplit
