#include <algorithm>
#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/parts.hpp"

/// Files processes have open that are devices somebody may take from them.
namespace hostsplit {
namespace {

using namespace inventory_parts;

/// A device file, as far as it lies on a PCI function.
struct Opened {
  std::string name;  ///< "sdb", "ttyUSB0", "USB device 1-2"
  PciAddress function;
  bool needed = false;  ///< disks and serial lines; other devices are only told
  auto operator<=>(const Opened&) const = default;
};

std::optional<PciAddress> function_of(const Root& root, const std::string& class_link) {
  const auto path = device_path(root, class_link);
  return path ? nearest_function(*path) : std::nullopt;
}

/// \param file  "/dev/sdb", "/dev/bus/usb/001/004", as the link in /proc says it
std::optional<Opened> opened(const Root& root, const Snapshot& snapshot, std::string file) {
  if (!file.starts_with("/dev/")) return std::nullopt;
  if (const auto mark = file.find(" (deleted)"); mark != std::string::npos) file.resize(mark);
  constexpr std::string_view usb = "/dev/bus/usb/";
  if (file.starts_with(usb)) {
    const auto parts = split(std::string_view(file).substr(usb.size()), '/');
    const auto bus = parts.size() == 2 ? to_number<int>(parts[0]) : std::nullopt;
    const auto number = parts.size() == 2 ? to_number<int>(parts[1]) : std::nullopt;
    for (const auto& device : snapshot.devices)
      if (bus == device.bus && number == device.number && !device.hub)
        return Opened{device.product_name.empty() ? "USB device " + device.name : device.product_name,
                      device.controller, false};
    return std::nullopt;
  }
  const auto name = std::string(last_component(file));
  struct {
    const char* place;
    bool needed;
  } constexpr classes[] = {
      {"sys/class/block/", true}, {"sys/class/scsi_generic/", true}, {"sys/class/scsi_tape/", true},
      {"sys/class/tty/", true},   {"sys/class/hidraw/", false},      {"sys/class/usbmisc/", false},
      {"sys/class/pps/", true},   {"sys/class/sound/", false},       {"sys/class/video4linux/", false}};
  for (const auto& [place, needed] : classes)
    if (const auto function = function_of(root, place + name)) return Opened{name, *function, needed};
  return std::nullopt;
}

/// The argument after `-id`: a guest of Proxmox VE.
std::string who(const Root& root, const std::string& directory, const std::string& pid) {
  const auto text = root.read(directory + "/cmdline").value_or("");
  const auto arguments = split(text, '\0');
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "-id") return "VM " + std::string(arguments[i + 1]);
  return root.read(directory + "/comm", 64).value_or("process") + " (process " + pid + ")";
}

/// They look at every device now and then, and let go by themselves.
bool passes_by(const std::string& command) {
  static const std::set<std::string> names{"systemd-udevd", "(udev-worker)", "udevd",
                                           "hostsplit",     "hostsplitd",    "systemd-logind"};
  return names.contains(command);
}

void read_process(const Root& root, Snapshot& snapshot, const std::string& pid) {
  const auto directory = "proc/" + pid;
  std::set<Opened> found;
  for (const auto& fd : root.list(directory + "/fd"))
    if (const auto file = root.link_text(directory + "/fd/" + fd))
      if (auto device = opened(root, snapshot, *file)) found.insert(std::move(*device));
  if (found.empty() || passes_by(root.read(directory + "/comm", 64).value_or(""))) return;
  for (const auto& device : found)
    snapshot.uses.push_back(
        {UseKind::process, who(root, directory, pid), device.name, {device.function}, device.needed});
}

/// Makers of uninterruptible power supplies with USB (NUT, drivers/*_usb.c, and usb.ids).
bool is_ups(const UsbDevice& device) {
  constexpr std::uint16_t makers[] = {0x0463, 0x051d, 0x0764, 0x06da, 0x09ae, 0x10af,
                                      0x0d9f, 0x0592, 0x05b8, 0x0665, 0x2b2d, 0x2e66};
  return std::find(std::begin(makers), std::end(makers), device.vendor) != std::end(makers) ||
         device.product_name.find("UPS") != std::string::npos;
}

void add_ups(Snapshot& snapshot, const char* file, const std::string& what, const PciAddress& function) {
  snapshot.uses.push_back(
      {UseKind::process, std::string("the UPS of the host (/") + file + ")", what, {function}, false});
}

/// What a line of the settings says of the UPS: a serial line, or the maker of one at USB.
struct UpsSettings {
  bool usb = false;
  std::vector<std::string> lines;  ///< "ttyUSB0"
  std::set<std::uint16_t> makers;
};

/// ups.conf(5): `driver = usbhid-ups`, `port = /dev/ttyUSB0`, `vendorid = 0665`; apcupsd.conf(5): `UPSTYPE usb`,
/// `DEVICE /dev/ttyUSB0`.
UpsSettings read_ups_settings(const Root& root, const char* file) {
  UpsSettings settings;
  auto text = root.read(file).value_or("");
  for (char& c : text)
    if (c == '=' || c == '"') c = ' ';
  for (const auto line : split(text, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 2 || words[0].starts_with('#')) continue;
    if ((words[0] == "driver" && words[1].find("usb") != std::string_view::npos) ||
        (words[0] == "driver" && words[1] == "nutdrv_qx") || (words[0] == "UPSTYPE" && words[1] == "usb"))
      settings.usb = true;
    if ((words[0] == "port" || words[0] == "DEVICE") && words[1].starts_with("/dev/"))
      settings.lines.push_back(
          root.link_name(std::string(words[1].substr(1))).value_or(std::string(last_component(words[1]))));
    if (words[0] == "vendorid") settings.makers.insert(to_number<std::uint16_t>(words[1], 16).value_or(0));
  }
  return settings;
}

void read_ups(const Root& root, Snapshot& snapshot, const char* file) {
  const auto settings = read_ups_settings(root, file);
  for (const auto& line : settings.lines)
    if (const auto function = function_of(root, "sys/class/tty/" + line)) add_ups(snapshot, file, line, *function);
  if (!settings.usb) return;
  for (const auto& device : snapshot.devices)
    if (is_ups(device) || settings.makers.contains(device.vendor))
      add_ups(snapshot, file, device.product_name + " (" + id_pair(device.vendor, device.product) + ")",
              device.controller);
}

}  // namespace

void read_open_devices(const Root& root, Snapshot& snapshot) {
  for (const auto& name : root.list("proc"))
    if (to_number<int>(name)) read_process(root, snapshot, name);
  for (const auto* file : {"etc/nut/ups.conf", "etc/apcupsd/apcupsd.conf"}) read_ups(root, snapshot, file);
}

}  // namespace hostsplit
