#include "service/bus/bus.hpp"

#include <systemd/sd-bus.h>

#include "core/base/names.hpp"
#include "core/base/printable.hpp"
#include "service/bus/bus_methods.hpp"

namespace hostsplit {
namespace {

/// Calls to the bus itself are answered at once, or never: far below the watchdog's period.
constexpr std::chrono::milliseconds bus_patience{5000};

constexpr std::uint64_t usec(std::chrono::microseconds duration) {
  return static_cast<std::uint64_t>(duration.count());
}

/// Answers of RequestName (D-Bus specification).
constexpr std::uint32_t name_is_ours = 1, name_was_ours = 4;

}  // namespace

Bus::Bus(sd_event* loop, BusHandlers handlers) : handlers_(std::move(handlers)) {
  try {
    connect(loop);
  } catch (...) {
    sd_bus_close_unref(bus_);
    throw;
  }
}

Bus::~Bus() {
  if (bus_ == nullptr) return;
  authorization_.reset();
  (void)sd_bus_detach_event(bus_);
  sd_bus_close_unref(bus_);  // without flushing: a bus that takes nothing must not hold up the end
}

void Bus::connect(sd_event* loop) {
  require(sd_bus_open_system_with_description(&bus_, names::program), "connect to", "the system bus");
  require(sd_bus_set_method_call_timeout(bus_, usec(bus_patience)), "set up", "the system bus");
  authorization_ = std::make_unique<Authorization>(bus_);
  require(sd_bus_add_object_vtable(bus_, nullptr, names::bus_path, names::bus_interface, bus_vtable(), this), "offer",
          names::bus_path);
  const auto on_disconnect = [](sd_bus_message*, void* self, sd_bus_error*) {
    static_cast<Bus*>(self)->lose("the system bus went away");
    return 0;
  };
  require(sd_bus_match_signal_async(bus_, nullptr, nullptr, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                                    "Disconnected", on_disconnect, nullptr, this),
          "listen to", "the system bus");
  const auto on_name = [](sd_bus_message* answer, void* self, sd_bus_error*) {
    static_cast<Bus*>(self)->on_name(answer);
    return 0;
  };
  require(sd_bus_request_name_async(bus_, nullptr, names::bus_name, 0, on_name, this), "take the bus name",
          names::bus_name);
  require(sd_bus_attach_event(bus_, loop, SD_EVENT_PRIORITY_NORMAL + 20), "listen to", "the system bus");
  const auto on_late = [](sd_event_source*, std::uint64_t, void* self) {
    auto* bus = static_cast<Bus*>(self);
    if (!bus->joined_) bus->lose("the system bus does not answer");
    return 0;
  };
  sd_event_source* source = nullptr;
  require(sd_event_add_time_relative(loop, &source, CLOCK_MONOTONIC, usec(bus_patience), 0, on_late, this), "set up",
          "the system bus");
  late_ = own(source);
  told_ = values();
}

void Bus::on_name(sd_bus_message* answer) {
  std::uint32_t result = 0;
  if (sd_bus_message_is_method_error(answer, nullptr) > 0 || sd_bus_message_read(answer, "u", &result) <= 0)
    return lose(std::string("the system bus does not give us the name ") + names::bus_name);
  if (result != name_is_ours && result != name_was_ours)
    return lose(std::string("the name ") + names::bus_name + " belongs to another process");
  joined_ = true;
}

void Bus::lose(const std::string& why) {
  if (!lost_.empty()) return;
  lost_ = why;
  if (handlers_.disconnected) handlers_.disconnected();
}

bool Bus::settle(std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!joined_ && lost_.empty()) {
    const int processed = sd_bus_process(bus_, nullptr);
    const auto left = std::chrono::duration_cast<std::chrono::microseconds>(end - std::chrono::steady_clock::now());
    if (processed < 0 || left.count() <= 0) break;
    if (processed == 0) (void)sd_bus_wait(bus_, usec(left));
  }
  return joined_;
}

bool Bus::connected() const {
  return lost_.empty() && sd_bus_is_open(bus_) > 0;
}

template <class... Arguments>
void Bus::emit(const char* signal, const char* types, Arguments... arguments) noexcept {
  if (!joined_ || !connected()) return;  // what is sent before it is let in would pile up
  (void)sd_bus_emit_signal(bus_, names::bus_path, names::bus_interface, signal, types, arguments...);
}

void Bus::port_changed(const std::string& label, const std::string& controller, const std::string& device) noexcept {
  emit("PortChanged", "sss", label.c_str(), controller.c_str(), valid_utf8(device).c_str());
}

void Bus::drift_repaired(const std::string& controller) noexcept {
  emit("DriftRepaired", "s", controller.c_str());
}

void Bus::finding_raised(const Finding& finding) noexcept {
  emit("FindingRaised", "sssss", finding.code.c_str(), to_string(finding.severity), valid_utf8(finding.subject).c_str(),
       valid_utf8(finding.message).c_str(), valid_utf8(finding.remedy).c_str());
}

void Bus::job_progress(unsigned job, const WorkProgress& progress) noexcept {
  emit("JobProgress", "uuussss", job, static_cast<std::uint32_t>(progress.number),
       static_cast<std::uint32_t>(progress.total), progress.step.c_str(), progress.sentence.c_str(),
       progress.ended ? to_text(*progress.ended) : "started", progress.detail.c_str());
}

void Bus::job_finished(unsigned job, const WorkResult& result) noexcept {
  const char* error = result.error.empty() ? ""
                      : result.bad_input   ? names::bus_error_bad_input
                                           : names::bus_error_failed;
  emit("JobFinished", "ubsss", job, result.ok ? 1 : 0, error, result.error.c_str(), result.document.c_str());
}

void Bus::learn_progress(const std::string& kind, const std::string& label, const std::string& controller,
                         const std::string& path, const std::string& sentence) noexcept {
  emit("LearnProgress", "sssss", kind.c_str(), label.c_str(), controller.c_str(), path.c_str(), sentence.c_str());
}

Bus::Values Bus::values() const {
  return {handlers_.configured(), handlers_.applied(), handlers_.learning(), handlers_.drift_repairs()};
}

void Bus::properties_changed() noexcept {
  const auto now = values();
  const auto announce = [this](bool changed, const char* property) {
    if (!changed || !joined_) return;
    (void)sd_bus_emit_properties_changed(bus_, names::bus_path, names::bus_interface, property, nullptr);
  };
  announce(now.configured != told_.configured, "Configured");
  announce(now.applied != told_.applied, "Applied");
  announce(now.learning != told_.learning, "Learning");
  announce(now.drift_repairs != told_.drift_repairs, "DriftRepairs");
  told_ = now;
}

}  // namespace hostsplit
