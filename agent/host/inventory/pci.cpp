#include <algorithm>
#include <map>
#include <tuple>

#include "core/base/names.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/parts.hpp"

/// PCI functions, IOMMU groups and USB controllers (Documentation/ABI/testing/sysfs-bus-pci).
namespace hostsplit::inventory_parts {
namespace {

/// ACPI identities of root bridges, each read once.
class RootBridges {
 public:
  explicit RootBridges(const Root& root) : root_(root) {}

  const std::string& identity(const std::string& bridge) {
    auto [entry, fresh] = identities_.try_emplace(bridge);
    if (fresh) {
      entry->second = root_.read("sys/devices/" + bridge + "/firmware_node/path", 4096).value_or("");
      if (entry->second.empty() || !sane(entry->second)) entry->second = bridge;
    }
    return entry->second;
  }

 private:
  /// It becomes part of an identity that is written to files word by word.
  static bool sane(const std::string& path) {
    return std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c <= '~' && c != '"'; });
  }

  const Root& root_;
  std::map<std::string, std::string> identities_;
};

/// "1B36:000D" of a uevent.
std::optional<std::pair<std::uint16_t, std::uint16_t>> id_words(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto vendor = to_number<std::uint16_t>(text.substr(0, colon), 16);
  const auto device = to_number<std::uint16_t>(text.substr(colon + 1), 16);
  if (!vendor || !device) return std::nullopt;
  return std::pair(*vendor, *device);
}

/// Garbage leaves zeroes: such a function still counts as a member of its group, but is nobody's controller.
void read_identity(Snapshot& snapshot, const std::string& path, std::string_view uevent, PciFunction& function) {
  auto& fingerprint = function.fingerprint;
  const auto text = value_of(uevent, "PCI_CLASS");
  const auto pci_class = to_number<std::uint32_t>(text, 16);
  if (pci_class && *pci_class <= 0xffffff) {
    fingerprint.pci_class = *pci_class;
  } else {
    report_garbage(snapshot, path, text, "the class of " + to_string(function.address) + " is unknown");
  }
  if (const auto ids = id_words(value_of(uevent, "PCI_ID"))) {
    std::tie(fingerprint.ids.vendor, fingerprint.ids.device) = *ids;
  } else {
    report_garbage(snapshot, path, value_of(uevent, "PCI_ID"),
                   "vendor and device of " + to_string(function.address) + " are unknown");
  }
  if (const auto ids = id_words(value_of(uevent, "PCI_SUBSYS_ID")))
    std::tie(fingerprint.ids.subsystem_vendor, fingerprint.ids.subsystem_device) = *ids;
}

std::optional<int> read_node(const Root& root, Snapshot& snapshot, const std::string& path) {
  const auto text = root.read(path, 64);
  if (!text) return std::nullopt;  // a kernel without NUMA has no such attribute
  const auto node = to_number<int>(*text);
  if (!node || *node < -1) {
    report_garbage(snapshot, path, *text, "the NUMA node is unknown");
    return std::nullopt;
  }
  if (*node == -1) return std::nullopt;
  return node;
}

std::optional<int> read_group(const Root& root, Snapshot& snapshot, const std::string& path) {
  const auto name = root.link_name(path);
  if (!name) return std::nullopt;
  const auto group = to_number<int>(*name);
  if (!group || *group < 0) {
    report_garbage(snapshot, path, *name, "the IOMMU group is unknown");
    return std::nullopt;
  }
  return group;
}

/// The kernel shows it under the device's lock (drivers/pci/pci-sysfs.c), which an unbind keeps as long as a VM keeps
/// the device. Only drivers that have a way to be told to let go are waited for.
std::optional<std::string> read_override(const Root& root, Snapshot& snapshot, const PciFunction& function,
                                         const std::string& path) {
  const bool may_hang = function.driver == names::vfio_driver || controller_kind(function.fingerprint.pci_class);
  auto text = may_hang ? root.read_in_time(path, 4096) : root.read(path, 4096);
  if (may_hang && root.silent(path)) {
    report_missing(snapshot, path,
                   "it is taken to be unchanged, because a driver holds " + to_string(function.address));
    return function.driver.empty() ? std::nullopt : std::optional(function.driver);
  }
  if (text && (text->empty() || *text == "(null)")) text.reset();
  return text;
}

/// Root ports a USB4 host interface keeps tunnels behind, and its own controller: device links that its driver makes
/// (drivers/thunderbolt/acpi.c, tb_acpi_add_links).
std::vector<PciAddress> read_consumers(const Root& root, const std::string& path) {
  constexpr std::string_view link = "consumer:pci:";
  std::vector<PciAddress> consumers;
  for (const auto& name : root.list(path))
    if (name.starts_with(link))
      if (const auto address = parse_pci_address(std::string_view(name).substr(link.size())))
        consumers.push_back(*address);
  std::sort(consumers.begin(), consumers.end());
  return consumers;
}

/// Whether the driver shows a connector: "drm/card0/card0-HDMI-A-1".
bool has_outputs(const Root& root, const std::string& path) {
  for (const auto& card : root.list(path + "/drm"))
    for (const auto& entry : root.list(path + "/drm/" + card))
      if (entry.starts_with(card + "-")) return true;
  return false;
}

