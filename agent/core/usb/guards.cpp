#include "core/usb/guards.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/names.hpp"

namespace hostsplit {
namespace {

Severity severity_of(const std::vector<Named>& may_lose, const char* what) {
  const bool given_up = std::any_of(may_lose.begin(), may_lose.end(), [&](const auto& n) { return n.text == what; });
  return given_up ? Severity::warning : Severity::error;
}

/// By explicit wish, each by its name or its device; the root file system is nobody's to give.
bool given_up(const std::vector<Named>& may_lose, const HostUse& use) {
  if (use.name == "/") return false;
  return std::any_of(may_lose.begin(), may_lose.end(),
                     [&](const Named& named) { return named.text == use.name || named.text == use.device; });
}

std::string remedy_for(const HostUse& use) {
  switch (use.kind) {
    case UseKind::mount:
      return use.name == "/" ? "Choose sockets of another group: this one carries the root disk"
                             : "Unmount " + use.name + " first, or choose sockets of another group";
    case UseKind::swap: return "Run swapoff " + use.name + " first, or choose sockets of another group";
    case UseKind::network: return "Move the host's network to another card first, or choose sockets of another group";
    default: return "Choose sockets of another group, or move that to another controller first";
  }
}

bool leaves(const std::set<PciAddress>& leaving, const PciAddress& address) {
  return leaving.count(address) != 0;
}

void guard_last_keyboard(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                         const std::vector<Named>& may_lose, std::vector<Finding>& findings) {
  const HostUse* lost = nullptr;
  for (const auto& use : snapshot.uses) {
    if (use.kind != UseKind::keyboard) continue;
    if (!use.function || !leaves(leaving, *use.function)) return;
    lost = &use;
  }
  if (!lost) return;
  findings.push_back({"last-keyboard", severity_of(may_lose, "keyboard"), to_string(*lost->function),
                      fmt::format("the host's last keyboard ({}) hangs on it", lost->name),
                      "Plug the keyboard into a socket that stays with the host, or write may_lose = [\"keyboard\"] "
                      "under [host]"});
}

void guard_last_controller(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                           const std::vector<Named>& may_lose, std::vector<Finding>& findings) {
  const PciAddress* last = nullptr;
  for (const auto& [address, controller] : snapshot.controllers) {
    const bool host_owned = snapshot.function(address)->driver != names::vfio_driver;
    if (host_owned && !leaves(leaving, address)) return;
    if (host_owned) last = &address;
  }
  if (!last) return;
  findings.push_back({"last-usb", severity_of(may_lose, "usb"), to_string(*last),
                      "no USB controller would be left to the host",
                      "Leave one to the host (a keyboard or a rescue stick needs it), or write may_lose = [\"usb\"] "
                      "under [host]"});
}

}  // namespace

std::string use_text(const HostUse& use) {
  switch (use.kind) {
    case UseKind::mount: return fmt::format("{} is mounted from it ({})", use.name, use.device);
    case UseKind::swap: return fmt::format("the host swaps to it ({})", use.device);
    case UseKind::network: return fmt::format("the host's network runs over it ({})", use.name);
    case UseKind::lvm:
    case UseKind::zfs:
    case UseKind::md: return fmt::format("{} stands on it ({})", use.name, use.device);
    default: return fmt::format("{} {} hangs on it ({})", to_string(use.kind), use.name, use.device);
  }
}

const HostUse* lifeline_on(const Snapshot& snapshot, const PciAddress& address) {
  for (const auto& use : snapshot.uses)
    if (use.lifeline && use.function == address) return &use;
  return nullptr;
}

std::vector<Finding> guard_lifelines(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                                     const std::vector<Named>& may_lose) {
  std::vector<Finding> findings;
  if (leaving.empty()) return findings;
  for (const auto& use : snapshot.uses) {
    if (!use.lifeline || !use.function || !leaves(leaving, *use.function)) continue;
    const auto group = snapshot.function(*use.function)->group;
    findings.push_back(
        {"group-lifeline", given_up(may_lose, use) ? Severity::warning : Severity::error, to_string(*use.function),
         use_text(use) + (group ? fmt::format("; group {} stays with the host", *group) : ""), remedy_for(use)});
  }
  guard_last_keyboard(snapshot, leaving, may_lose, findings);
  guard_last_controller(snapshot, leaving, may_lose, findings);
  return findings;
}

const GroupHolder* holder_of(const Snapshot& snapshot, const PciAddress& address) {
  const PciFunction* function = snapshot.function(address);
  if (!function || !function->group) return nullptr;
  for (const auto& holder : snapshot.holders)
    if (holder.group == *function->group) return &holder;
  return nullptr;
}

std::vector<Finding> guard_holders(const Snapshot& snapshot, const std::set<PciAddress>& moving) {
  std::vector<Finding> findings;
  for (const auto& address : moving) {
    const GroupHolder* holder = holder_of(snapshot, address);
    if (!holder) continue;
    const std::string who = holder->vm ? fmt::format("VM {}", *holder->vm) : holder->command;
    findings.push_back(
        {"group-in-use", Severity::error, to_string(address),
         fmt::format("group {} is held by {} (process {}, {})", holder->group, who, holder->pid, holder->command),
         holder->vm ? fmt::format("Shut that VM down first: qm shutdown {}", *holder->vm)
                    : fmt::format("End process {} first", holder->pid)});
  }
  return findings;
}

}  // namespace hostsplit
