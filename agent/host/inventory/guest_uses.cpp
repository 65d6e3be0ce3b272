#include <algorithm>
#include <set>

#include "core/usb/guest_takes.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/device_names.hpp"
#include "host/inventory/follow.hpp"
#include "host/inventory/guest_storages.hpp"
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
        snapshot_(snapshot),
        storages_(root, pve) {}

  void read() {
    for (const auto& [id, vm] : pve_.vms) {
      begin("VM", id, vm.name);
      vm_ = &vm;
      // By the line of the next start where there are two for one disk.
      if (!vm.pending.empty()) has(*pve_.next_start(id));
      has(vm);
    }
    for (const auto& [id, container] : pve_.containers) {
      begin("CT", id, container.name);
      for (const auto& device : container.devices) has(device);
      for (const auto& interface : container.interfaces) moved(interface);
      for (const auto& [type, number] : container.allowed) allowed(type, number);
    }
  }

 private:
  void has(const PveVm& vm) {
    for (const auto& [key, value] : vm.usb) usb(key, value);
    for (const auto& [key, disk] : vm.disks) this->disk(key, disk);
    for (const auto& [key, device] : vm.serial) path(key, device);
    for (const auto& [key, value] : vm.values)
      if (key.starts_with("virtiofs")) directory(key, value);
    arguments(vm.args);
  }

  /// Of a container: a file below /dev, a directory of the host, or a volume.
  void has(const std::string& device) {
    if (device.starts_with("/dev/")) return path("device", device);
    asleep("volume", device, device.starts_with('/') ? storages_.below_path(device) : storages_.below(device));
  }

  void begin(const char* kind, int id, const std::string& name) {
    id_ = id;
    vm_ = nullptr;
    who_ = std::string(kind) + " " + std::to_string(id);
    // By number it can be given up; the name is for people.
    shown_ = name.empty() ? "" : " of " + name;
    told_.clear();
  }

  void add(const std::string& device, const std::string& how, const PciAddress& function, bool lifeline,
           bool stored = false) {
    if (!told_.insert({function, device}).second) return;
    HostUse use{UseKind::guest, who_, device + " (" + how + shown_ + ")", {function}, lifeline};
    use.guest = id_;
    use.stored = stored;
    if (start_needs(device, how)) use.line = {how, device};
    snapshot_.uses.push_back(std::move(use));
  }

  /// Whether a line of the VM's next start names the file or the volume, so that it does not start without it: a disk
  /// or an argument QEMU cannot open (block/file-posix.c), a serial line Proxmox VE does not find ("no such serial
  /// device", PVE::QemuServer). The drive of the host (`cdrom`) and USB devices may be missing.
  bool start_needs(const std::string& device, const std::string& key) const {
    const bool file = device.starts_with("/dev/") && !device.starts_with("/dev/bus/usb");
    if (!vm_ || (!file && !vm_->disks.count(key))) return false;
    const auto value = next_value(*vm_, key);
    return value && value->find(device) != std::string::npos;
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
      std::string plain(part);  // "0x10c4:0xea60" is written, too
      for (auto at = plain.find("0x"); at != std::string::npos; at = plain.find("0x")) plain.erase(at, 2);
      if (const auto ids = parse_id_pair(plain)) return by_ids(key, ids->first, ids->second);
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

  /// `share`, `dirid=share`: a directory by its mapping (qm.conf(5): virtiofsN).
  void directory(const std::string& key, std::string_view value) {
    for (auto part : split(value, ',')) {
      if (part.starts_with("dirid=")) part.remove_prefix(6);
      const auto [begin, end] = pve_.directory_mappings.equal_range(std::string(part));
      for (auto entry = begin; entry != end; ++entry)
        if (entry->second.node == pve_.node) asleep(key, entry->second.path, storages_.below_path(entry->second.path));
    }
  }

  /// `/dev/...`, `file=/dev/...` anywhere in the line, `cdrom` for the drive of the host, `STORAGE:VOLUME`.
  void disk(const std::string& key, const std::string& value) {
    for (auto part : split(value, ',')) {
      for (const std::string_view name : {"file=", "volume="})
        if (part.starts_with(name)) part.remove_prefix(name.size());
      if (part == "cdrom") path(key, "/dev/cdrom");
      if (part.starts_with("/dev/")) path(key, std::string(part));
      asleep(key, std::string(part), storages_.below(std::string(part)));
    }
  }

  void asleep(const std::string& key, const std::string& volume, const Asleep& found) {
    if (found.disks.empty() && found.unknown.empty()) return carried(key, volume);
    if (found.unknown.empty()) {
      for (const auto& device : found.disks) on_volume(key, volume, device);
      return;
    }
    HostUse use{UseKind::guest, who_, volume + " (" + key + shown_ + ")", {}, true};
    for (const auto& device : found.disks)
      for (const auto& leaf : storages_.follow().device(device).leaves)
        for (const auto& function : leaf.functions)
          if (told_.insert({function, volume}).second) use.functions.push_back(function);
    if (use.functions.empty()) return;
    use.guest = id_;
    use.unknown = "of " + key + ", " + found.unknown;
    snapshot_.uses.push_back(std::move(use));
  }

  /// On a file system that is mounted, of a group that is active or in a pool that is imported: whoever gives that up
  /// is told whose volumes go.
  void carried(const std::string& key, const std::string& volume) {
    for (const auto& leaf : storages_.carriers(volume).leaves)
      for (const auto& function : leaf.functions) add(volume, key, function, false, true);
  }

  /// A network card that is the container's while it runs, or that its own interface is made of: nothing here shows it.
  void moved(const std::string& interface) {
    for (const auto& name : {interface, interface.substr(0, interface.find('.'))}) {
      const auto found = device_path(root_, "sys/class/net/" + name);
      if (const auto function = found ? nearest_function(*found) : std::nullopt)
        return add(interface, "lxc.net", *function, false);
    }
  }

  /// `-device usb-host,vendorid=0x10c4,productid=0xea60` or `hostbus=1,hostport=2`, and in JSON.
  void arguments(const std::string& args) {
    for (const auto& each : usb_of_arguments(args)) {
      if (each.vendor && each.product) by_ids("args", *each.vendor, *each.product);
      if (!each.host_bus.empty() && !each.host_port.empty()) by_port("args", each.host_bus + "-" + each.host_port);
      if (!each.host_bus.empty() && !each.host_address.empty())
        path("args", "/dev/bus/usb/" + each.host_bus + "/" + each.host_address);
    }
    // Whatever is named by its file: `-drive file=/dev/sdc`, `-chardev serial,path=/dev/ttyUSB0`.
    for (auto at = args.find("/dev/"); at != std::string::npos; at = args.find("/dev/", at + 1))
      path("args", args.substr(at, args.find_first_of(" ,\"'", at) - at));
  }

  /// A file below /dev: a disk, a serial line, a directory of USB devices.
  void path(const std::string& key, const std::string& file) {
    if (!file.starts_with("/dev/")) return;
    if (file.starts_with("/dev/bus/usb")) return usb_files(key, file);
    if (is_directory(file)) {
      for (const auto& entry : root_.list(file.substr(1))) path(key, file + "/" + entry);
      return;
    }
    const auto name = root_.link_name(file.substr(1)).value_or(class_name(file));
    for (const auto& [place, needed, of_guests] : device_classes) {
      const auto found = of_guests ? device_path(root_, place + name) : std::nullopt;
      if (!found) continue;
      const bool disk = std::string_view(place).ends_with("block/");
      if (disk && !nearest_function(*found)) return on_volume(key, file, *found);
      if (const auto function = nearest_function(*found)) return add(file, key, *function, disk);
    }
    asleep(key, file, storages_.below_device(file));
  }

  /// "/dev/bus/usb" with all, one bus of it, or one device.
  void usb_files(const std::string& key, const std::string& file) {
    const auto parts = split(std::string_view(file).substr(std::string_view("/dev/bus/usb").size()), '/');
    const auto is = [&](std::size_t part, int number) {
      return parts.size() <= part || to_number<int>(parts[part]) == number;
    };
    for (const auto& device : snapshot_.devices)
      if (!device.hub && is(0, device.bus) && is(1, device.number))
        add(parts.size() > 1 ? file : file + ": " + device.product_name, key, device.controller, false);
  }

  /// "/dev/serial/by-id", "/dev/snd" and the like; never all of /dev.
  bool is_directory(const std::string& file) const {
    return std::count(file.begin(), file.end(), '/') <= 4 && !root_.link_text(file.substr(1)) &&
           !root_.list(file.substr(1)).empty();
  }

  /// A mapping or a network disk: what carries it is told with the volume manager; here it is the guest that loses it.
  void on_volume(const std::string& key, const std::string& file, const std::string& found) {
    for (const auto& leaf : storages_.follow().device(found).leaves)
      for (const auto& function : leaf.functions) add(file, key, function, true, !file.starts_with("/dev/"));
  }

  /// "c 188:*": all character devices of that major number that are attached here.
  void allowed(const std::string& type, const std::string& number) {
    const auto major = number.substr(0, number.find(':') + 1);
    const bool all = number.ends_with('*');
    if (major.empty() || major == "*:") return;
    if (type == "c" && major == "189:") return usb_numbers(number);
    for (const auto& [place, needed, of_guests] : device_classes) {
      const std::string directory(place);
      if (!of_guests || (type == "b") != directory.ends_with("block/")) continue;
      for (const auto& name : root_.list(directory.substr(0, directory.size() - 1))) {
        const auto found = device_path(root_, directory + name);
        const auto dev = found ? root_.read(*found + "/dev", 32).value_or(guessed(name)) : "";
        if (!found || !(all ? dev.starts_with(major) : dev == number)) continue;
        if (const auto function = nearest_function(*found))
          add("/dev/" + name, "device " + number, *function, type == "b");
      }
    }
  }

  /// "189:5" is device 6 of bus 1 (drivers/usb/core/usb.c: 128 for each bus).
  void usb_numbers(const std::string& number) {
    const auto minor = to_number<int>(std::string_view(number).substr(4));
    for (const auto& device : snapshot_.devices)
      if (!device.hub && (!minor || *minor == (device.bus - 1) * 128 + device.number - 1))
        add(device.product_name + " " + id_pair(device.vendor, device.product), "device " + number, device.controller,
            false);
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
  GuestStorages storages_;
  int id_ = 0;
  const PveVm* vm_ = nullptr;  ///< as it is now; of a container none
  std::string who_, shown_;
  std::set<std::pair<PciAddress, std::string>> told_;
};

}  // namespace

void read_guest_uses(const Root& root, const PveConfigs& pve, Snapshot& snapshot) {
  GuestUses(root, pve, snapshot).read();
  inventory_parts::name_cluster_traffic(root, snapshot);
}

}  // namespace hostsplit
