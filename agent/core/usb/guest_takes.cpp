#include "core/usb/guest_takes.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/base/number.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

/// Keys and values of QEMU arguments, whether `key=value,...` or JSON.
std::vector<std::string_view> argument_tokens(std::string_view args) {
  constexpr auto separators = " \t=,\"'{}\\";
  std::vector<std::string_view> tokens;
  while (true) {
    const auto begin = args.find_first_not_of(separators);
    if (begin == std::string_view::npos) return tokens;
    args.remove_prefix(begin);
    auto token = args.substr(0, args.find_first_of(separators));
    args.remove_prefix(token.size());
    if (token.starts_with(':')) token.remove_prefix(1);  // of JSON
    if (!token.empty()) tokens.push_back(token);
  }
}

/// Each `-device` with all up to the next one.
std::vector<std::string_view> devices_of(std::string_view args) {
  constexpr std::string_view option = "-device";
  std::vector<std::string_view> devices;
  for (auto at = args.find(option); at != std::string_view::npos;) {
    const auto next = args.find(option, at + option.size());
    devices.push_back(args.substr(at, next == std::string_view::npos ? next : next - at));
    at = next;
  }
  return devices;
}

/// "10c4:ea60", and "0x10c4:0xea60".
std::optional<std::pair<std::uint16_t, std::uint16_t>> usb_ids(std::string_view text) {
  std::string plain(text);
  for (auto at = plain.find("0x"); at != std::string::npos; at = plain.find("0x")) plain.erase(at, 2);
  return parse_id_pair(plain);
}

/// "0x046d", "1133" as QEMU takes them, and "046d".
std::optional<std::uint16_t> usb_id(std::string_view text) {
  const bool marked = text.starts_with("0x") || text.starts_with("0X");
  if (marked) text.remove_prefix(2);
  const bool decimal = text.find_first_not_of("0123456789") == std::string_view::npos && !text.starts_with('0');
  return parse_number<std::uint16_t>(text, decimal && !marked ? 10 : 16);
}

/// Letters and digits of a name in lower case, all else as one "_": as udev writes names of device files.
std::string file_name_of(std::string_view text) {
  std::string name;
  for (const char c : lowered(text)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain || (!name.empty() && name.back() != '_')) name += plain ? c : '_';
  }
  while (name.ends_with('_')) name.pop_back();
  return name;
}

/// What one VM takes by itself.
class Taking {
 public:
  Taking(const PveConfigs& pve, const Snapshot& snapshot, GuestTakes& takes)
      : pve_(pve),
        snapshot_(snapshot),
        takes_(takes) {}

  void read(const PveVm& vm) {
    vm_ = vm.id;
    for (const auto& line : vm.host_pci) {
      if (!binds_to_vfio(line)) continue;
      for (const auto& address : named_by(line, pve_, snapshot_)) {
        function(address);
        for (const auto& other : taken_along_with(*snapshot_.function(address), snapshot_)) function(other);
      }
    }
    for (const auto& address : named_by(line_of_arguments(vm.args), pve_, snapshot_)) function(address);
    for (const auto& [key, value] : vm.usb) usb(value);
    for (const auto& each : usb_of_arguments(vm.args)) usb_host(each);
    for (const auto token : argument_tokens(vm.args))
      if (token.starts_with(inputs)) event_file(token);
  }

  /// When all guests are read: a keyboard is a guest's where that has every device it may belong to.
  void close() {
    for (const auto& use : snapshot_.uses) {
      if (use.kind != UseKind::keyboard) continue;
      const auto devices = devices_with(use);
      const bool all = !devices.empty() && std::all_of(devices.begin(), devices.end(),
                                                       [&](const auto* each) { return devices_.count(each) != 0; });
      if (all) takes_.keyboards.try_emplace(use.device, devices_.at(devices.front()));
    }
  }

 private:
  static constexpr std::string_view inputs = "/dev/input/", by_id = "/dev/input/by-id/",
                                    by_path = "/dev/input/by-path/";

  void function(const PciAddress& address) { takes_.functions.try_emplace(address, vm_); }
  void device(const UsbDevice& taken) { devices_.try_emplace(&taken, vm_); }

