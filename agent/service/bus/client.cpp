#include "service/bus/client.hpp"

#include <systemd/sd-bus.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "service/loop/event_loop.hpp"
#include "service/loop/system_bus.hpp"

namespace hostsplit {
namespace {

/// Long enough to type a password (polkit), and for a look on a busy machine.
constexpr std::uint64_t patience_usec = 6ULL * 60 * 1000 * 1000;
/// For the bus itself: without it the work is done directly.
constexpr std::chrono::milliseconds patience_with_bus{5000};
/// How often stop_asked is asked.
constexpr std::uint64_t slice_usec = 200 * 1000;

using Message = std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)>;

struct BusError {
  sd_bus_error value = SD_BUS_ERROR_NULL;
  ~BusError() { sd_bus_error_free(&value); }
};

/// The job that is waited for.
struct Job {
  std::optional<unsigned> number;  ///< empty until the service has said it
  const std::function<void(const WorkProgress&)>& tell;
  std::optional<WorkResult> result;
  bool service_gone = false;
};

std::optional<StepResult::Kind> parse_state(const char* state) {
  for (const auto kind : {StepResult::Kind::done, StepResult::Kind::failed, StepResult::Kind::skipped})
    if (std::strcmp(state, to_text(kind)) == 0) return kind;
  return {};
}

int on_progress(sd_bus_message* signal, void* data, sd_bus_error*) {
  auto& job = *static_cast<Job*>(data);
  std::uint32_t number = 0, step = 0, total = 0;
  const char *id = "", *sentence = "", *state = "", *detail = "";
  if (sd_bus_message_read(signal, "uuussss", &number, &step, &total, &id, &sentence, &state, &detail) >= 0 &&
      job.number == number && job.tell)
    job.tell({step, total, id, sentence, parse_state(state), detail});
  return 0;
}

int on_finished(sd_bus_message* signal, void* data, sd_bus_error*) {
  auto& job = *static_cast<Job*>(data);
  std::uint32_t number = 0;
  int ok = 0;
  const char *error = "", *sentence = "", *document = "";
  if (sd_bus_message_read(signal, "ubsss", &number, &ok, &error, &sentence, &document) < 0 || job.number != number)
    return 0;
  WorkResult result;
  result.ok = ok != 0;
  result.error = sentence;
  result.bad_input = std::strcmp(error, names::bus_error_bad_input) == 0;
  result.document = document;
  job.result = std::move(result);
  return 0;
}

int on_owner(sd_bus_message* signal, void* data, sd_bus_error*) {
  const char *name = "", *before = "", *after = "";
  if (sd_bus_message_read(signal, "sss", &name, &before, &after) >= 0 && *before != '\0')
    static_cast<Job*>(data)->service_gone = true;
  return 0;
}

void append(sd_bus_message* call, const std::vector<std::string>& words) {
  require(sd_bus_message_open_container(call, 'a', "s"), "ask", "the service");
  for (const auto& word : words) require(sd_bus_message_append(call, "s", word.c_str()), "ask", "the service");
  require(sd_bus_message_close_container(call), "ask", "the service");
}

/// A verb has one method, which takes the words first where the verb has any.
struct JobMethod {
  const char *verb, *name;
  bool words;
};
constexpr JobMethod job_methods[] = {
    {"apply", "Apply", false}, {"undo", "Undo", false},      {"take", "Take", true},
    {"setup", "Setup", true},  {"release", "Release", true},
};

const JobMethod& method_of(const std::string& verb) {
  for (const auto& method : job_methods)
    if (verb == method.verb) return method;
  throw std::logic_error("no method of the service does " + verb);
}

}  // namespace

struct ServiceClient::Connection {
  SystemBus owner = open_system_bus(patience_with_bus);
  sd_bus* bus = owner.get();

  Message call(const char* method) const {
    sd_bus_message* raw = nullptr;
    require(sd_bus_message_new_method_call(bus, &raw, names::bus_name, names::bus_path, names::bus_interface, method),
            "ask", "the service");
    (void)sd_bus_message_set_allow_interactive_authorization(raw, 1);
    return {raw, &sd_bus_message_unref};
  }

