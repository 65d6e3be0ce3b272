#include "core/machine/guest.hpp"

#include <algorithm>

namespace hostsplit {

Kib memory_of(const GuestCommand& command) {
  Kib sum = 0;
  for (const auto& backend : command.backends) sum += backend.size;
  return std::max(sum, command.memory);
}

Kib ordinary_memory(const GuestCommand& command) {
  Kib huge = 0;
  for (const auto& backend : command.backends)
    if (backend.huge) huge += backend.size;
  return memory_of(command) - huge;
}

}  // namespace hostsplit
