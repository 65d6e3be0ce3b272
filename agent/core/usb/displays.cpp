#include "core/usb/displays.hpp"

namespace hostsplit {
namespace {

bool shows_a_picture(const PciFunction& function) {
  constexpr std::uint32_t vga = 0x0300, other = 0x0380;
  const auto kind = function.fingerprint.pci_class >> 8;
  if (function.physical) return false;
  return kind == vga || kind == other || (is_display(function.fingerprint.pci_class) && function.outputs);
}

}  // namespace

std::vector<Finding> lost_displays(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                                   const GuestTakes& guests, const std::set<PciAddress>& returning) {
  std::vector<Finding> findings;
  bool one_stays = false;
  const PciFunction* last = nullptr;
  for (const auto& [address, function] : snapshot.functions) {
    if (!shows_a_picture(function)) continue;
    if (!leaving.count(address) && !guests.functions.count(address)) {
      one_stays = one_stays || returning.count(address) || !is_vfio_driver(function.driver);
      continue;
    }
    last = &function;
    if (function.boot_vga)
      findings.push_back({"boot-display", Severity::warning, to_string(address),
                          "the firmware and the boot loader show their messages on it (boot_vga), and it goes to a VM",
                          "Make another card the first display in the firmware setup, or expect no picture from the "
                          "moment the VM has it"});
  }
  if (last && !one_stays)
    findings.push_back({"last-display", Severity::warning, to_string(last->address),
                        "it is the host's only display: nothing can be read on the host's console any more",
                        "See that the host can be reached over the network or a serial console"});
  return findings;
}

}  // namespace hostsplit
