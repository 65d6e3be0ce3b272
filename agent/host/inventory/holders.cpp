#include <algorithm>
#include <set>

#include "core/base/names.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

/// Processes that hold IOMMU groups open.
namespace hostsplit::inventory_parts {
namespace {

/// Every open file of VFIO counts as a reference to the module `vfio`, beside one for each module that uses it: when
/// there are no more, nobody holds a group, and looking through all processes can be spared.
bool vfio_may_be_open(const Root& root) {
  const auto text = root.read("proc/modules").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 4 || fields[0] != "vfio") continue;
    const auto references = to_number<std::size_t>(fields[2]);
    const auto users = fields[3] == "-" ? 0 : split(fields[3], ',').size();
    return !references || *references > users;
  }
  return true;  // built in
}

/// "/dev/vfio/24" names the group, "/dev/vfio/devices/vfio3" a function of it.
std::optional<int> group_of(const Root& root, const Snapshot& snapshot, const std::string& file) {
  constexpr std::string_view groups = "/dev/vfio/", devices = "/dev/vfio/devices/";
  if (!file.starts_with(groups)) return std::nullopt;
  if (!file.starts_with(devices)) return to_number<int>(std::string_view(file).substr(groups.size()));
  const auto path = device_path(root, "sys/class/vfio-dev/" + file.substr(devices.size()));
  const auto address = path ? nearest_function(*path) : std::nullopt;
  const auto* function = address ? snapshot.function(*address) : nullptr;
  return function ? function->group : std::nullopt;
}

/// VMID of a guest of Proxmox VE: the argument after `-id`.
std::optional<int> guest_of(std::string_view command_line) {
  const auto arguments = split(command_line, '\0');
  for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
    if (arguments[i] == "-id") return to_number<int>(arguments[i + 1]);
  return std::nullopt;
}

void read_process(const Root& root, Snapshot& snapshot, int pid) {
  const auto directory = "proc/" + std::to_string(pid);
  std::set<int> groups;
  for (const auto& fd : root.list(directory + "/fd")) {
    const auto file = root.link_text(directory + "/fd/" + fd);
    if (const auto group = file ? group_of(root, snapshot, *file) : std::nullopt) groups.insert(*group);
  }
  if (groups.empty()) return;
  const auto command = root.read(directory + "/comm", 64).value_or("");
  const auto guest = guest_of(root.read(directory + "/cmdline").value_or(""));
  for (const int group : groups) snapshot.holders.push_back({group, pid, command, guest});
}

}  // namespace

void read_holders(const Root& root, Snapshot& snapshot) {
  const bool any = std::any_of(snapshot.functions.begin(), snapshot.functions.end(),
                               [](const auto& entry) { return entry.second.driver == names::vfio_driver; });
  if (!any || !vfio_may_be_open(root)) return;
  for (const auto& name : root.list("proc"))
    if (const auto pid = to_number<int>(name)) read_process(root, snapshot, *pid);
}

}  // namespace hostsplit::inventory_parts