/// A function with its fingerprint and driver alone. \param path gets its directory
std::optional<PciFunction> observe_occupant(const Root& root, Snapshot& snapshot, RootBridges& bridges,
                                            const PciAddress& address, std::string& path) {
  const auto name = to_string(address);
  path = device_path(root, "sys/bus/pci/devices/" + name).value_or("");
  const auto place = pci_path(path);
  if (!place || place->address != address) return std::nullopt;
  const auto uevent = root.read(path + "/uevent", 4096);
  if (!uevent) {
    if (root.exists(path)) report_missing(snapshot, path + "/uevent", name + " is left out");
    return std::nullopt;
  }
  PciFunction function;
  function.address = address;
  function.fingerprint.root = bridges.identity(place->root);
  function.fingerprint.chain = place->chain;
  read_identity(snapshot, path + "/uevent", *uevent, function);
  function.driver = value_of(*uevent, "DRIVER");
  return function;
}

std::optional<PciFunction> observe(const Root& root, Snapshot& snapshot, RootBridges& bridges,
                                   const PciAddress& address) {
  std::string path;
  auto function = observe_occupant(root, snapshot, bridges, address, path);
  if (!function) return std::nullopt;
  function->driver_override = read_override(root, snapshot, *function, path + "/driver_override");
  function->group = read_group(root, snapshot, path + "/iommu_group");
  function->node = read_node(root, snapshot, path + "/numa_node");
  if (const auto physical = root.link_name(path + "/physfn")) function->physical = parse_pci_address(*physical);
  if (function->fingerprint.pci_class == usb4_interface) function->consumers = read_consumers(root, path);
  if (is_display(function->fingerprint.pci_class)) {
    function->boot_vga = root.read(path + "/boot_vga", 8) == "1";
    function->outputs = has_outputs(root, path);
  }
  return function;
}

void collect_groups(const Root& root, Snapshot& snapshot) {
  for (const auto& [address, function] : snapshot.functions)
    if (function.group) snapshot.groups[*function.group].members.push_back(address);
  for (auto& [id, group] : snapshot.groups) {
    group.id = id;
    group.type = root.read("sys/kernel/iommu_groups/" + std::to_string(id) + "/type", 64).value_or("");
  }
}

/// What is in the domains of Intel VMD, told of the function that carries it.
void note_behind_vmd(const Root& root, Snapshot& snapshot, const std::string& name) {
  if (parse_vmd_address(name) != name) return;
  const auto path = device_path(root, "sys/bus/pci/devices/" + name);
  const auto carrier = path ? nearest_function(*path) : std::nullopt;
  const auto found = carrier ? snapshot.functions.find(*carrier) : snapshot.functions.end();
  if (found != snapshot.functions.end()) found->second.behind_vmd.push_back(name);
}

bool same_slot(const PciAddress& a, const PciAddress& b) {
  return a.domain == b.domain && a.bus == b.bus && a.device == b.device;
}

/// EHCI hands full and low speed devices to UHCI/OHCI functions of its slot (drivers/usb/core/hcd-pci.c): one set of
/// sockets. Every member names the others.
std::vector<PciAddress> companions(const Snapshot& snapshot, const Controller& controller) {
  std::vector<PciAddress> others;
  bool ehci = controller.kind == ControllerKind::ehci;
  if (controller.kind == ControllerKind::xhci) return others;
  for (const auto& [address, other] : snapshot.controllers) {
    if (address == controller.address || !same_slot(address, controller.address)) continue;
    if (other.kind == ControllerKind::xhci) continue;
    ehci = ehci || other.kind == ControllerKind::ehci;
    others.push_back(address);
  }
  if (!ehci) others.clear();
  return others;
}

}  // namespace

void read_functions(const Root& root, Snapshot& snapshot) {
  RootBridges bridges(root);
  const auto names = root.list("sys/bus/pci/devices");
  for (const auto& name : names) {
    const auto address = parse_pci_address(name);
    if (!address || name.size() != 12) continue;  // longer domains (Intel VMD) can never be given away one by one
    if (auto function = observe(root, snapshot, bridges, *address))
      snapshot.functions.emplace(*address, std::move(*function));
  }
  for (const auto& name : names) note_behind_vmd(root, snapshot, name);
  collect_groups(root, snapshot);
  for (const auto& [address, function] : snapshot.functions) {
    const auto kind = controller_kind(function.fingerprint.pci_class);
    if (kind) snapshot.controllers.emplace(address, Controller{address, *kind, {}, {}});
  }
  for (auto& [address, controller] : snapshot.controllers) controller.companions = companions(snapshot, controller);
}

}  // namespace hostsplit::inventory_parts

namespace hostsplit {

std::optional<PciFunction> read_function(const Root& root, const PciAddress& address) {
  Snapshot scratch;  // for findings, which only inventory() tells
  inventory_parts::RootBridges bridges(root);
  return inventory_parts::observe(root, scratch, bridges, address);
}

std::optional<Occupant> read_occupant(const Root& root, const PciAddress& address) {
  Snapshot scratch;
  inventory_parts::RootBridges bridges(root);
  std::string path;
  auto function = inventory_parts::observe_occupant(root, scratch, bridges, address, path);
  if (!function) return std::nullopt;
  return Occupant{std::move(function->fingerprint), std::move(function->driver)};
}

}  // namespace hostsplit
