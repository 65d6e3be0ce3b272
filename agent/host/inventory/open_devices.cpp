#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/device_names.hpp"
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
  const auto name = class_name(file);
  struct {
    const char* place;
    bool needed;
  } constexpr classes[] = {
      {"sys/class/block/", true}, {"sys/class/scsi_generic/", true}, {"sys/class/scsi_tape/", true},
      {"sys/class/tty/", true},   {"sys/class/hidraw/", false},      {"sys/class/usbmisc/", false},
      {"sys/class/pps/", true},   {"sys/class/sound/", false},       {"sys/class/video4linux/", false},
      {"sys/class/dvb/", false},  {"sys/class/watchdog/", true},     {"sys/class/misc/", false}};
  for (const auto& [place, needed] : classes)
    // A watchdog that nobody reaches any more restarts the host.
    if (const auto function = function_of(root, place + name))
      return Opened{name, *function, needed || name == "watchdog"};
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

}  // namespace

void read_open_devices(const Root& root, Snapshot& snapshot) {
  for (const auto& name : root.list("proc"))
    if (to_number<int>(name)) read_process(root, snapshot, name);
  read_host_services(root, snapshot);
}

}  // namespace hostsplit
