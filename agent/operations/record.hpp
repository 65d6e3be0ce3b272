#pragma once
#include <string>

#include "core/recording/recording.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Runs everything that looks (status, plan, doctor, ports, verify, the proposal of setup) and records what that reads,
/// reduced. What a damaged file or an error keeps from being read is not in it. Guests are not asked for their pages.
/// \param place  this machine or a recorded one \throws Error if it cannot be opened
Recording record_machine(const RootPlace& place);

/// The same as scrub(), with random numbers that nobody knows afterwards.
Recording scrubbed(const Recording& recording);

}  // namespace hostsplit
