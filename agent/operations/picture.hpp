#pragma once
#include "core/picture/picture.hpp"
#include "operations/state.hpp"

namespace hostsplit {

/// What `map` shows of a machine.
/// \param panels  with the panels of the case; otherwise there are none and `[panel]` is not looked at
/// \param damaged  as for status()
/// \throws Error(bad_input) when a panel has a label that no socket has
MachinePicture picture_of(const Root& root, const State& state, bool panels, const std::vector<Finding>& damaged = {});

}  // namespace hostsplit