  /// \throws Error with what the service, polkit or the bus said.
  Message send(const Message& message) const {
    BusError error;
    sd_bus_message* reply = nullptr;
    const int result = sd_bus_call(bus, message.get(), patience_usec, &error.value, &reply);
    if (result >= 0) return {reply, &sd_bus_message_unref};
    const std::string name = error.value.name ? error.value.name : "";
    const std::string said = error.value.message ? error.value.message : std::strerror(-result);
    if (name == names::bus_error_failed || name == names::bus_error_bad_input)
      throw Error(Error::Told{said}, name == names::bus_error_bad_input ? Error::Kind::bad_input : Error::Kind::failed);
    const bool denied = name == SD_BUS_ERROR_ACCESS_DENIED || name.ends_with("InteractiveAuthorizationRequired");
    throw Error("ask", "the service", said, denied ? "Run it as root, or as a user polkit lets do it." : "",
                denied ? Error::Kind::bad_input : Error::Kind::failed);
  }
};

std::unique_ptr<ServiceClient> ServiceClient::connect() {
  auto connection = std::make_unique<Connection>();
  if (!connection->bus) return nullptr;
  sd_bus_message* raw = nullptr;
  const int asked = sd_bus_call_method(connection->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "NameHasOwner", nullptr, &raw, "s", names::bus_name);
  const Message reply(raw, &sd_bus_message_unref);
  int owned = 0;
  if (asked < 0 || sd_bus_message_read(raw, "b", &owned) < 0 || owned == 0) return nullptr;
  return std::unique_ptr<ServiceClient>(new ServiceClient(std::move(connection)));
}

ServiceClient::ServiceClient(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
ServiceClient::~ServiceClient() = default;

Preview ServiceClient::preview(const Request& request, bool colour) {
  const auto call = connection_->call("Preview");
  require(sd_bus_message_append(call.get(), "s", verb_of(request)), "ask", "the service");
  append(call.get(), words_of(request));
  require(sd_bus_message_append(call.get(), "b", colour ? 1 : 0), "ask", "the service");
  const auto reply = connection_->send(call);
  const char *text = "", *json = "", *token = "";
  std::uint32_t steps = 0;
  int refused = 0;
  require(sd_bus_message_read(reply.get(), "sssub", &text, &json, &token, &steps, &refused), "understand",
          "the service");
  return {text, json, token, steps, refused != 0};
}

WorkResult ServiceClient::run(const WorkRequest& request, const std::function<void(const WorkProgress&)>& tell,
                              const StopAsked& stop_asked) {
  sd_bus* bus = connection_->bus;
  Job job{{}, tell, {}, false};
  const auto listen = [&](const char* signal, sd_bus_message_handler_t handler) {
    require(sd_bus_match_signal(bus, nullptr, names::bus_name, names::bus_path, names::bus_interface, signal, handler,
                                &job),
            "listen to", "the service");
  };
  listen("JobProgress", &on_progress);
  listen("JobFinished", &on_finished);
  const auto owner_changes =
      std::string("type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='") + names::bus_name +
      "'";
  require(sd_bus_add_match(bus, nullptr, owner_changes.c_str(), &on_owner, &job), "listen to", "the service");

  const JobMethod& method = method_of(verb_of(request.request));
  const auto call = connection_->call(method.name);
  if (method.words) append(call.get(), words_of(request.request));
  require(sd_bus_message_append(call.get(), "s", request.token.c_str()), "ask", "the service");
  std::uint32_t number = 0;
  // Signals that come meanwhile stay queued until the number is known.
  require(sd_bus_message_read(connection_->send(call).get(), "u", &number), "understand", "the service");
  job.number = number;
  for (bool cancelled = false; !job.result;) {
    const int processed = require(sd_bus_process(bus, nullptr), "listen to", "the service");
    if (job.service_gone && !job.result)
      throw Error(verb_of(request.request), "the plan", "the service stopped while it was running",
                  "See what was done: hostsplit log. The service goes on with it when it is back.");
    if (!cancelled && stop_asked && stop_asked()) {
      cancelled = true;
      const auto cancel = connection_->call("Cancel");
      require(sd_bus_message_append(cancel.get(), "u", number), "ask", "the service");
      (void)connection_->send(cancel);
    }
    if (processed == 0) {
      const int waited = sd_bus_wait(bus, slice_usec);
      if (waited != -EINTR) require(waited, "listen to", "the service");
    }
  }
  return *job.result;
}

void ServiceClient::rename(const std::string& from, const std::string& to) {
  const auto call = connection_->call("RenamePort");
  require(sd_bus_message_append(call.get(), "ss", from.c_str(), to.c_str()), "ask", "the service");
  (void)connection_->send(call);
}

void ServiceClient::forget(const std::string& label) {
  const auto call = connection_->call("ForgetPort");
  require(sd_bus_message_append(call.get(), "s", label.c_str()), "ask", "the service");
  (void)connection_->send(call);
}

}  // namespace hostsplit
