#include <algorithm>
#include <filesystem>

#include "support/fake_host.hpp"

/// The USB side of the fake host: root hubs, ports, devices.
namespace hostsplit::testing {
namespace fs = std::filesystem;
namespace {

/// "046d" -> "46d", as uevents print ids.
std::string unpadded(const std::string& hex) {
  const auto begin = hex.find_first_not_of('0');
  return begin == std::string::npos ? "0" : hex.substr(begin);
}

std::string three_digits(int number) {
  auto text = std::to_string(number);
  return std::string(text.size() < 3 ? 3 - text.size() : 0, '0') + text;
}

std::string usual_version(const std::string& speed) {
  if (speed == "1.5" || speed == "12") return "1.10";
  if (speed == "480") return "2.00";
  return speed == "5000" ? "3.00" : "3.10";
}

bool is_usb3(const UsbSpec& spec) {
  return spec.speed.size() >= 4;
}

std::string location_text(const RootPorts& ports, const std::string& hub_path, int number) {
  if (!ports.locations || !hub_path.empty()) return "0x00000000";
  std::string digits = std::to_string(number);
  return "0x800000" + std::string(digits.size() < 2 ? 1 : 0, '0') + digits;
}

/// "2.1" -> "2"; "2" -> ""
std::string parent_path(const std::string& path) {
  const auto dot = path.rfind('.');
  return dot == std::string::npos ? "" : path.substr(0, dot);
}

/// Directory of the device with this port path, below its root hub's directory.
std::string nested(int bus, const std::string& path) {
  std::string directory;
  for (std::size_t end = 0; end != std::string::npos && !path.empty();) {
    end = path.find('.', end == 0 ? 0 : end + 1);
    directory += "/" + std::to_string(bus) + "-" + path.substr(0, end);
  }
  return directory;
}

}  // namespace

std::string FakeHost::above_hubs(const Function& function) {
  const bool dwc3 = function.ports && function.ports->dwc3;
  return function.directory + (dwc3 ? "/dwc3.1.auto/xhci-hcd.2.auto" : "");
}

void FakeHost::add_controller(const PciSpec& spec, const RootPorts& ports) {
  PciSpec unbound = spec;
  unbound.driver.clear();
  add_pci(unbound);
  auto& added = function(spec.address);
  added.spec.driver = spec.driver;
  added.ports = ports;
  if (spec.driver.empty()) return;
  register_driver(spec.driver);
  bind(spec.address, spec.driver);
}

int FakeHost::lowest_free_bus() const {
  std::set<int> taken;
  for (const auto& [address, function] : functions_) taken.insert({function.bus_usb2, function.bus_usb3});
  int bus = 1;
  while (taken.contains(bus)) ++bus;
  return bus;
}

void FakeHost::raise_root_hubs(Function& function) {
  const auto& ports = *function.ports;
  if (ports.usb2 > 0) function.bus_usb2 = lowest_free_bus();
  if (ports.usb3 > 0) function.bus_usb3 = lowest_free_bus();
  if (ports.usb2 > 0) raise_root_hub(function, false);
  if (ports.usb3 > 0) raise_root_hub(function, true);
  for (const auto& [place, spec] : function.plugged) raise_device(function, place.first, place.second, spec);
}

void FakeHost::raise_root_hub(Function& function, bool usb3) {
  const int bus = usb3 ? function.bus_usb3 : function.bus_usb2;
  const auto name = "usb" + std::to_string(bus);
  const auto directory = above_hubs(function) + "/" + name;
  const bool old = function.spec.pci_class == 0x0c0300 || function.spec.pci_class == 0x0c0310;
  UsbSpec hub;
  hub.speed = usb3 ? function.ports->usb3_speed : old ? "12" : "480";
  hub.ids = usb3 ? "1d6b:0003" : old ? "1d6b:0001" : "1d6b:0002";
  hub.serial = function.spec.address;
  hub.manufacturer = "Linux 6.17.13-1-pve " + function.spec.driver;
  hub.product = "Host Controller";
  hub.hub_ports = usb3 ? function.ports->usb3 : function.ports->usb2;
  next_device_[bus] = 1;
  raise_device(function, usb3, "", hub);
}

void FakeHost::raise_device(Function& function, bool usb3, const std::string& path, const UsbSpec& spec) {
  const int bus = usb3 ? function.bus_usb3 : function.bus_usb2;
  const auto root_hub = above_hubs(function) + "/usb" + std::to_string(bus);
  const auto number = std::to_string(bus);
  const auto name = path.empty() ? "usb" + number : number + "-" + path;
  const auto directory = root_hub + nested(bus, path);
  const int device = next_device_[bus]++;
  const auto attribute = [&](const char* key, const std::string& value) {
    set_file(directory + "/" + key, value + "\n");
  };
  attribute("busnum", number);
  attribute("devnum", std::to_string(device));
  attribute("devpath", path.empty() ? "0" : path);
  attribute("speed", spec.speed);
  attribute("version", " " + (spec.version.empty() ? usual_version(spec.speed) : spec.version));
  attribute("maxchild", std::to_string(spec.hub_ports));
  attribute("idVendor", spec.ids.substr(0, 4));
  attribute("idProduct", spec.ids.substr(5));
  attribute("bDeviceClass", spec.hub_ports > 0 ? "09" : "00");
  if (!spec.serial.empty()) attribute("serial", spec.serial);
  if (!spec.manufacturer.empty()) attribute("manufacturer", spec.manufacturer);
  if (!spec.product.empty()) attribute("product", spec.product);
  attribute("uevent", "MAJOR=189\nDEVTYPE=usb_device\nDRIVER=usb\nPRODUCT=" + unpadded(spec.ids.substr(0, 4)) + "/" +
                          unpadded(spec.ids.substr(5)) + "/100\nTYPE=" + (spec.hub_ports > 0 ? "9/0/1" : "0/0/0") +
                          "\nBUSNUM=" + three_digits(bus) + "\nDEVNUM=" + three_digits(device));
  link("sys/bus/usb/devices/" + name, directory);
  const auto interface = (path.empty() ? number + "-0" : name) + ":1.0";
  fs::create_directories(this->path(directory + "/" + interface));
  link("sys/bus/usb/devices/" + interface, directory + "/" + interface);
  if (spec.hub_ports > 0) add_ports(directory, name, function, usb3, path, spec.hub_ports, interface);
  if (!path.empty()) {
    const auto upper = parent_path(path);
    const auto hub = upper.empty() ? "usb" + number : number + "-" + upper;
    const auto hub_interface = upper.empty() ? number + "-0:1.0" : hub + ":1.0";
    const auto port = root_hub + nested(bus, upper) + "/" + hub_interface + "/" + hub + "-port" +
                      path.substr(upper.empty() ? 0 : upper.size() + 1);
    link(port + "/device", directory);
    link(directory + "/port", port);
  }
  if (spec.mouse_first) set_file(directory + "/" + interface + "/bInterfaceProtocol", "02\n");
  if (!spec.interface.empty()) {
    set_file(directory + "/" + interface + "/net/" + spec.interface + "/operstate", "up\n");
    link("sys/class/net/" + spec.interface, directory + "/" + interface + "/net/" + spec.interface);
  }
  if (!spec.tty.empty()) {
    const auto tty = directory + "/" + interface + "/" + spec.tty + "/tty/" + spec.tty;
    const auto digits = spec.tty.find_first_of("0123456789");
    set_file(tty + "/dev", (spec.tty.starts_with("ttyACM") ? "166:" : "188:") +
                               (digits == std::string::npos ? "0" : spec.tty.substr(digits)) + "\n");
    link("sys/class/tty/" + spec.tty, tty);
  }
  if (!spec.bluetooth.empty()) {
    fs::create_directories(this->path(directory + "/" + interface + "/bluetooth/" + spec.bluetooth));
    link("sys/class/bluetooth/" + spec.bluetooth, directory + "/" + interface + "/bluetooth/" + spec.bluetooth);
  }
  if (spec.keyboard) add_input(directory + "/" + interface, spec.product.empty() ? "USB Keyboard" : spec.product, true);
  if (!spec.disk.empty())
    add_block(spec.disk, directory + "/" + interface + "/host0/target0:0:0/0:0:0:0/block/" + spec.disk);
}

void FakeHost::add_ports(const std::string& hub_directory, const std::string& hub, const Function& function, bool usb3,
                         const std::string& hub_path, int count, const std::string& interface) {
  const auto& root = *function.ports;
  const int peer_bus = usb3 ? function.bus_usb2 : function.bus_usb3;
  for (int number = 1; number <= count; ++number) {
    const auto digit = std::to_string(number);
    const auto port = hub_directory + "/" + interface + "/" + hub + "-port" + digit;
    set_file(port + "/connect_type", (hub_path.empty() ? root.connect_type : "unknown") + "\n");
    set_file(port + "/location", location_text(root, hub_path, number) + "\n");
    set_file(port + "/state", "not attached\n");
    set_file(port + "/disable", "0\n");
    if (peer_bus == 0) continue;
    // The other half is raised later or was raised before; whoever comes second links both.
    const auto peer_root = "usb" + std::to_string(peer_bus);
    const auto peer_hub = hub_path.empty() ? peer_root : std::to_string(peer_bus) + "-" + hub_path;
    const auto peer_interface = (hub_path.empty() ? std::to_string(peer_bus) + "-0" : peer_hub) + ":1.0";
    const auto peer = above_hubs(function) + "/" + peer_root + nested(peer_bus, hub_path) + "/" + peer_interface + "/" +
                      peer_hub + "-port" + digit;
    if (!fs::exists(path(peer))) continue;
    link(port + "/peer", peer);
    link(peer + "/peer", port);
  }
}

void FakeHost::lower_device(Function& function, bool usb3, const std::string& path) {
  const int bus = usb3 ? function.bus_usb3 : function.bus_usb2;
  if (bus == 0) return;
  const auto directory = above_hubs(function) + "/usb" + std::to_string(bus) + nested(bus, path);
  const auto port = directory + "/port/device";
  if (!path.empty()) fs::remove(this->path(port));
  remove_below(directory);
}

void FakeHost::lower_root_hubs(Function& function) {
  lower_device(function, true, "");
  lower_device(function, false, "");
  function.bus_usb2 = function.bus_usb3 = 0;
}

/// Removes a device directory and every link elsewhere in /sys that leads below it.
void FakeHost::remove_below(const std::string& directory) {
  for (const auto* place : {"sys/bus/usb/devices", "sys/class/input", "sys/class/block", "sys/block", "sys/dev/block",
                            "sys/class/net", "sys/class/tty", "sys/class/bluetooth"}) {
    if (!fs::exists(path(place))) continue;
    for (const auto& entry : fs::directory_iterator(path(place))) {
      if (!entry.is_symlink()) continue;
      const auto target = (fs::path(place) / fs::read_symlink(entry.path())).lexically_normal().string();
      if (target == directory || target.starts_with(directory + "/")) fs::remove(entry.path());
    }
  }
  remove(directory);
}

void FakeHost::plug(const std::string& controller, const std::string& path, const UsbSpec& spec) {
  auto& target = function(controller);
  const bool usb3 = is_usb3(spec);
  target.plugged[{usb3, path}] = spec;
  if ((usb3 ? target.bus_usb3 : target.bus_usb2) != 0) raise_device(target, usb3, path, spec);
}

void FakeHost::unplug(const std::string& controller, const std::string& path, bool usb3) {
  auto& target = function(controller);
  std::erase_if(target.plugged, [&](const auto& entry) {
    const auto& [half, place] = entry.first;
    return half == usb3 && (place == path || place.starts_with(path + "."));
  });
  lower_device(target, usb3, path);
}

void FakeHost::add_hub(const std::string& controller, const std::string& path, int ports) {
  UsbSpec hub;
  hub.ids = "05e3:0610";
  hub.product = "USB2.1 Hub";
  hub.version = "2.10";
  hub.hub_ports = ports;
  plug(controller, path, hub);
  if (function(controller).ports->usb3 == 0) return;
  hub.ids = "05e3:0626";
  hub.product = "USB3.1 Hub";
  hub.version = "3.20";
  hub.speed = "5000";
  plug(controller, path, hub);
}

void FakeHost::add_input(const std::string& directory, const std::string& name, bool keyboard) {
  const auto input = "input" + std::to_string(next_input_++);
  add_input_at(directory + "/input/" + input, input, name, keyboard);
}

void FakeHost::add_input_at(const std::string& below, const std::string& input, const std::string& name,
                            bool keyboard) {
  set_file(below + "/name", name + "\n");
  set_file(
      below + "/capabilities/key",
      std::string(keyboard ? "1000000000007 ff9f207ac14057ff febeffdfffefffff fffffffffffffffe" : "70000 0 0 0 0") +
          "\n");
  link("sys/class/input/" + input, below);
}

void FakeHost::add_keyboard(const std::string& name, KeyboardKind kind) {
  const auto input = "input" + std::to_string(next_input_++);
  switch (kind) {
    case KeyboardKind::ps2: return add_input_at("sys/devices/platform/i8042/serio0/input/" + input, input, name, true);
    case KeyboardKind::uinput: return add_input_at("sys/devices/virtual/input/" + input, input, name, true);
    case KeyboardKind::bluetooth:
      return add_input_at(
          "sys/devices/virtual/misc/uhid/0005:046D:B33B.000" + std::to_string(next_input_) + "/input/" + input, input,
          name, true);
  }
}

}  // namespace hostsplit::testing
