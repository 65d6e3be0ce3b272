#include <fmt/format.h>

#include <algorithm>

#include "core/base/number.hpp"
#include "core/checks/doctor_checks.hpp"
#include "core/usb/displays.hpp"

/// What doctor says about single functions: how they are reset, and the display.
namespace hostsplit {
namespace {

/// Functions that are known to take the host down, or not to work, when they are given to a VM.
constexpr struct {
  std::uint16_t vendor, device;
  Severity severity;
  const char *code, *what, *remedy;
} known_trouble[] = {
    // github.com/QubesOS/qubes-issues #8322: the whole machine resets as soon as this controller is assigned.
    {0x1022, 0x15b8, Severity::error, "takes-host-down",
     "controllers of this kind (AMD Raphael, USB 2.0) have reset the whole machine when a VM got them",
     "Leave it with the host, and give the VM sockets of another controller"},
    // drivers/usb/host/xhci-pci-renesas.c: the firmware is uploaded by the host's driver and lost at a reset.
    {0x1912, 0x0014, Severity::warning, "needs-firmware",
     "this controller (Renesas uPD720201) may need firmware that the host's driver uploads; a guest cannot start it",
     "See that a VM sees its sockets after a cold start of the host; boards with a firmware chip of its own work"},
    {0x1912, 0x0015, Severity::warning, "needs-firmware",
     "this controller (Renesas uPD720202) may need firmware that the host's driver uploads; a guest cannot start it",
     "See that a VM sees its sockets after a cold start of the host; boards with a firmware chip of its own work"},
};

/// Before 5.8 the kernel resets these by FLR, which hangs the host (drivers/pci/quirks.c, quirk_no_flr).
bool hangs_at_flr(const PciIds& ids) {
  return ids.vendor == 0x1022 && (ids.device == 0x148c || ids.device == 0x149c);
}

bool before_5_8(const std::string& kernel) {
  const auto dot = kernel.find('.');
  const auto major = parse_number<int>(std::string_view(kernel).substr(0, dot));
  if (!major || dot == std::string::npos) return false;
  const auto rest = std::string_view(kernel).substr(dot + 1);
  const auto minor = parse_number<int>(rest.substr(0, std::min(rest.find_first_not_of("0123456789"), rest.size())));
  return *major < 5 || (*major == 5 && minor.value_or(0) < 8);
}

void judge_known(const DoctorInput& in, const PciFunction& function, Findings& findings) {
  const auto& ids = function.fingerprint.ids;
  const bool assigned = in.assigned.count(function.address) != 0;
  for (const auto& each : known_trouble) {
    if (ids.vendor != each.vendor || ids.device != each.device) continue;
    findings.push_back(
        {each.code, assigned ? each.severity : Severity::info, to_string(function.address), each.what, each.remedy});
  }
}

}  // namespace

Findings check_reset(const DoctorInput& in) {
  Findings findings;
  for (const auto& [address, controller] : in.snapshot.controllers) {
    const PciFunction& function = *in.snapshot.function(address);
    if (hangs_at_flr(function.fingerprint.ids) && before_5_8(in.snapshot.kernel))
      findings.push_back({"reset-hangs", Severity::error, to_string(address),
                          "this kernel resets the controller in a way that hangs the whole host",
                          "Update to kernel 5.8 or later"});
    judge_known(in, function, findings);
  }
  if (!in.setup.resets_known) return findings;
  for (const auto& address : in.assigned) {
    const auto known = in.setup.functions.find(address);
    if (known == in.setup.functions.end() || known->second.reset_methods) continue;
    findings.push_back({"no-reset", Severity::info, to_string(address),
                        "it has no reset method: it keeps its state from one start of the VM to the next",
                        "If the VM finds it dead after a restart, restart the host, or give it another controller"});
  }
  return findings;
}

Findings check_display(const DoctorInput& in) {
  return lost_displays(in.snapshot, in.assigned, taken_by_guests(in.pve, in.snapshot));
}

}  // namespace hostsplit
