#include "operations/learning_session.hpp"

#include <algorithm>

#include "core/base/error.hpp"
#include "host/store/lock.hpp"
#include "host/store/store.hpp"
#include "operations/port_changes.hpp"

namespace hostsplit {

LearningSession::LearningSession(const Context& context, Snapshot now, const Settings& settings)
    : context_(context),
      patience_(settings.patience),
      fresh_(settings.fresh),
      names_(settings.names.begin(), settings.names.end()),
      learning_(settings.fresh ? PortMap{} : load_port_map(context.root), std::move(now)) {
  check_new_labels(learning_.map(), settings.names);
}

void LearningSession::reload(const PortMap& map) {
  if (!fresh_) learning_.replace_map(map);
}

std::string LearningSession::take_name() {
  std::string name = names_.front();
  names_.pop_front();
  return name;
}

SavedPort LearningSession::name(const UsbDevice& device, const std::string& label) {
  SavedPort saved = learn_and_save(context_, learning_, device, label, patience_, fresh_);
  fresh_ = false;
  if (!saved.change.before.empty() || !saved.change.after.empty())
    history_.push_back({Done::Kind::named, label, saved.change, device});
  return saved;
}

template <class Change>
PortMapChange LearningSession::changed(Change change) {
  const PortMap before = load_port_map(context_.root);
  change();
  const PortMap after = load_port_map(context_.root);
  learning_.replace_map(after);
  return change_between(before, after);
}

void LearningSession::rename(const std::string& from, const std::string& to) {
  const auto change = changed([&] { rename_learned_port(context_, from, to); });
  history_.push_back({Done::Kind::renamed, to, change});
}

void LearningSession::forget(const std::string& label) {
  const auto change = changed([&] { forget_learned_port(context_, label); });
  history_.push_back({Done::Kind::forgotten, label, change});
}

LearningSession::Undone LearningSession::sentence_of(const Done& done) const {
  switch (done.kind) {
    case Done::Kind::renamed: return {done.change.before.front().label + " has its name back", done.label, {}};
    case Done::Kind::forgotten: return {done.label + " is learned again", {}, {}};
    case Done::Kind::named: break;
  }
  std::optional<UsbDevice> plugged;
  for (const auto& device : now().devices)
    if (done.device && device.name == done.device->name && device.number == done.device->number) plugged = device;
  // A half that was seen for the first time leaves the socket its name.
  for (const auto& port : done.change.before)
    if (port.label == done.label) return {done.label + " is as it was before", {}, plugged};
  return {done.label + " is forgotten", done.label, plugged};
}

void LearningSession::audit_undo(const Done& done) const {
  AuditRecord record;
  record.result = "done";
  record.reason = "undone by the user";
  record.port = record.from = done.label;
  switch (done.kind) {
    case Done::Kind::named:
      record.event = "forget";
      record.message = "undo: forget what was learned last of port " + done.label;
      break;
    case Done::Kind::renamed:
      record.event = "rename";
      record.to = done.change.before.front().label;
      record.message = "undo: rename port " + done.label + " to " + record.to;
      break;
    case Done::Kind::forgotten:
      record.event = "learn";
      record.message = "undo: port " + done.label + " is learned again";
      break;
  }
  context_.audit.write(record);
}

std::optional<LearningSession::Undone> LearningSession::undo() {
  if (history_.empty()) return std::nullopt;
  const Lock lock(context_.root, patience_);
  const Done done = history_.back();
  history_.pop_back();
  const PortMap restored = take_back(load_port_map(context_.root), done.change);
  try {
    save_port_map(context_.root, context_.effects, restored);
  } catch (const Error&) {
    history_.push_back(done);
    throw;
  }
  audit_undo(done);
  learning_.replace_map(restored);
  return sentence_of(done);
}

int LearningSession::learned() const {
  const auto named = [](const Done& done) { return done.kind == Done::Kind::named; };
  return static_cast<int>(std::count_if(history_.begin(), history_.end(), named));
}

}  // namespace hostsplit
