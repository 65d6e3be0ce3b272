#include "core/state/config.hpp"

namespace hostsplit {

std::map<int, Kib> memory_by_node(const VmWish& vm) {
  auto memory = vm.spread;
  if (vm.node && vm.memory != 0) memory[*vm.node] += vm.memory;
  std::erase_if(memory, [](const auto& entry) { return entry.second == 0; });
  return memory;
}

}  // namespace hostsplit
