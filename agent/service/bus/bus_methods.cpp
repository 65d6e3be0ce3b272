#include "service/bus/bus_methods.hpp"

#include <array>
#include <cstdint>

#include "core/base/names.hpp"
#include "core/base/printable.hpp"
#include "service/bus/budget.hpp"
#include "service/bus/bus.hpp"
#include "service/bus/bus_errors.hpp"
#include "version.hpp"

namespace hostsplit {
namespace {

const BusHandlers& handlers(void* bus) {
  return static_cast<Bus*>(bus)->handlers();
}

int reply(sd_bus_message* call, const std::string& text) {
  return sd_bus_reply_method_return(call, "s", text.c_str());
}

/// -1 stands for what is not there: D-Bus has no null.
int number_or_none(const std::optional<int>& number) {
  return number.value_or(-1);
}

// --- Whoever asks -------------------------------------------------------------------------------------------------

int on_describe(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] { return reply(call, handlers(self).describe()); });
}

/// Answers later, with what is computed outside of the loop, if this user has not asked for too much already.
/// \param compute  starts that, and hands over what sends the answer
template <class Result, class Compute, class Reply>
int answer_later(sd_bus_message* call, void* self, Compute compute, Reply reply) {
  auto* bus = static_cast<Bus*>(self);
  return bus->authorization().identify(call, [=](std::uint32_t uid) {
    const auto place = std::make_shared<Answers::Place>(bus->answers(), uid);
    const std::shared_ptr<sd_bus_message> kept(sd_bus_message_ref(call), &sd_bus_message_unref);
    compute(bus->handlers(), [place, kept, reply](const std::function<Result()>& result) {
      try {
        (void)reply(kept.get(), result());
      } catch (const std::exception& failure) {
        (void)sd_bus_reply_method_errorf(kept.get(), bus_error_name(failure), "%s", failure.what());
      }
    });
  });
}

int on_plan(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    return answer_later<std::string>(
        call, self, [](const BusHandlers& service, auto send) { service.plan(send); },
        [](sd_bus_message* to, const std::string& json) { return reply(to, json); });
  });
}

int on_preview(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    const std::string verb = text_argument(call);
    const Request request = make_request(verb, texts_argument(call, verb == "setup" ? budget::config : budget::word));
    int colour = 0;
    require(sd_bus_message_read(call, "b", &colour), "read", "an argument");
    return answer_later<Preview>(
        call, self, [=](const BusHandlers& service, auto send) { service.preview(request, colour != 0, send); },
        [](sd_bus_message* to, const Preview& shown) {
          return sd_bus_reply_method_return(to, "sssub", shown.text.c_str(), shown.json.c_str(), shown.token.c_str(),
                                            static_cast<std::uint32_t>(shown.steps), shown.refused ? 1 : 0);
        });
  });
}

/// Answers with an array of structures, one for each item.
template <class Items, class Append>
int reply_list(sd_bus_message* call, const char* type, const Items& items, Append append) {
  sd_bus_message* raw = nullptr;
  require(sd_bus_message_new_method_return(call, &raw), "answer", "a call");
  const std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)> message(raw, &sd_bus_message_unref);
  require(sd_bus_message_open_container(raw, 'a', type), "answer", "a call");
  for (const auto& item : items) require(append(raw, item), "answer", "a call");
  require(sd_bus_message_close_container(raw), "answer", "a call");
  return sd_bus_send(nullptr, raw, nullptr);
}

int on_controllers(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    return reply_list(call, "(ssssiii)", handlers(self).status().controllers, [](sd_bus_message* to, const auto& one) {
      return sd_bus_message_append(
          to, "(ssssiii)", to_string(one.address).c_str(), std::string(to_string(one.kind)).c_str(), one.driver.c_str(),
          one.wanted_driver.c_str(), number_or_none(one.group), number_or_none(one.node), number_or_none(one.vm));
    });
  });
}

int on_ports(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    return reply_list(call, "(sssss)", handlers(self).status().ports, [](sd_bus_message* to, const auto& one) {
      const auto controller = one.controller ? to_string(*one.controller) : std::string();
      return sd_bus_message_append(to, "(sssss)", one.label.c_str(), controller.c_str(), one.usb2.value_or("").c_str(),
                                   one.usb3.value_or("").c_str(), valid_utf8(one.device).c_str());
    });
  });
}

