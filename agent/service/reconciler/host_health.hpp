#pragma once
#include <chrono>

#include "core/boot/boot_health.hpp"

namespace hostsplit {

/// The signs that do not come from a snapshot: what systemd says of its units, over a connection of its own. What
/// cannot be asked counts as "not yet". Takes at most half a second. \param watched since the daemon started
HealthSigns host_signs(std::chrono::seconds watched);

}  // namespace hostsplit
