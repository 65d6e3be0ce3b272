#include "service/bus.hpp"

#include <systemd/sd-bus.h>

#include <array>

#include "core/error.hpp"
#include "core/names.hpp"

namespace hostsplit {
namespace {

constexpr auto error_failed = "org.hostsplit.Error.Failed";
constexpr auto error_bad_input = "org.hostsplit.Error.BadInput";
constexpr const char* version = HOSTSPLIT_VERSION;

/// The funnel of all bus callbacks: an exception becomes the answer.
template <class Body>
int answer(sd_bus_error* error, Body&& body) noexcept {
  try {
    return body();
  } catch (const Error& failure) {
    const bool bad = failure.kind() == Error::Kind::bad_input;
    return sd_bus_error_set(error, bad ? error_bad_input : error_failed, failure.what());
  } catch (const std::exception& failure) {
    return sd_bus_error_set(error, error_failed, failure.what());
  }
}

const BusHandlers& handlers(void* bus) {
  return static_cast<Bus*>(bus)->handlers();
}

/// \return 0 if the caller is root, otherwise a negative errno with `error` set.
int require_root(sd_bus_message* message, sd_bus_error* error) {
  sd_bus_creds* creds = nullptr;
  const int asked = sd_bus_query_sender_creds(message, SD_BUS_CREDS_EUID, &creds);
  uid_t uid = 0;
  const int known = asked < 0 ? asked : sd_bus_creds_get_euid(creds, &uid);
  sd_bus_creds_unref(creds);
  if (known >= 0 && uid == 0) return 0;
  return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "only root may change the machine: use sudo");
}

int reply(sd_bus_message* message, const std::string& text) {
  return sd_bus_reply_method_return(message, "s", text.c_str());
}

int on_describe(sd_bus_message* message, void* self, sd_bus_error* error) {
  return answer(error, [&] { return reply(message, handlers(self).describe()); });
}

int on_plan(sd_bus_message* message, void* self, sd_bus_error* error) {
  return answer(error, [&] { return reply(message, handlers(self).plan()); });
}

int on_apply(sd_bus_message* message, void* self, sd_bus_error* error) {
  if (const int denied = require_root(message, error); denied < 0) return denied;
  return answer(error, [&] { return reply(message, handlers(self).apply()); });
}

int on_undo(sd_bus_message* message, void* self, sd_bus_error* error) {
  if (const int denied = require_root(message, error); denied < 0) return denied;
  return answer(error, [&] { return reply(message, handlers(self).undo()); });
}

int on_reload(sd_bus_message* message, void* self, sd_bus_error* error) {
  if (const int denied = require_root(message, error); denied < 0) return denied;
  return answer(error, [&] {
    handlers(self).reload();
    return sd_bus_reply_method_return(message, nullptr);
  });
}

int get_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void*, sd_bus_error*) {
  return sd_bus_message_append(reply, "s", version);
}

int get_configured(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                   sd_bus_error* error) {
  return answer(error, [&] { return sd_bus_message_append(reply, "b", handlers(self).configured() ? 1 : 0); });
}

int get_applied(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                sd_bus_error* error) {
  return answer(error, [&] { return sd_bus_message_append(reply, "b", handlers(self).applied() ? 1 : 0); });
}

int get_drift_repairs(sd_bus*, const char*, const char*, const char*, sd_bus_message* reply, void* self,
                      sd_bus_error* error) {
  return answer(error, [&] { return sd_bus_message_append(reply, "t", handlers(self).drift_repairs()); });
}

// Whom to serve is decided in the methods, so all are open to everybody here.
constexpr std::uint64_t open_to_all = SD_BUS_VTABLE_UNPRIVILEGED;
constexpr std::uint64_t announced = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;

// systemd's macros use designated initialisers out of order and shadowed names.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
const std::array<sd_bus_vtable, 13> vtable{{
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_NAMES("Describe", "", , "s", SD_BUS_PARAM(json), on_describe, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Plan", "", , "s", SD_BUS_PARAM(json), on_plan, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Apply", "", , "s", SD_BUS_PARAM(json), on_apply, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Undo", "", , "s", SD_BUS_PARAM(json), on_undo, open_to_all),
    SD_BUS_METHOD("Reload", "", "", on_reload, open_to_all),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Configured", "b", get_configured, 0, announced),
    SD_BUS_PROPERTY("Applied", "b", get_applied, 0, announced),
    SD_BUS_PROPERTY("DriftRepairs", "t", get_drift_repairs, 0, announced),
    SD_BUS_SIGNAL_WITH_NAMES("PortChanged", "sss", SD_BUS_PARAM(label) SD_BUS_PARAM(controller) SD_BUS_PARAM(device),
                             0),
    SD_BUS_SIGNAL_WITH_NAMES("DriftRepaired", "s", SD_BUS_PARAM(controller), 0),
    SD_BUS_VTABLE_END,
}};
#pragma GCC diagnostic pop

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
  (void)sd_bus_detach_event(bus_);
  sd_bus_flush_close_unref(bus_);
}

void Bus::connect(sd_event* loop) {
  require(sd_bus_open_system_with_description(&bus_, names::program), "connect to", "the system bus");
  require(sd_bus_add_object_vtable(bus_, nullptr, names::bus_path, names::bus_interface, vtable.data(), this), "offer",
          names::bus_path);
  require(sd_bus_request_name(bus_, names::bus_name, 0), "take the bus name", names::bus_name);
  require(sd_bus_attach_event(bus_, loop, SD_EVENT_PRIORITY_NORMAL + 20), "listen to", "the system bus");
  configured_ = handlers_.configured();
  applied_ = handlers_.applied();
  drift_repairs_ = handlers_.drift_repairs();
}

void Bus::port_changed(const std::string& label, const std::string& controller, const std::string& device) noexcept {
  (void)sd_bus_emit_signal(bus_, names::bus_path, names::bus_interface, "PortChanged", "sss", label.c_str(),
                           controller.c_str(), device.c_str());
}

void Bus::drift_repaired(const std::string& controller) noexcept {
  (void)sd_bus_emit_signal(bus_, names::bus_path, names::bus_interface, "DriftRepaired", "s", controller.c_str());
}

void Bus::properties_changed() noexcept {
  const bool configured = handlers_.configured(), applied = handlers_.applied();
  const auto repairs = handlers_.drift_repairs();
  const auto emit = [this](const char* property) {
    (void)sd_bus_emit_properties_changed(bus_, names::bus_path, names::bus_interface, property, nullptr);
  };
  if (configured != configured_) emit("Configured");
  if (applied != applied_) emit("Applied");
  if (repairs != drift_repairs_) emit("DriftRepairs");
  configured_ = configured;
  applied_ = applied;
  drift_repairs_ = repairs;
}

}  // namespace hostsplit
