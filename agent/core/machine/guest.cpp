#include "core/machine/guest.hpp"

namespace hostsplit {

Kib ordinary_memory(const GuestCommand& command) {
  Kib huge = 0, sum = 0;
  for (const auto& backend : command.backends) {
    sum += backend.size;
    if (backend.huge) huge += backend.size;
  }
  const Kib all = sum > command.memory ? sum : command.memory;
  return all - huge;
}

}  // namespace hostsplit