  void by_ids(std::uint16_t vendor, std::uint16_t product) {
    for (const auto& each : snapshot_.devices)
      if (each.vendor == vendor && each.product == product) device(each);
  }

  /// "1-2.3", as devices are named, too.
  void by_port(std::string_view place) {
    for (const auto& each : snapshot_.devices)
      if (each.name == place) device(each);
  }

  void usb(std::string_view value) {
    while (!value.empty()) {
      auto part = cut(value, ',');
      if (part.starts_with("mapping=")) return mapped(std::string(part.substr(8)));
      if (part.starts_with("host=")) part.remove_prefix(5);
      if (const auto ids = usb_ids(part)) return by_ids(ids->first, ids->second);
      by_port(part);
    }
  }

  void mapped(const std::string& id) {
    const auto [begin, end] = pve_.usb_mappings.equal_range(id);
    for (auto entry = begin; entry != end; ++entry) {
      if (entry->second.node != pve_.node) continue;
      if (!entry->second.path.empty())
        by_port(entry->second.path);
      else if (const auto ids = usb_ids(entry->second.ids))
        by_ids(ids->first, ids->second);
    }
  }

  void usb_host(const UsbOfArguments& of) {
    if (of.vendor && of.product) by_ids(*of.vendor, *of.product);
    if (!of.host_port.empty()) by_port(of.host_bus + "-" + of.host_port);
    const auto bus = parse_number<int>(of.host_bus), number = parse_number<int>(of.host_address);
    for (const auto& each : snapshot_.devices)
      if (bus && number && each.bus == *bus && each.number == *number) device(each);
  }

  /// `input-linux` and `virtio-input-host`: QEMU grabs the device, so its keys reach the host no more.
  void event_file(std::string_view file) {
    // 60-persistent-input.rules of udev: what is no keyboard says so.
    for (const auto* other : {"mouse", "joystick", "js"})
      if (file.ends_with("-" + std::string(other))) return;
    if (file.starts_with(by_path) && by_path_name(file.substr(by_path.size()))) return;
    if (file.starts_with(by_id) && by_id_name(file.substr(by_id.size()))) return;
    // "event5" says nothing: any keyboard of the function it was found at.
    for (const auto& use : snapshot_.uses)
      if (use.kind == UseKind::guest && use.guest == vm_ && use.device.starts_with(std::string(file) + " "))
        for (const auto& at : use.functions) keyboards_at(at);
  }

  void keyboards_at(const PciAddress& address) {
    for (const auto& use : snapshot_.uses)
      if (use.kind == UseKind::keyboard &&
          std::find(use.functions.begin(), use.functions.end(), address) != use.functions.end())
        takes_.keyboards.try_emplace(use.device, vm_);
  }

  /// "pci-0000:02:00.0-usb-0:1.2:1.0-event-kbd"
  bool by_path_name(std::string_view name) {
    constexpr std::string_view pci = "pci-";
    constexpr std::size_t address_size = 12;
    if (!name.starts_with(pci)) return false;
    const auto address = parse_pci_address(name.substr(pci.size(), address_size));
    const auto usb = name.find("-usb");
    if (!address || usb == std::string_view::npos) return false;
    auto rest = name.substr(usb);
    cut(rest, ':');
    const auto port = cut(rest, ':');
    return any_device([&](const UsbDevice& each) { return each.controller == *address && each.path == port; });
  }

  /// "usb-Logitech_USB_Keyboard-event-kbd"
  bool by_id_name(std::string_view name) {
    const auto file = file_name_of(name);
    return any_device([&](const UsbDevice& each) {
      const auto product = file_name_of(each.product_name);
      return !product.empty() && file.find("_" + product + "_") != std::string::npos;
    });
  }

  template <typename Which>
  bool any_device(Which which) {
    bool found = false;
    for (const auto& each : snapshot_.devices)
      if (!each.hub && which(each)) {
        device(each);
        found = true;
      }
    return found;
  }

