#include "service/bus/bus.hpp"

#include <systemd/sd-bus.h>

#include "core/base/names.hpp"
#include "core/base/printable.hpp"
#include "service/bus/bus_methods.hpp"

namespace hostsplit {
namespace {

/// Calls to the bus itself are answered at once, or never: far below the watchdog's period.
constexpr std::uint64_t bus_patience_usec = 5ULL * 1000 * 1000;

}  // namespace

Bus::Bus(sd_event* loop, BusHandlers handlers) : handlers_(std::move(handlers)) {
  try {
    connect(loop);
  } catch (...) {
    sd_bus_flush_close_unref(bus_);
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
  require(sd_bus_set_method_call_timeout(bus_, bus_patience_usec), "set up", "the system bus");
  authorization_ = std::make_unique<Authorization>(bus_);
  require(sd_bus_add_object_vtable(bus_, nullptr, names::bus_path, names::bus_interface, bus_vtable(), this), "offer",
          names::bus_path);
  const auto on_disconnect = [](sd_bus_message*, void* self, sd_bus_error*) {
    if (const auto& told = static_cast<Bus*>(self)->handlers_.disconnected) told();
    return 0;
  };
  require(sd_bus_match_signal(bus_, nullptr, nullptr, "/org/freedesktop/DBus/Local", "org.freedesktop.DBus.Local",
                              "Disconnected", on_disconnect, this),
          "listen to", "the system bus");
  require(sd_bus_request_name(bus_, names::bus_name, 0), "take the bus name", names::bus_name);
  require(sd_bus_attach_event(bus_, loop, SD_EVENT_PRIORITY_NORMAL + 20), "listen to", "the system bus");
  told_ = values();
}

bool Bus::connected() const {
  return sd_bus_is_open(bus_) > 0;
}

template <class... Arguments>
void Bus::emit(const char* signal, const char* types, Arguments... arguments) noexcept {
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
    if (!changed) return;
    (void)sd_bus_emit_properties_changed(bus_, names::bus_path, names::bus_interface, property, nullptr);
  };
  announce(now.configured != told_.configured, "Configured");
  announce(now.applied != told_.applied, "Applied");
  announce(now.learning != told_.learning, "Learning");
  announce(now.drift_repairs != told_.drift_repairs, "DriftRepairs");
  told_ = now;
}

}  // namespace hostsplit
