#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "host/inventory/dependents.hpp"
#include "host/inventory/follow.hpp"
#include "host/inventory/parts.hpp"

/// What guests have of the host's USB devices, disks and serial lines.
namespace hostsplit {
namespace {

using namespace inventory_parts;

class GuestUses {
 public:
  GuestUses(const Root& root, const PveConfigs& pve, Snapshot& snapshot)
      : root_(root),
        pve_(pve),
        snapshot_(snapshot) {}

  void read() {
    for (const auto& [id, vm] : pve_.vms) {
      begin("VM", id, vm.name);
      for (const auto& [key, value] : vm.usb) usb(key, value);
      for (const auto& [key, disk] : vm.disks) path(key, disk.substr(0, disk.find(',')));
      for (const auto& [key, device] : vm.serial) path(key, device);
      arguments(vm.args);
    }
    for (const auto& [id, container] : pve_.containers) {
      begin("CT", id, container.name);
      for (const auto& device : container.devices) path("device", device);
      for (const auto& [type, number] : container.allowed) allowed(type, number);
    }
  }

 private:
  void begin(const char* kind, int id, const std::string& name) {
    id_ = id;
    who_ = std::string(kind) + " " + std::to_string(id);
    // By number it can be given up; the name is for people.
    shown_ = name.empty() ? "" : " of " + name;
    told_.clear();
  }

  void add(const std::string& device, const std::string& how, const PciAddress& function, bool lifeline) {
    if (!told_.insert({function, device}).second) return;
    HostUse use{UseKind::guest, who_, device + " (" + how + shown_ + ")", {function}, lifeline};
    use.guest = id_;
    snapshot_.uses.push_back(std::move(use));
  }

  void by_ids(const std::string& key, std::uint16_t vendor, std::uint16_t product) {
    for (const auto& device : snapshot_.devices)
      if (device.vendor == vendor && device.product == product)
        add(device.product_name + " " + id_pair(vendor, product), key, device.controller, false);
  }

  /// "1-2.3": bus and port path, whatever is plugged in there.
  void by_port(const std::string& key, std::string_view place) {
    const auto dash = place.find('-');
    const auto bus = to_number<int>(place.substr(0, dash));
    if (dash == std::string_view::npos || !bus) return;
    for (const auto& [address, controller] : snapshot_.controllers)
      for (const auto& hub : controller.root_hubs)
        if (hub.bus == *bus) add("socket " + std::string(place), key, address, false);
  }

  /// `host=10c4:ea60`, `host=1-2`, `mapping=ID` (qm.conf(5)).
  void usb(const std::string& key, const std::string& value) {
    for (auto part : split(value, ',')) {
      if (part.starts_with("mapping=")) return mapped(key, std::string(part.substr(8)));
      if (part.starts_with("host=")) part.remove_prefix(5);
      if (const auto ids = parse_id_pair(part)) return by_ids(key, ids->first, ids->second);
      by_port(key, part);
    }
  }

  void mapped(const std::string& key, const std::string& id) {
    const auto [begin, end] = pve_.usb_mappings.equal_range(id);
    for (auto entry = begin; entry != end; ++entry) {
      if (entry->second.node != pve_.node) continue;
      if (!entry->second.path.empty())
        by_port(key, entry->second.path);
      else if (const auto ids = parse_id_pair(entry->second.ids))
        by_ids(key, ids->first, ids->second);
    }
  }

  /// `-device usb-host,vendorid=0x10c4,productid=0xea60` or `hostbus=1,hostport=2`.
  void arguments(const std::string& args) {
    for (auto at = args.find("usb-host"); at != std::string::npos; at = args.find("usb-host", at + 1)) {
      const auto one = args.substr(at, args.find(' ', at) - at);
      std::map<std::string, std::string> of;
      for (const auto part : split(one, ','))
        if (const auto equals = part.find('='); equals != std::string_view::npos)
          of[std::string(part.substr(0, equals))] = std::string(part.substr(equals + 1));
      const auto hex = [&](const char* name) {
        std::string_view text = of[name];
        if (text.starts_with("0x")) text.remove_prefix(2);
        return to_number<std::uint16_t>(text, 16);
      };
      if (hex("vendorid") && hex("productid")) by_ids("args", *hex("vendorid"), *hex("productid"));
      if (!of["hostbus"].empty() && !of["hostport"].empty()) by_port("args", of["hostbus"] + "-" + of["hostport"]);
    }
  }

