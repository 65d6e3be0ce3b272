#pragma once
#include "core/steps/step.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Moves one function to another driver and proves it: checks that the function is still the one planned for, writes
/// driver_override, unbind and drivers_probe, reads the driver link back. If the new driver did not take it, the
/// function is given back to the driver it had, so that the host keeps working.
/// Contract of the attributes: Documentation/ABI/testing/sysfs-bus-pci. drivers_probe reports success even when nothing
/// bound, hence the read-back.
/// \pre a job of Effects::in_child()
/// \throws Stuck when the kernel does not answer: the function is then to be put into quarantine().
/// \throws Error when the function is another one now, a write failed, or the read-back disagrees.
void bind_function(const Root& root, Effects& effects, const Bind& bind);

/// Gives a function that a move has left without a driver back to the driver of the host it had, if it had one; best
/// effort. \pre a job of Effects::in_child()
void give_back(const Root& root, Effects& effects, const Bind& bind);

}  // namespace hostsplit
