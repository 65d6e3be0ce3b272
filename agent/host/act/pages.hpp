#pragma once
#include <functional>

#include "core/steps/step.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// What became of a reservation.
struct PagesGot {
  std::uint64_t asked = 0;  ///< after the clamp to the floor
  std::uint64_t got = 0;    ///< persistent pages read back
  bool clamped = false;     ///< less was asked than planned, because the host needs the rest
  int helped = 0;           ///< how often the kernel was helped to find more
};

/// Brings one pool to the planned count, a few pages at a time: a gigantic page can take seconds, and each write is
/// followed by a read-back because nr_hugepages reports success whatever came
/// (Documentation/admin-guide/mm/hugetlbpage.rst). When a write brings nothing more, caches are dropped and the node's
/// memory is compacted (Documentation/admin-guide/sysctl/vm.rst), `most_helps` times, before fewer pages are accepted.
/// \pre PageLock is held.
/// \param tick called between writes with the count so far; may be empty.
/// \throws Error when the pool does not exist or a write fails.
inline constexpr int most_helps = 3;
PagesGot reserve_pages(const Root& root, Effects& effects, const Reserve& reserve,
                       const std::function<void(std::uint64_t)>& tick = {});

}  // namespace hostsplit
