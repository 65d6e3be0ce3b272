#pragma once
#include <string_view>

#include "core/machine/guest.hpp"

namespace hostsplit {

/// QEMU's arguments as in /proc/PID/cmdline: separated by NUL. What is not known is left out; never throws.
GuestCommand parse_qemu_command(std::string_view cmdline);

}  // namespace hostsplit