  /// A file below /dev: a disk, a serial line, a directory of USB devices.
  void path(const std::string& key, const std::string& file) {
    if (!file.starts_with("/dev/")) return;
    constexpr std::string_view usb_devices = "/dev/bus/usb/";
    if (file.starts_with(usb_devices)) {
      const auto parts = split(std::string_view(file).substr(usb_devices.size()), '/');
      const auto bus = parts.empty() ? std::nullopt : to_number<int>(parts[0]);
      for (const auto& device : snapshot_.devices)
        if (bus == device.bus && (parts.size() == 1 || to_number<int>(parts[1]) == device.number))
          add(file, key, device.controller, false);
      return;
    }
    const auto name = root_.link_name(file.substr(1)).value_or(std::string(last_component(file)));
    for (const auto* place :
         {"sys/class/block/", "sys/class/tty/", "sys/class/hidraw/", "sys/class/usbmisc/", "sys/class/video4linux/"}) {
      const auto found = device_path(root_, place + name);
      if (!found) continue;
      const bool disk = std::string_view(place).ends_with("block/");
      if (disk && !nearest_function(*found)) return on_volume(key, file, *found);
      if (const auto function = nearest_function(*found)) return add(file, key, *function, disk);
    }
  }

  /// A mapping or a network disk: what carries it is told with the volume manager; here it is the guest that loses it.
  void on_volume(const std::string& key, const std::string& file, const std::string& found) {
    if (!follow_) follow_.emplace(root_);
    for (const auto& leaf : follow_->device(found).leaves)
      for (const auto& function : leaf.functions) add(file, key, function, true);
  }

  /// "c 188:*": all character devices of that major number that are attached here.
  void allowed(const std::string& type, const std::string& number) {
    const auto major = number.substr(0, number.find(':') + 1);
    const bool all = number.ends_with('*');
    if (major.empty() || major == "*:") return;
    for (const auto* place : type == "b" ? std::array{"sys/class/block/", "sys/class/block/"}
                                         : std::array{"sys/class/tty/", "sys/class/usbmisc/"}) {
      const std::string directory(place);
      for (const auto& name : root_.list(directory.substr(0, directory.size() - 1))) {
        const auto found = device_path(root_, directory + name);
        const auto dev = found ? root_.read(*found + "/dev", 32).value_or(guessed(name)) : "";
        if (!found || !(all ? dev.starts_with(major) : dev == number)) continue;
        if (const auto function = nearest_function(*found))
          add("/dev/" + name, "device " + number, *function, type == "b");
      }
    }
  }

  /// Fixed major numbers of serial lines (Documentation/admin-guide/devices.txt), where no file shows them.
  static std::string guessed(const std::string& name) {
    if (name.starts_with("ttyUSB")) return "188:" + name.substr(6);
    if (name.starts_with("ttyACM")) return "166:" + name.substr(6);
    return {};
  }

  const Root& root_;
  const PveConfigs& pve_;
  Snapshot& snapshot_;
  std::optional<Follower> follow_;
  int id_ = 0;
  std::string who_, shown_;
  std::set<std::pair<PciAddress, std::string>> told_;
};

}  // namespace

void read_guest_uses(const Root& root, const PveConfigs& pve, Snapshot& snapshot) {
  GuestUses(root, pve, snapshot).read();
  inventory_parts::name_cluster_traffic(root, snapshot);
}

}  // namespace hostsplit
