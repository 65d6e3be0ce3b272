#include "service/reconciler/port_events.hpp"

namespace hostsplit {
namespace {

/// How the socket is called, and whether that is the user's name for it.
struct Socket {
  std::string label;
  std::string words;
  std::string doubt;  ///< why the label cannot be trusted; usually empty
};

Socket socket_of(const PortMap& map, const Snapshot& snapshot, const UsbDevice& device) {
  const auto place = "unlabelled port " + device.path + " of " + to_string(device.controller);
  const auto recognition = recognise(map, snapshot, device);
  if (recognition.kind == Recognition::Kind::unknown) return {{}, place, {}};
  const auto& label = map.ports.at(recognition.index).label;
  if (recognition.kind == Recognition::Kind::contradiction)
    return {{}, place, "ports.toml has " + label + " at this place, but on another controller"};
  return {label, label, {}};
}

/// The driver of the controller, when it is not the same on both sides.
bool driver_changed(const Snapshot& before, const Snapshot& after, const PciAddress& address) {
  const auto* was = before.function(address);
  const auto* is = after.function(address);
  return was == nullptr || is == nullptr || was->driver != is->driver;
}

PortEvent event_at(const PortMap& map, const Snapshot& at, const UsbDevice& device, const std::string& what) {
  const auto socket = socket_of(map, at, device);
  AuditRecord record;
  record.event = "port";
  record.result = "seen";
  record.port = socket.label;
  record.controller = to_string(device.controller);
  if (const auto* function = at.function(device.controller); function != nullptr && function->group)
    record.group = std::to_string(*function->group);
  record.reason = socket.doubt;
  record.message = socket.words + ": " + what;
  if (!socket.doubt.empty()) record.message += " (" + socket.doubt + ")";
  return {socket.label, record.controller, device.path, {}, std::move(record)};
}

}  // namespace

std::vector<PortEvent> port_events(const PortMap& map, const Snapshot& before, const Snapshot& after) {
  std::vector<PortEvent> events;
  const auto changes = usb_changes(before, after);
  for (const auto& device : changes.went) {
    const bool with_controller = driver_changed(before, after, device.controller);
    const auto what = with_controller ? in_words(device) + " left the host together with its controller"
                                      : "unplugged " + in_words(device);
    events.push_back(event_at(map, before, device, what));
  }
  for (const auto& device : changes.came) {
    const bool with_controller = driver_changed(before, after, device.controller);
    const auto what = with_controller ? in_words(device) + " came back to the host together with its controller"
                                      : "plugged " + in_words(device);
    events.push_back(event_at(map, after, device, what));
    events.back().device = in_words(device);
  }
  return events;
}

}  // namespace hostsplit
