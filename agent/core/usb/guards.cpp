#include "core/usb/guards.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/machine/use_via.hpp"
#include "core/usb/keyboards.hpp"

namespace hostsplit {
namespace {

bool named(const std::vector<std::string>& may_lose, const std::string& what) {
  return std::find(may_lose.begin(), may_lose.end(), what) != may_lose.end();
}

/// By explicit wish, each by its name or its device; what the boot depends on is nobody's to give.
bool given_up(const std::vector<std::string>& may_lose, const HostUse& use) {
  return !use.root && (named(may_lose, use.name) || named(may_lose, use.device));
}

/// By its name, but of a process by the device: its number is another one after the next boot.
std::string quoted_name(const HostUse& use) {
  const bool numbered = use.name.find(" (process ") != std::string::npos && !use.device.empty();
  return fmt::format("may_lose = [\"{}\"] under [host]", numbered ? use.device : use.name);
}

/// "cryptbackup (LUKS), volume group usbvg"
std::string open_text(const std::vector<OpenMapping>& open) {
  std::vector<std::string> words;
  for (const auto& [kind, name] : open) switch (kind) {
      case OpenMapping::Kind::group: words.push_back("volume group " + name); break;
      case OpenMapping::Kind::luks: words.push_back(name + " (LUKS)"); break;
      case OpenMapping::Kind::crypt: words.push_back(name + " (dm-crypt)"); break;
      case OpenMapping::Kind::other: words.push_back(name + " (device mapper)"); break;
    }
  return fmt::format("{}", fmt::join(words, ", "));
}

/// The commands that close it: vgchange(8), cryptsetup(8), dmsetup(8).
std::string closing_commands(const std::vector<OpenMapping>& open) {
  std::vector<std::string> commands;
  for (const auto& [kind, name] : open) switch (kind) {
      case OpenMapping::Kind::group: commands.push_back("vgchange -an " + name); break;
      case OpenMapping::Kind::other: commands.push_back("dmsetup remove " + name); break;
      default: commands.push_back("cryptsetup close " + name);
    }
  return fmt::format("{}", fmt::join(commands, "; "));
}

/// `qm disk move` takes disks only, no images of CDs and no files of the host.
bool is_movable(const std::string& volume) {
  return !volume.starts_with('/') && volume.find(":iso/") == std::string::npos;
}

std::string move_remedy(const HostUse& use) {
  if (!use.line || !is_movable(use.line->file)) return "Move it to another disk first";
  return fmt::format("Move it to a storage on another disk first: qm disk move {} {} STORAGE", *use.guest,
                     use.line->key);
}

std::string remedy_for(const HostUse& use) {
  if (!use.unknown.empty() && use.root && use.kind == UseKind::key)
    return "Plug it in, so that its controller is known: what unlocks the root disk cannot be given up";
  if (!use.unknown.empty())
    return use.root ? "See why it cannot be followed: as long as it is unknown what the host boots from, nothing that "
                      "may be it can be given away"
                    : fmt::format("Unmount, export or stop it, or write {} if it may be lost", quoted_name(use));
  if (use.root) return "Choose sockets of another group: this one carries what the host boots from";
  switch (use.kind) {
    case UseKind::mount:
      if (use.via == by_fstab)
        return fmt::format("Write nofail into the options of {} in /etc/fstab, or {}", use.name, quoted_name(use));
      if (use.via == by_mount_unit)
        return fmt::format(
            "Take its mount unit out of local-fs.target: systemctl disable \"$(systemd-escape -p "
            "--suffix=mount {})\"; or write {}",
            use.name, quoted_name(use));
      return "Unmount " + use.name + " first, or choose sockets of another group";
    case UseKind::lvm:
      if (use.open.empty()) break;
      return fmt::format("Close what is open on it first ({}), or choose sockets of another group",
                         closing_commands(use.open));
    case UseKind::swap: return "Run swapoff " + use.name + " first, or choose sockets of another group";
    case UseKind::network: return "Move the host's network to another card first, or choose sockets of another group";
    case UseKind::process: return fmt::format("End {} first, or write {}", use.name, quoted_name(use));
    case UseKind::guest:
      if (use.stored) return move_remedy(use) + (use.lifeline ? ", or write " + quoted_name(use) : "");
      return fmt::format("Plug it into a socket of another controller or take it out of {}, or write {}", use.name,
                         quoted_name(use));
    case UseKind::key: return "Plug the stick into a socket that stays with the host, or write " + quoted_name(use);
    default: break;
  }
  return "Choose sockets of another group, or move that to another controller first";
}

/// The function by which the use is lost, if it is.
struct Hit {
  bool lost = false;
  PciAddress at;
};

Hit hit_by(const HostUse& use, const std::set<PciAddress>& leaving) {
  for (const auto& function : use.functions)
    if (leaving.count(function)) return {true, function};
  if (!use.unknown.empty() && use.functions.empty()) return {true, *leaving.begin()};
  return {};
}

bool own_guest(const HostUse& use, const Hit& hit, const Departure& departure) {
  const auto to = departure.to.find(hit.at);
  return use.guest && to != departure.to.end() && to->second == *use.guest;
}

/// The VM gets the function, and still names what is on it by a file that the host will not have any more.
Finding own_line(const HostUse& use, const PciAddress& at) {
  const auto& [key, file] = *use.line;
  const auto drop = fmt::format("qm set {} --delete {}", *use.guest, key);
  const auto remedy = key == "args" ? fmt::format("Take it out of the VM's arguments: qm set {} --args ...", *use.guest)
                      : !is_movable(file)
                          ? drop
                          : fmt::format("Move it to a storage on another disk: qm disk move {} {} STORAGE; or {}",
                                        *use.guest, key, drop);
  return {
      "guest-loses", Severity::warning, to_string(at),
      fmt::format("{} of VM {} names {}, which is on it and leaves the host with it: the VM does not start any more",
                  key, *use.guest, file),
      remedy};
}

Finding lost_use(const Snapshot& snapshot, const HostUse& use, const PciAddress& at,
                 const std::vector<std::string>& may_lose) {
  if (!use.lifeline)
    return {use.kind == UseKind::guest ? "guest-loses" : "process-loses", Severity::warning, to_string(at),
            use_text(use), remedy_for(use)};
  const Severity severity = given_up(may_lose, use) ? Severity::warning : Severity::error;
  if (!use.unknown.empty())
    return {"lifeline-unknown", severity, to_string(at),
            fmt::format("{} is in use and may depend on it: {}", use.name, use.unknown), remedy_for(use)};
  const PciFunction* function = snapshot.function(at);
  const auto group = function && function->group ? fmt::format("; group {} stays with the host", *function->group) : "";
  return {"group-lifeline", severity, to_string(at), use_text(use) + group, remedy_for(use)};
}

/// What the boot depends on never leaves, so what guests and processes have there need not be told as well.
std::set<PciAddress> root_functions(const Snapshot& snapshot) {
  std::set<PciAddress> functions;
  for (const auto& use : snapshot.uses)
    if (use.root && use.unknown.empty()) functions.insert(use.functions.begin(), use.functions.end());
  return functions;
}

void guard_uses(const Snapshot& snapshot, const Departure& departure, const std::set<PciAddress>& leaving,
                std::vector<Finding>& findings) {
  const auto of_root = root_functions(snapshot);
  for (const auto& use : snapshot.uses) {
    const bool of_others = use.kind == UseKind::guest || use.kind == UseKind::process;
    if (!use.lifeline && !of_others) continue;
    const Hit hit = hit_by(use, leaving);
    if (!hit.lost || (of_others && of_root.count(hit.at))) continue;
    if (own_guest(use, hit, departure)) {
      if (use.line) findings.push_back(own_line(use, hit.at));
      continue;
    }
    findings.push_back(lost_use(snapshot, use, hit.at, departure.may_lose));
  }
}

/// USB controllers in management chips: what is attached there is made by firmware. By vendor and device (pci.ids;
/// device 0 stands for all of the vendor).
constexpr struct {
  std::uint16_t vendor, device;
} management[] = {
    {0x103c, 0x3300},  // HP iLO 2 to 4
    {0x103c, 0x22f6},  // HPE iLO 5
    {0x1a03, 0},       // ASPEED
};

/// Or another function of the device is an IPMI interface (class 0x0c07).
bool in_management_chip(const Snapshot& snapshot, const PciAddress& address) {
  constexpr std::uint32_t ipmi = 0x0c07;
  const PciFunction* function = snapshot.function(address);
  if (!function) return false;
  const auto& ids = function->fingerprint.ids;
  for (const auto& each : management)
    if (ids.vendor == each.vendor && (each.device == 0 || ids.device == each.device)) return true;
  return std::any_of(snapshot.functions.begin(), snapshot.functions.end(), [&](const auto& other) {
    return means({address, true}, other.first) && other.second.fingerprint.pci_class >> 8 == ipmi;
  });
}

/// Whether somebody could plug something in: not in a management chip, nor where every port is wired on the board, or
/// not used at all.
bool has_sockets(const Snapshot& snapshot, const PciAddress& address) {
  if (in_management_chip(snapshot, address)) return false;
  bool any = false;
  for (const auto& port : snapshot.ports) {
    if (port.controller != address) continue;
    any = true;
    if (port.connect_type == "hotplug" || port.connect_type == "unknown") return true;
  }
  return !any;
}

void guard_last_controller(const Snapshot& snapshot, const Departure& departure, const std::set<PciAddress>& leaving,
                           std::vector<Finding>& findings) {
  const PciAddress* last = nullptr;
  std::string others;
  for (const auto& [address, controller] : snapshot.controllers) {
    // Without root hubs no socket works: no driver, one that could not start, or vfio-pci.
    if (controller.root_hubs.empty() || !has_sockets(snapshot, address)) continue;
    const auto taken = departure.guests.functions.find(address);
    if (leaving.count(address))
      last = &address;
    else if (taken != departure.guests.functions.end())
      others += fmt::format("; VM {} takes {}", taken->second, to_string(address));
    else
      return;
  }
  const bool returns = std::any_of(departure.returning.begin(), departure.returning.end(),
                                   [&](const PciAddress& address) { return snapshot.controller(address) != nullptr; });
  if (!last || returns) return;
  findings.push_back({"last-usb", named(departure.may_lose, "usb") ? Severity::warning : Severity::error,
                      to_string(*last),
                      "no USB controller would be left to the host: it is the last with working sockets" + others,
                      "Leave one to the host (a keyboard or a rescue stick needs it), or write may_lose = [\"usb\"] "
                      "under [host]"});
}

bool behind(const Fingerprint& bridge, const Fingerprint& function) {
  return function.root == bridge.root && function.chain.size() > bridge.chain.size() &&
         std::equal(bridge.chain.begin(), bridge.chain.end(), function.chain.begin());
}

/// Of a USB4 host interface in a switch of its own: the switch's port, and the interface.
constexpr std::size_t own_hops = 2;

/// What USB4 and Thunderbolt host interfaces (class 0x0c0340) keep tunnels to, as far as they sit in a switch of their
/// own: below its other ports, what has a switch in front of it. Their own controllers are attached to a port directly.
bool tunnelled(const Snapshot& snapshot, const PciFunction& interface, const Fingerprint& other) {
  const auto& chain = interface.fingerprint.chain;
  if (interface.fingerprint.pci_class != usb4_interface || chain.size() <= own_hops) return false;
  Fingerprint inside = interface.fingerprint;
  inside.chain.resize(chain.size() - own_hops);
  if (!behind(inside, other) || other.chain.size() <= chain.size()) return false;
  return std::any_of(snapshot.functions.begin(), snapshot.functions.end(), [&](const auto& each) {
    const auto& bridge = each.second.fingerprint;
    return bridge.root == inside.root && bridge.chain == inside.chain && is_bus_bridge(bridge.pci_class);
  });
}

/// The same for host interfaces of the CPU: their tunnels begin at root ports, which the kernel links to them. Where it
/// told of none, nobody knows which: it may be any with a switch below, as every dock has one.
bool maybe_tunnelled(const Snapshot& snapshot, const PciFunction& interface, const Fingerprint& other) {
  constexpr std::size_t in_a_dock = 4;  // root port, both sides of the switch, the function
  const auto& self = interface.fingerprint;
  if (self.pci_class != usb4_interface || self.chain.size() > own_hops) return false;
  const bool linked =
      std::any_of(interface.consumers.begin(), interface.consumers.end(), [&](const PciAddress& address) {
        const PciFunction* consumer = snapshot.function(address);
        return consumer && is_bus_bridge(consumer->fingerprint.pci_class);
      });
  return !linked && other.root == self.root && other.chain.size() >= in_a_dock;
}

bool goes_with(const Snapshot& snapshot, const PciFunction& from, const PciFunction& other) {
  const auto& consumers = from.consumers;
  return (is_bridge(from.fingerprint.pci_class) && behind(from.fingerprint, other.fingerprint)) ||
         std::find(consumers.begin(), consumers.end(), other.address) != consumers.end() ||
         tunnelled(snapshot, from, other.fingerprint) || maybe_tunnelled(snapshot, from, other.fingerprint) ||
         other.physical == from.address;
}

std::string device_text(const UsbDevice& device) {
  const std::string name = !device.product_name.empty() ? device.product_name : "a device";
  return fmt::format("{} ({})", name, id_pair(device.vendor, device.product));
}

/// "front-1"; behind a hub in that socket "front-1, port 2"; "port 1.2" where no socket on the way was learned.
std::string socket_of(const UsbDevice& device, const SocketLabels& label_of) {
  std::string path = device.path;
  while (true) {
    const auto label = label_of.find({device.controller, device.half, path});
    if (label != label_of.end())
      return path == device.path ? label->second
                                 : fmt::format("{}, port {}", label->second, device.path.substr(path.size() + 1));
    const auto dot = path.rfind('.');
    if (dot == std::string::npos) return "port " + device.path;
    path.resize(dot);
  }
}

}  // namespace

std::set<PciAddress> with_all_behind(const Snapshot& snapshot, const std::set<PciAddress>& functions) {
  std::set<PciAddress> all = functions;
  std::vector<PciAddress> waiting(functions.begin(), functions.end());
  while (!waiting.empty()) {
    const PciFunction* from = snapshot.function(waiting.back());
    waiting.pop_back();
    if (!from) continue;
    for (const auto& [address, function] : snapshot.functions)
      if (goes_with(snapshot, *from, function) && all.insert(address).second) waiting.push_back(address);
  }
  return all;
}

std::string use_text(const HostUse& use) {
  switch (use.kind) {
    case UseKind::mount:
      if (use.via == by_fstab)
        return fmt::format("the boot mounts {} from it ({}) and stops where it cannot: nothing says nofail there",
                           use.name, use.device);
      if (use.via == by_mount_unit)
        return fmt::format(
            "the boot mounts {} from it ({}) and stops where it cannot: local-fs.target requires its "
            "mount unit",
            use.name, use.device);
      return fmt::format("{} is mounted from it ({})", use.name, use.device);
    case UseKind::swap: return fmt::format("the host swaps to it ({})", use.device);
    case UseKind::network:
      return fmt::format("the host's network runs over it ({}{}{})", use.name, use.via.empty() ? "" : ": ", use.via);
    case UseKind::lvm:
      if (!use.open.empty())
        return fmt::format("{} depends on it ({}); open on it: {}", use.name, use.device, open_text(use.open));
      [[fallthrough]];
    case UseKind::zfs:
    case UseKind::md: return fmt::format("{} depends on it ({})", use.name, use.device);
    case UseKind::key: return fmt::format("{} is on it ({})", use.name, use.device);
    case UseKind::process: return fmt::format("{} has {} open, which is on it", use.name, use.device);
    case UseKind::guest:
      if (use.stored) return fmt::format("{} has {} on it", use.name, use.device);
      return fmt::format("{} uses what is plugged in there now: {}", use.name, use.device);
    default: return fmt::format("{} {} is attached to it ({})", to_string(use.kind), use.name, use.device);
  }
}

const HostUse* lifeline_on(const Snapshot& snapshot, const PciAddress& address) {
  const auto all = with_all_behind(snapshot, {address});
  for (const auto& use : snapshot.uses)
    if (use.lifeline && use.unknown.empty() && hit_by(use, all).lost) return &use;
  return nullptr;
}

std::vector<Finding> losses(const Snapshot& snapshot, const Departure& departure) {
  std::vector<Finding> findings;
  if (departure.leaving.empty()) return findings;
  const auto leaving = with_all_behind(snapshot, departure.leaving);
  guard_uses(snapshot, departure, leaving, findings);
  guard_last_keyboard(snapshot, {leaving, departure.guests, named(departure.may_lose, "keyboard")}, findings);
  guard_last_controller(snapshot, departure, leaving, findings);
  return findings;
}

std::vector<std::string> given_up_when_applied(const BootPlan& applied) {
  auto names = applied.may_lose;
  for (const auto* word : {"keyboard", "usb"})
    if (!named(names, word)) names.emplace_back(word);
  return names;
}

std::vector<Finding> plugged_in(const Snapshot& snapshot, const std::set<PciAddress>& leaving,
                                const SocketLabels& label_of) {
  std::vector<Finding> findings;
  for (const auto& address : leaving) {
    std::vector<std::string> words;
    for (const auto& device : snapshot.devices) {
      if (device.controller != address || device.hub) continue;
      words.push_back(socket_of(device, label_of) + ": " + device_text(device));
    }
    if (!words.empty())
      findings.push_back({"plugged-in", Severity::info, to_string(address),
                          fmt::format("leaves with what is plugged in now: {}", fmt::join(words, ", ")), ""});
  }
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
  auto ending = moving;
  for (const auto& [address, function] : snapshot.functions)
    if (function.physical && moving.count(*function.physical)) ending.insert(address);
  for (const auto& address : ending) {
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
