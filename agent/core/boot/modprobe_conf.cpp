#include "core/boot/modprobe_conf.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace hostsplit {
namespace {

constexpr std::string_view header = "# Written by `hostsplit apply`, removed by `hostsplit undo`.\n";

/// Modules that bring drivers for a kind; what binds is called differently (xhci_pci brings xhci_hcd). The module for
/// Renesas chips needs xhci_pci, and so brings it (drivers/usb/host/Makefile).
std::vector<std::string> modules_of(ControllerKind kind) {
  switch (kind) {
    case ControllerKind::uhci: return {"uhci_hcd"};
    case ControllerKind::ohci: return {"ohci_pci"};
    case ControllerKind::ehci: return {"ehci_pci"};
    case ControllerKind::xhci: return {"xhci_pci", "xhci_pci_renesas"};
    case ControllerKind::other: break;
  }
  return {};
}

}  // namespace

std::vector<std::string> builtin_drivers(const Snapshot& snapshot, ControllerKind kind) {
  auto modules = modules_of(kind);
  std::erase_if(modules, [&](const std::string& module) { return !snapshot.builtin_modules.count(module); });
  return modules;
}

std::string modprobe_conf(Rung rung, const std::vector<std::string>& ids, const std::vector<ControllerKind>& kinds) {
  if (rung < Rung::ids) return {};
  std::string text(header);
  text += rung == Rung::ids ? "# Every function with these ids belongs to a VM.\n"
                            : "# The initramfs and hostsplit-host-usb.service load by name what is blacklisted\n"
                              "# here, once vfio-pci has what belongs to VMs.\n";
  if (!ids.empty()) text += fmt::format("options vfio-pci ids={}\n", fmt::join(ids, ","));
  for (const auto kind : kinds)
    for (const auto& module : modules_of(kind)) text += "softdep " + module + " pre: vfio-pci\n";
  if (rung == Rung::blacklist)
    for (const auto& module : modules_of(ControllerKind::xhci)) text += "blacklist " + module + "\n";
  return text;
}

bool is_modprobe_conf(std::string_view text) {
  return text.starts_with(header);
}

std::string modules_load_conf(Rung rung) {
  return rung < Rung::ids ? std::string() : std::string(header) + "vfio-pci\n";
}

}  // namespace hostsplit