  /// The USB devices a keyboard may belong to. The kernel names it by maker and product, or by the ids where the device
  /// has no names (drivers/hid/usbhid/hid-core.c); what is paired to a receiver, by its own name.
  std::vector<const UsbDevice*> devices_with(const HostUse& use) const {
    std::vector<const UsbDevice*> there, by_name, receivers;
    const auto label = lowered(use.name);
    for (const auto& each : snapshot_.devices) {
      if (each.hub || std::find(use.functions.begin(), use.functions.end(), each.controller) == use.functions.end())
        continue;
      there.push_back(&each);
      const auto product = lowered(each.product_name), maker = lowered(each.manufacturer);
      if ((!product.empty() && label.find(product) != std::string::npos) ||
          label.find(id_pair(each.vendor, each.product)) != std::string::npos)
        by_name.push_back(&each);
      else if (!maker.empty() && label.starts_with(maker) && product.find("receiver") != std::string::npos)
        receivers.push_back(&each);
    }
    return !by_name.empty() ? by_name : !receivers.empty() ? receivers : there;
  }

  const PveConfigs& pve_;
  const Snapshot& snapshot_;
  GuestTakes& takes_;
  int vm_ = 0;
  std::map<const UsbDevice*, int> devices_;
};

}  // namespace

bool binds_to_vfio(const PveHostPci& line) {
  for (std::string_view rest = line.rest; !rest.empty();)
    if (cut(rest, ',').starts_with("mdev=")) return false;
  return !line.keep_driver;
}

bool carries(const PciFunction& function, const PveHostAddress& wanted) {
  const auto& behind = wanted.behind_vmd;
  if (behind.empty()) return false;
  const auto slot = std::string_view(behind).substr(0, behind.rfind('.') + 1);
  return std::any_of(function.behind_vmd.begin(), function.behind_vmd.end(), [&](const std::string& each) {
    return wanted.whole_slot ? each.starts_with(slot) : each == behind;
  });
}

std::set<PciAddress> named_by(const PveHostPci& line, const PveConfigs& pve, const Snapshot& snapshot) {
  std::set<PciAddress> functions;
  for (const auto& wanted : addresses_of(line, pve))
    for (const auto& [address, function] : snapshot.functions)
      if (means(wanted, address) || carries(function, wanted)) functions.insert(address);
  return functions;
}

PveHostPci line_of_arguments(std::string_view args) {
  PveHostPci line;
  for (const auto device : devices_of(args)) {
    if (device.find("vfio-pci") == std::string_view::npos) continue;
    for (const auto token : argument_tokens(device))
      if (const auto last = token.substr(token.rfind('/') + 1); const auto address = parse_pci_address(last))
        line.addresses.push_back({*address, false});
      else if (const auto behind = parse_vmd_address(last))
        line.addresses.push_back({{}, false, *behind});
  }
  return line;
}

std::vector<UsbOfArguments> usb_of_arguments(std::string_view args) {
  std::vector<UsbOfArguments> found;
  for (const auto text : devices_of(args)) {
    if (text.find("usb-host") == std::string_view::npos) continue;
    const auto tokens = argument_tokens(text);
    std::map<std::string_view, std::string_view> of;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) of.try_emplace(tokens[i], tokens[i + 1]);
    found.push_back({usb_id(of["vendorid"]), usb_id(of["productid"]), std::string(of["hostbus"]),
                     std::string(of["hostport"]), std::string(of["hostaddr"])});
  }
  return found;
}

std::set<PciAddress> taken_along_with(const PciFunction& function, const Snapshot& snapshot) {
  std::set<PciAddress> along;
  const auto group = function.group ? snapshot.groups.find(*function.group) : snapshot.groups.end();
  if (group == snapshot.groups.end()) return along;
  for (const auto& address : group->second.members)
    if (const PciFunction* member = snapshot.function(address);
        member && address != function.address && !is_bus_bridge(member->fingerprint.pci_class))
      along.insert(address);
  return along;
}

GuestTakes taken_by_guests(const PveConfigs& pve, const Snapshot& snapshot) {
  GuestTakes takes;
  Taking taking(pve, snapshot, takes);
  for (const auto& [id, vm] : pve.vms) {
    if (vm.is_template) continue;
    if (vm.running) taking.read(vm);
    if (pve.starts_with_host(id, vm.on_boot)) taking.read(*pve.next_start(id));
  }
  taking.close();
  return takes;
}

}  // namespace hostsplit
