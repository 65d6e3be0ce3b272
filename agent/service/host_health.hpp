#pragma once
#include <chrono>
#include <string>

#include "core/boot_health.hpp"

namespace hostsplit {

/// What systemd says of a unit: "active", "failed", ...; empty when it cannot be asked (org.freedesktop.systemd1(5)).
std::string unit_state(const std::string& unit);

/// The signs that do not come from a snapshot. \param watched since the daemon started
HealthSigns host_signs(std::chrono::seconds watched);

}  // namespace hostsplit
