#pragma once
#include <string>

#include "operations/carry_out.hpp"

namespace hostsplit {

/// Counts the boot that has begun, once; to be called before the first effect on it. \return the count.
/// \throws Error when it cannot be written: then nothing may be done either.
HealthRecord begin_boot(const Context& context);

/// Writes down, once in each boot and for each of those who observe first, which drivers the applied functions have
/// before anything is moved: what tells whether the rung in force has held. Where it cannot be written nothing is
/// known. \param file  names::first_look_early or names::first_look_service
void note_first_look(const Context& context, const State& state, const char* file);

/// How early boot went.
struct EarlyBootResult {
  std::string suspended;  ///< why hostsplit is suspended on this boot; empty: it is not
  Outcome outcome;
};
/// What hostsplit-reserve.service does. On a boot on which hostsplit is suspended everything goes back to the host, and
/// an audit record says so. \throws Error.
EarlyBootResult early_boot(const Context& context, const Progress& progress);

}  // namespace hostsplit
