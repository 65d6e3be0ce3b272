#pragma once
#include <cstdint>
#include <optional>
#include <span>

namespace hostsplit {

/// Whether the USB device can do SuperSpeed, however it is connected now: a stick that runs at 480 Mbit/s in a
/// USB3 socket sits badly or hangs on a USB2 cable. Asks the device itself (at most two seconds).
/// Empty when unknown: no permission, no BOS descriptor, or unplugged meanwhile.
std::optional<bool> superspeed_capable(int bus, int devnum);

/// Whether a Binary Object Store (USB 3.2, 9.6.2) lists the SuperSpeed capability. Empty when it is malformed.
std::optional<bool> superspeed_in_bos(std::span<const std::uint8_t> bos);

}  // namespace hostsplit
