#pragma once
#include <functional>

#include "core/plan.hpp"
#include "host/effects.hpp"
#include "host/root.hpp"

namespace hostsplit {

/// What became of a reservation.
struct PagesGot {
  std::uint64_t asked = 0;    ///< after the clamp to the floor
  std::uint64_t got = 0;      ///< persistent pages read back
  bool clamped = false;       ///< less was asked than planned, because the host needs the rest
};

/// Brings one pool to the planned count, a few pages at a time: a gigantic page can take seconds, and each write is
/// followed by a read-back because nr_hugepages reports success whatever came
/// (Documentation/admin-guide/mm/hugetlbpage.rst). Stops when a write brings nothing more.
/// \param tick called between writes with the count so far; may be empty.
/// \throws Error when the pool does not exist or a write fails.
PagesGot reserve_pages(const Root& root, Effects& effects, const Reserve& reserve,
                       const std::function<void(std::uint64_t)>& tick = {});

}  // namespace hostsplit