int on_pools(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    return reply_list(call, "(itttx)", handlers(self).status().pools, [](sd_bus_message* to, const PoolStatus& one) {
      const auto wanted = one.wanted ? static_cast<std::int64_t>(*one.wanted) : std::int64_t{-1};
      return sd_bus_message_append(to, "(itttx)", one.node, std::uint64_t{one.pool.page_size}, one.pool.total,
                                   one.pool.free, wanted);
    });
  });
}

int on_findings(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    return reply_list(call, "(sssss)", handlers(self).status().findings, [](sd_bus_message* to, const Finding& one) {
      return sd_bus_message_append(to, "(sssss)", one.code.c_str(), to_string(one.severity),
                                   valid_utf8(one.subject).c_str(), valid_utf8(one.message).c_str(),
                                   valid_utf8(one.remedy).c_str());
    });
  });
}

// --- Whoever may --------------------------------------------------------------------------------------------------

/// Reads the arguments first: a malformed call is refused before anybody types a password.
template <class Do>
int authorized(sd_bus_message* call, void* self, const char* action, Do&& what) {
  auto* bus = static_cast<Bus*>(self);
  return bus->authorization().check(call, action, [call, bus, what = std::forward<Do>(what)](std::uint32_t uid) {
    what(call, bus->handlers(), uid);
  });
}

void done(sd_bus_message* call) {
  require(sd_bus_reply_method_return(call, nullptr), "answer", "a call");
}

enum class Words { none, first };

int start_work(sd_bus_message* call, void* self, sd_bus_error* error, const char* verb, const char* action,
               Words words = Words::none, std::size_t longest = budget::word) {
  return answer(error, [&] {
    const auto targets = words == Words::first ? texts_argument(call, longest) : std::vector<std::string>();
    const WorkRequest request{make_request(verb, targets), text_argument(call)};
    return authorized(call, self, action,
                      [request](sd_bus_message* from, const BusHandlers& service, std::uint32_t uid) {
                        const auto job = service.start(request, uid);
                        require(sd_bus_reply_method_return(from, "u", job), "answer", "a call");
                      });
  });
}

int on_apply(sd_bus_message* call, void* self, sd_bus_error* error) {
  return start_work(call, self, error, "apply", names::action_apply);
}

int on_undo(sd_bus_message* call, void* self, sd_bus_error* error) {
  return start_work(call, self, error, "undo", names::action_undo);
}

int on_setup(sd_bus_message* call, void* self, sd_bus_error* error) {
  return start_work(call, self, error, "setup", names::action_apply, Words::first, budget::config);
}

int on_take(sd_bus_message* call, void* self, sd_bus_error* error) {
  return start_work(call, self, error, "take", names::action_take, Words::first);
}

int on_release(sd_bus_message* call, void* self, sd_bus_error* error) {
  return start_work(call, self, error, "release", names::action_release, Words::first);
}

int on_cancel(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    std::uint32_t job = 0;
    require(sd_bus_message_read(call, "u", &job), "read", "an argument");
    return authorized(call, self, names::action_apply, [job](auto* from, const auto& service, std::uint32_t) {
      service.cancel(job);
      done(from);
    });
  });
}

int on_rename(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    const auto from_label = text_argument(call), to_label = text_argument(call);
    return authorized(call, self, names::action_rename, [=](auto* from, const auto& service, std::uint32_t) {
      service.rename(from_label, to_label);
      done(from);
    });
  });
}

int on_forget(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    const auto label = text_argument(call);
    return authorized(call, self, names::action_rename, [=](auto* from, const auto& service, std::uint32_t) {
      service.forget(label);
      done(from);
    });
  });
}

int on_learn(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    const auto labels = texts_argument(call);
    return authorized(call, self, names::action_learn, [=](auto* from, const auto& service, std::uint32_t) {
      service.learn(labels);
      done(from);
    });
  });
}

int on_stop_learning(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    return authorized(call, self, names::action_learn, [](auto* from, const auto& service, std::uint32_t) {
      service.stop_learning();
      done(from);
    });
  });
}

int on_reload(sd_bus_message* call, void* self, sd_bus_error* error) {
  return answer(error, [&] {
    return authorized(call, self, names::action_reload, [](auto* from, const auto& service, std::uint32_t) {
      service.reload();
      done(from);
    });
  });
}

// --- Properties ---------------------------------------------------------------------------------------------------

int get_version(sd_bus*, const char*, const char*, const char*, sd_bus_message* to, void*, sd_bus_error*) {
  return sd_bus_message_append(to, "s", version);
}

