#include "core/usb/topology.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

namespace hostsplit {
namespace {

constexpr std::string_view override_parameter = "pcie_acs_override=";

bool same_device(const PciAddress& a, const PciAddress& b) {
  return a.domain == b.domain && a.bus == b.bus && a.device == b.device;
}

bool below_one_root_port(const Fingerprint& a, const Fingerprint& b) {
  return a.root == b.root && a.chain.size() > 1 && b.chain.size() > 1 && a.chain.front() == b.chain.front();
}

/// Functions of other groups that may be separated from this one on paper only.
std::vector<std::string> separated_on_paper(const Snapshot& snapshot, const PciFunction& function, bool downstream) {
  std::vector<std::string> others;
  for (const auto& [address, other] : snapshot.functions) {
    if (address == function.address || !other.group || other.group == function.group || other.driver.empty()) continue;
    if (is_bus_bridge(other.fingerprint.pci_class)) continue;
    const HostUse* use = lifeline_on(snapshot, address);
    const bool device = same_device(address, function.address);
    if (!device && !(downstream && use && below_one_root_port(function.fingerprint, other.fingerprint))) continue;
    others.push_back(
        fmt::format("{} (group {}{})", to_string(address), *other.group, use ? ", " + use_text(*use) : std::string()));
  }
  return others;
}

void note_acs_override(const Snapshot& snapshot, const std::vector<Claim>& claims, std::vector<Finding>& findings) {
  const auto at = snapshot.command_line.find(override_parameter);
  if (at == std::string::npos) return;
  const auto parameter = std::string_view(snapshot.command_line).substr(at, snapshot.command_line.find(' ', at) - at);
  for (const auto& claim : claims) {
    const PciFunction* function = snapshot.function(claim.address);
    if (!function || !function->group) continue;
    const auto others = separated_on_paper(snapshot, *function, parameter.find("downstream") != std::string_view::npos);
    if (others.empty()) continue;
    findings.push_back(
        {"acs-override", Severity::warning, to_string(claim.address),
         fmt::format(
             "its group {} may be one on paper only: {} splits groups without the hardware's isolation, and the "
             "guest may reach {}",
             *function->group, parameter, fmt::join(others, ", ")),
         "Take the parameter off the kernel command line, reboot and see what hostsplit plan says of the real groups; "
         "keep it only if you trust the guest"});
  }
}

void note_shared_sockets(const Snapshot& snapshot, const std::vector<Claim>& claims, std::vector<Finding>& findings) {
  std::map<PciAddress, int> to;
  for (const auto& claim : claims) to[claim.address] = claim.vm;
  const auto vm_of = [&](const PciAddress& address) { return to.count(address) ? to.at(address) : 0; };
  for (const auto& [xhci, controller] : snapshot.controllers) {
    const PciFunction* function = snapshot.function(xhci);
    if (!function || !switches_to_ehci(function->fingerprint.ids)) continue;
    for (const auto& [ehci, other] : snapshot.controllers) {
      if (other.kind != ControllerKind::ehci || ehci.bus != xhci.bus || ehci.domain != xhci.domain) continue;
      if (vm_of(xhci) == vm_of(ehci)) continue;
      findings.push_back({"shares-sockets", Severity::warning, to_string(xhci),
                          fmt::format("its sockets can be switched to {} (Intel 7 to 9 series): a stick may appear on "
                                      "either, depending on whose driver started last",
                                      to_string(ehci)),
                          "Give both to the same VM, or leave both to the host"});
    }
  }
}

}  // namespace

bool switches_to_ehci(const PciIds& ids) {
  constexpr std::uint16_t chips[] = {0x1e31, 0x8c31, 0x9c31, 0x8cb1, 0x8d31, 0x9cb1};
  return ids.vendor == 0x8086 && std::find(std::begin(chips), std::end(chips), ids.device) != std::end(chips);
}

std::vector<Finding> note_topology(const Snapshot& snapshot, const std::vector<Claim>& claims) {
  std::vector<Finding> findings;
  note_acs_override(snapshot, claims, findings);
  note_shared_sockets(snapshot, claims, findings);
  return findings;
}

SocketLabels socket_labels(const Snapshot& snapshot, const PortMap& ports) {
  SocketLabels labels;
  for (const auto& port : ports.ports) {
    const Located located = locate(snapshot, port.controller);
    if (located.kind != Located::Kind::found) continue;
    for (const auto which : {UsbHalf::usb2, UsbHalf::usb3})
      if (const auto& half = port.half(which)) labels[{*located.address, which, half->path}] = port.label;
  }
  for (const auto& port : snapshot.ports)
    if (const auto turned = turned_plug(ports, snapshot, port))
      labels.try_emplace({port.controller, port.half, port.path}, ports.ports[*turned].label);
  return labels;
}

}  // namespace hostsplit
