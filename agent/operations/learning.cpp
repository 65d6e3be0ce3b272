#include "operations/learning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "host/store/lock.hpp"
#include "host/store/store.hpp"

namespace hostsplit {

namespace {

/// The host got the controller just now: what is plugged there has been all the time.
bool with_controller(const Snapshot& before, const Snapshot& after, const UsbDevice& device) {
  const auto* was = before.function(device.controller);
  const auto* is = after.function(device.controller);
  return was && is && was->driver != is->driver;
}

}  // namespace

LearningEvent Learning::classify(const UsbDevice& device) const {
  using Kind = LearningEvent::Kind;
  const Recognition recognition = recognise(map_, now_, device);
  const std::string label = recognition.kind == Recognition::Kind::unknown ? "" : map_.ports[recognition.index].label;
  if (device.hub) return {Kind::hub, device, label};
  switch (recognition.kind) {
    case Recognition::Kind::unknown: return {Kind::name_wanted, device, label};
    case Recognition::Kind::known: return {Kind::known, device, label};
    case Recognition::Kind::other_half: return {Kind::other_half, device, label};
    case Recognition::Kind::contradiction: return {Kind::contradiction, device, label};
  }
  return {Kind::name_wanted, device, label};
}

std::vector<LearningEvent> Learning::observe(Snapshot after) {
  UsbChanges changes = usb_changes(now_, after);
  std::erase_if(changes.came, [&](const auto& device) { return with_controller(now_, after, device); });
  now_ = std::move(after);
  map_ = refresh_observations(map_, now_);
  std::vector<LearningEvent> events;
  for (const auto& device : changes.went) events.push_back({LearningEvent::Kind::unplugged, device, {}});
  const auto sticks = std::count_if(changes.came.begin(), changes.came.end(), [](const auto& d) { return !d.hub; });
  for (const auto& device : changes.came) {
    LearningEvent event = classify(device);
    const bool ambiguous = event.kind == LearningEvent::Kind::name_wanted && sticks > 1;
    if (ambiguous) event.kind = LearningEvent::Kind::several;
    events.push_back(std::move(event));
  }
  return events;
}

const LearnedPort& Learning::name(const UsbDevice& device, const std::string& label) {
  map_ = learn_port(map_, now_, device, label);
  return *map_.find(label);
}

namespace {

Error unknown_label(const PortMap& map, const std::string& label) {
  std::vector<std::string> known;
  for (const auto& port : map.ports) known.push_back(port.label);
  return {"find port", label, "no port has that label",
          known.empty() ? "Nothing has been learned yet: hostsplit learn"
                        : fmt::format("Learned so far: {}", fmt::join(known, ", ")),
          Error::Kind::bad_input};
}

}  // namespace

namespace {

AuditRecord learn_record(const LearnedPort& port, const UsbDevice& device) {
  AuditRecord record;
  record.event = "learn";
  record.result = "done";
  record.port = port.label;
  record.controller = to_string(device.controller);
  if (port.last_group) record.group = std::to_string(*port.last_group);
  record.to = device.path;
  record.reason = "named by the user";
  record.message = "learned port " + port.label + " at " + place(port);
  return record;
}

}  // namespace

SavedPort learn_and_save(const Context& context, Learning& learning, const UsbDevice& device, const std::string& label,
                         std::chrono::milliseconds patience, bool fresh) {
  const Lock lock(context.root, patience);
  if (!fresh) learning.replace_map(load_port_map(context.root));
  const PortMap before = learning.map();
  SavedPort saved{learning.name(device, label), std::nullopt, {}};
  saved.change = change_between(before, learning.map());
  saved.kept = save_port_map(context.root, context.effects, learning.map());
  context.audit.write(learn_record(saved.port, device));
  return saved;
}

namespace {

/// The same port in the same state; line and observations are no part of it.
bool same_port(const LearnedPort& a, const LearnedPort& b) {
  return a.label == b.label && a.controller == b.controller && a.usb2 == b.usb2 && a.usb3 == b.usb3 &&
         a.pairing == b.pairing;
}

std::vector<LearnedPort> only_in(const PortMap& map, const PortMap& other) {
  std::vector<LearnedPort> ports;
  for (const auto& port : map.ports) {
    const LearnedPort* there = other.find(port.label);
    if (!there || !same_port(port, *there)) ports.push_back(port);
  }
  return ports;
}

}  // namespace

PortMapChange change_between(const PortMap& before, const PortMap& after) {
  return {only_in(before, after), only_in(after, before)};
}

PortMap take_back(const PortMap& map, const PortMapChange& change) {
  PortMap restored = map;
  const auto changed_since = [](const std::string& label) {
    return Error("undo", label, "it has been changed since", "Rename or forget the socket instead.",
                 Error::Kind::bad_input);
  };
  for (const auto& port : change.after) {
    const LearnedPort* now = restored.find(port.label);
    if (!now || !same_port(*now, port)) throw changed_since(port.label);
    std::erase_if(restored.ports, [&](const LearnedPort& each) { return each.label == port.label; });
  }
  for (const auto& port : change.before) {
    if (restored.find(port.label)) throw changed_since(port.label);
    restored.ports.push_back(port);
  }
  return restored;
}

void check_new_labels(const PortMap& map, const std::vector<std::string>& labels) {
  for (auto label = labels.begin(); label != labels.end(); ++label) {
    require_new_label(map, *label);
    const auto first = std::find(labels.begin(), label, *label);
    if (first != label)
      throw Error("use label", *label, fmt::format("it is given twice, first as number {}", first - labels.begin() + 1),
                  "Each socket needs a name of its own.", Error::Kind::bad_input);
  }
}

PortMap rename_port(const PortMap& map, const std::string& from, const std::string& to) {
  if (!map.find(from)) throw unknown_label(map, from);
  if (to != from) require_new_label(map, to);
  PortMap renamed = map;
  for (auto& port : renamed.ports)
    if (port.label == from) port.label = to;
  return renamed;
}

PortMap forget_port(const PortMap& map, const std::string& label) {
  if (!map.find(label)) throw unknown_label(map, label);
  PortMap rest = map;
  std::erase_if(rest.ports, [&](const LearnedPort& port) { return port.label == label; });
  return rest;
}

}  // namespace hostsplit
