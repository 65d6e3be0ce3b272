#include <algorithm>
#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "core/recording/recording.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/device_names.hpp"
#include "host/inventory/follow.hpp"
#include "host/inventory/parts.hpp"

/// Files processes have open that are devices somebody may take from them.
namespace hostsplit {
namespace {

using namespace inventory_parts;

/// A device file, as far as it lies on a PCI function.
struct Opened {
  std::string name;  ///< "sdb", "ttyUSB0", "USB device 1-2"; of a mapping its own name, which is the same at each boot
  PciAddress function;
  bool needed = false;      ///< disks and serial lines; other devices are only told
  std::string follow = {};  ///< a block device on others ("sys/devices/..."): then `function` says nothing
  auto operator<=>(const Opened&) const = default;
};

std::optional<PciAddress> function_of(const Root& root, const std::string& class_link) {
  const auto path = device_path(root, class_link);
  return path ? nearest_function(*path) : std::nullopt;
}

std::optional<Opened> opened_usb(const Snapshot& snapshot, std::optional<int> bus, std::optional<int> number) {
  for (const auto& device : snapshot.devices)
    if (bus == device.bus && number == device.number && !device.hub)
      return Opened{device.product_name.empty() ? "USB device " + device.name : device.product_name, device.controller};
  return std::nullopt;
}

/// The driver of NVIDIA registers its cards nowhere in /sys.
std::optional<Opened> opened_nvidia(const Root& root, int minor) {
  const std::string cards = "proc/driver/nvidia/gpus";
  for (const auto& card : root.list(cards)) {
    const auto text = root.read(cards + "/" + card + "/information", 4096).value_or("");
    for (const auto line : split(text, '\n')) {
      const auto address = parse_pci_address(card);
      if (address && line.starts_with("Device Minor:") && to_number<int>(words_of(line).back()) == minor)
        return Opened{"nvidia" + std::to_string(minor), *address};
    }
  }
  return std::nullopt;
}

/// \param path  where the device is to be, below sys/devices/; empty: wherever that name leads
std::optional<Opened> opened_class(const Root& root, const std::string& name, const std::string& path) {
  for (const auto& [place, needed, of_guests] : device_classes) {
    const auto found = device_path(root, place + name);
    if (!found || (!path.empty() && path != *found)) continue;
    // A watchdog that nobody reaches any more restarts the host.
    if (const auto function = nearest_function(*found)) return Opened{name, *function, needed || name == "watchdog"};
    if (std::string_view(place).ends_with("block/"))
      return Opened{root.read(*found + "/dm/name", 256).value_or(name), {}, needed, *found};
  }
  return std::nullopt;
}

/// \param number  "char/188:0", "block/8:16"
std::optional<Opened> opened_number(const Root& root, const Snapshot& snapshot, const std::string& number) {
  constexpr std::string_view usb = "char/189:", nvidia = "char/195:";  // Documentation/admin-guide/devices.txt
  constexpr int devices_of_bus = 128;                                  // drivers/usb/core/usb.c
  const auto minor = to_number<int>(std::string_view(number).substr(number.find(':') + 1));
  if (!minor) return std::nullopt;
  if (number.starts_with(usb)) return opened_usb(snapshot, *minor / devices_of_bus + 1, *minor % devices_of_bus + 1);
  if (number.starts_with(nvidia)) return opened_nvidia(root, *minor);
  const auto path = device_path(root, "sys/dev/" + number);
  return path ? opened_class(root, std::string(last_component(*path)), *path) : std::nullopt;
}

/// \param file  "/dev/sdb", "/dev/bus/usb/001/004", as the link in /proc says it; or a number, "/dev/char/188:0"
std::optional<Opened> opened(const Root& root, const Snapshot& snapshot, std::string file) {
  constexpr std::string_view all = "/dev/", usb = "/dev/bus/usb/", nvidia = "/dev/nvidia";
  if (!file.starts_with(all)) return std::nullopt;
  if (const auto mark = file.find(" (deleted)"); mark != std::string::npos) file.resize(mark);
  if (file.starts_with("/dev/char/") || file.starts_with("/dev/block/"))
    return opened_number(root, snapshot, file.substr(all.size()));
  if (file.starts_with(usb)) {
    const auto parts = split(std::string_view(file).substr(usb.size()), '/');
    if (parts.size() != 2) return std::nullopt;
    return opened_usb(snapshot, to_number<int>(parts[0]), to_number<int>(parts[1]));
  }
  if (file.starts_with(nvidia))
    if (const auto minor = to_number<int>(std::string_view(file).substr(nvidia.size())))
      return opened_nvidia(root, *minor);
  return opened_class(root, class_name(file), {});
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

/// They read all keyboards and mice of the machine, and go on without one. Names as in comm, at most 15 characters.
bool follows_inputs(const std::string& command) {
  static const std::set<std::string> names{
      "Xorg", "Xorg.bin", "X",     "gnome-shell", "kwin_wayland", "mutter",      "sway", "weston", "labwc",
      "cage", "wayfire",  "river", "Hyprland",    "niri",         "cosmic-comp", "gpm",  "acpid",  "upowerd"};
  return names.contains(command);
}

bool is_input(const Opened& device) {
  constexpr std::string_view event = "event";
  return device.name.starts_with(event) && to_number<unsigned>(std::string_view(device.name).substr(event.size()));
}

/// "/dev/ttyUSB0" and the like; not a terminal.
bool is_serial_line(std::string_view file) {
  constexpr std::string_view tty = "/dev/tty";
  return file.starts_with(tty) && file.size() > tty.size() && file[tty.size()] >= 'A' && file[tty.size()] <= 'Z';
}

/// What a process has open.
struct OpenFiles {
  std::set<Opened> devices;
  std::string line;  ///< a serial line of which only the name is known that it has where the process looks
};

/// \param apart  it sees mounts of its own, and so perhaps a /dev of its own, with other names in it
void read_open_file(const Root& root, const Snapshot& snapshot, const std::string& link, bool apart, OpenFiles& found) {
  auto file = root.link_text(link);
  if (!file || !file->starts_with('/') || file->starts_with("/dev/vfio/") || is_ordinary_device(*file)) return;
  const bool by_number = file->starts_with("/dev/char/") || file->starts_with("/dev/block/");
  if (!by_number && (apart || !file->starts_with("/dev/"))) {
    if (const auto number = root.open_device(link)) {
      file = "/dev/" + *number;
    } else if (is_serial_line(*file)) {
      found.line = *file;
      return;
    }
  }
  if (auto device = opened(root, snapshot, *file)) found.devices.insert(std::move(*device));
}

/// \return those with a serial line
std::vector<PciAddress> with_serial_lines(const Root& root) {
  std::set<PciAddress> functions;
  for (const auto& name : root.list("sys/class/tty"))
    if (const auto function = function_of(root, "sys/class/tty/" + name)) functions.insert(*function);
  return {functions.begin(), functions.end()};
}

void add_some_line(const Root& root, Snapshot& snapshot, const std::string& process, const std::string& line) {
  HostUse use{UseKind::process, process, std::string(last_component(line)), with_serial_lines(root), true};
  if (use.functions.empty()) return;
  use.unknown = "it has " + line + " open in a /dev of its own, where any serial line may have that name";
  snapshot.uses.push_back(std::move(use));
}

/// An open mapping, array, network disk or NVMe disk with several paths: each disk below it is needed, and what was not
/// found of it may be on others.
void add_followed_device(const Root& root, Snapshot& snapshot, const std::string& process, const Opened& device,
                         const Follower& follow) {
  const Followed followed = follow.device(device.follow);
  for (const auto& leaf : followed.leaves) {
    if (leaf.functions.empty()) continue;
    HostUse use{UseKind::process, process, device.name, leaf.functions, device.needed};
    use.via = leaf.via;
    snapshot.uses.push_back(std::move(use));
  }
  auto functions = possible_carriers(root, snapshot, follow, followed);
  if (!functions) return;
  HostUse rest{UseKind::process, process, device.name, std::move(*functions), device.needed};
  rest.unknown = "it has " + device.name + " open, and " + followed.unknown;
  snapshot.uses.push_back(std::move(rest));
}

/// \param space  mount namespace of the host
/// \param follow  made when the first device asks for it: it reads a lot
void read_process(const Root& root, Snapshot& snapshot, const std::string& pid, const std::optional<std::string>& space,
                  std::optional<Follower>& follow) {
  const auto directory = "proc/" + pid;
  const auto files = root.list(directory + "/fd");
  if (files.empty()) {
    snapshot.open_files_unread = snapshot.open_files_unread || root.refuses(directory + "/fd");
    return;
  }
  const auto own_space = root.link_text(directory + "/ns/mnt");
  const bool apart = own_space && own_space != space;
  OpenFiles found;
  for (const auto& fd : files) read_open_file(root, snapshot, directory + "/fd/" + fd, apart, found);
  if (found.devices.empty() && found.line.empty()) return;
  const auto command = root.read(directory + "/comm", 64).value_or("");
  if (passes_by(command)) return;
  const auto name = who(root, directory, pid);
  for (const auto& device : found.devices) {
    if (is_input(device) && follows_inputs(command)) continue;
    if (device.follow.empty()) {
      snapshot.uses.push_back({UseKind::process, name, device.name, {device.function}, device.needed});
      continue;
    }
    if (!follow) follow.emplace(root);
    add_followed_device(root, snapshot, name, device, *follow);
  }
  if (!found.line.empty()) add_some_line(root, snapshot, name, found.line);
}

}  // namespace

void read_open_devices(const Root& root, Snapshot& snapshot) {
  const auto processes = root.list("proc");
  const auto space = root.link_text("proc/1/ns/mnt");
  std::optional<Follower> follow;
  for (const auto& name : processes)
    if (to_number<int>(name)) read_process(root, snapshot, name, space, follow);
  // proc(5), hidepid: those of others are not even listed.
  if (root.live() && std::find(processes.begin(), processes.end(), "1") == processes.end())
    snapshot.open_files_unread = true;
  read_host_services(root, snapshot);
}

}  // namespace hostsplit