template <std::function<bool()> BusHandlers::*Value>
int get_flag(sd_bus*, const char*, const char*, const char*, sd_bus_message* to, void* self, sd_bus_error* error) {
  return answer(error, [&] { return sd_bus_message_append(to, "b", (handlers(self).*Value)() ? 1 : 0); });
}

int get_drift_repairs(sd_bus*, const char*, const char*, const char*, sd_bus_message* to, void* self,
                      sd_bus_error* error) {
  return answer(error, [&] { return sd_bus_message_append(to, "t", handlers(self).drift_repairs()); });
}

int get_looks(sd_bus*, const char*, const char*, const char*, sd_bus_message* to, void* self, sd_bus_error* error) {
  return answer(error, [&] { return sd_bus_message_append(to, "t", handlers(self).looks()); });
}

// Whom to serve is decided in the methods, so all are open to everybody here.
constexpr std::uint64_t open_to_all = SD_BUS_VTABLE_UNPRIVILEGED;
constexpr std::uint64_t announced = SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;

// systemd's macros use designated initialisers out of order and shadowed names.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#define IN(name) SD_BUS_PARAM(name)
const auto vtable = std::to_array<sd_bus_vtable>({
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD_WITH_NAMES("Describe", "", , "s", IN(json), on_describe, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Plan", "", , "s", IN(json), on_plan, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Preview", "sasb", IN(verb) IN(targets) IN(colour), "sssub",
                             IN(text) IN(json) IN(token) IN(steps) IN(refused), on_preview, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("ListControllers", "", , "a(ssssiii)", IN(controllers), on_controllers, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("ListPorts", "", , "a(sssss)", IN(ports), on_ports, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("ListPools", "", , "a(itttx)", IN(pools), on_pools, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("ListFindings", "", , "a(sssss)", IN(findings), on_findings, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Apply", "s", IN(token), "u", IN(job), on_apply, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Undo", "s", IN(token), "u", IN(job), on_undo, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Setup", "ass", IN(config) IN(token), "u", IN(job), on_setup, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Take", "ass", IN(targets) IN(token), "u", IN(job), on_take, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Release", "ass", IN(targets) IN(token), "u", IN(job), on_release, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Cancel", "u", IN(job), "", , on_cancel, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("RenamePort", "ss", IN(label) IN(new_label), "", , on_rename, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("ForgetPort", "s", IN(label), "", , on_forget, open_to_all),
    SD_BUS_METHOD_WITH_NAMES("Learn", "as", IN(labels), "", , on_learn, open_to_all),
    SD_BUS_METHOD("StopLearning", "", "", on_stop_learning, open_to_all),
    SD_BUS_METHOD("Reload", "", "", on_reload, open_to_all),
    SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
    SD_BUS_PROPERTY("Configured", "b", get_flag<&BusHandlers::configured>, 0, announced),
    SD_BUS_PROPERTY("Applied", "b", get_flag<&BusHandlers::applied>, 0, announced),
    SD_BUS_PROPERTY("Learning", "b", get_flag<&BusHandlers::learning>, 0, announced),
    SD_BUS_PROPERTY("DriftRepairs", "t", get_drift_repairs, 0, announced),
    SD_BUS_PROPERTY("Looks", "t", get_looks, 0, 0),
    SD_BUS_SIGNAL_WITH_NAMES("PortChanged", "sss", IN(label) IN(controller) IN(device), 0),
    SD_BUS_SIGNAL_WITH_NAMES("DriftRepaired", "s", IN(controller), 0),
    SD_BUS_SIGNAL_WITH_NAMES("FindingRaised", "sssss", IN(code) IN(severity) IN(subject) IN(message) IN(remedy), 0),
    SD_BUS_SIGNAL_WITH_NAMES("JobProgress", "uuussss",
                             IN(job) IN(number) IN(total) IN(step) IN(sentence) IN(state) IN(detail), 0),
    SD_BUS_SIGNAL_WITH_NAMES("JobFinished", "ubsss", IN(job) IN(ok) IN(error) IN(message) IN(json), 0),
    SD_BUS_SIGNAL_WITH_NAMES("LearnProgress", "sssss", IN(kind) IN(label) IN(controller) IN(path) IN(sentence), 0),
    SD_BUS_VTABLE_END,
});
#undef IN
#pragma GCC diagnostic pop

}  // namespace

const sd_bus_vtable* bus_vtable() {
  return vtable.data();
}

}  // namespace hostsplit
