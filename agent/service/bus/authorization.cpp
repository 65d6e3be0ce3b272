#include "service/bus/authorization.hpp"

#include <systemd/sd-bus.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "service/bus/budget.hpp"
#include "service/bus/bus_errors.hpp"

namespace hostsplit {
namespace {

constexpr auto interactive_required = "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";
/// So many calls of one user may wait for polkit: one that asks without end must not fill our memory, nor polkit's.
constexpr auto most_pending_of_a_user = 16;
constexpr std::uint64_t answer_limit_usec = 20ULL * 1000 * 1000;
constexpr std::uint64_t password_limit_usec = 5ULL * 60 * 1000 * 1000;

using Message = std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)>;
using Slot = std::unique_ptr<sd_bus_slot, decltype(&sd_bus_slot_unref)>;

}  // namespace

/// A call that waits for its answer. Owns the question: with it the question is forgotten.
struct Authorization::Pending {
  Authorization* owner;
  Message call;
  std::string action;  ///< empty: everybody may
  std::function<void(std::uint32_t)> allowed;
  std::uint32_t uid = 0;
  bool interactive = false;
  bool with_polkit = false;  ///< the user is known, and polkit is asked
  bool known = false;        ///< who the user is
  Slot slot{nullptr, &sd_bus_slot_unref};

  void asked(sd_bus_slot* question) { slot.reset(question); }
};

Authorization::Authorization(sd_bus* bus) : bus_(bus) {}

Authorization::~Authorization() = default;

int Authorization::identify(sd_bus_message* call, std::function<void(std::uint32_t)> known) {
  return check(call, "", std::move(known));
}

/// Each keeps its message in memory, as long as what was read of it.
bool Authorization::too_many(const char* sender) const {
  const auto of_sender = std::count_if(pending_.begin(), pending_.end(), [sender](const Pending& one) {
    return !one.known && std::strcmp(sd_bus_message_get_sender(one.call.get()), sender) == 0;
  });
  return pending_.size() >= budget::calls || of_sender >= static_cast<long>(budget::calls_of_a_sender);
}

int Authorization::check(sd_bus_message* call, const char* action, std::function<void(std::uint32_t)> allowed) {
  const char* sender = sd_bus_message_get_sender(call);
  if (sender == nullptr) return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_ACCESS_DENIED, "there is no sender");
  if (too_many(sender))
    return sd_bus_reply_method_errorf(call, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls wait already");
  auto& pending = pending_.emplace_back(
      Pending{this, Message(sd_bus_message_ref(call), &sd_bus_message_unref), action, std::move(allowed)});
  pending.interactive = sd_bus_message_get_allow_interactive_authorization(call) > 0;
  sd_bus_slot* slot = nullptr;
  const auto on_reply = [](sd_bus_message* reply, void* data, sd_bus_error*) {
    auto& one = *static_cast<Pending*>(data);
    one.owner->on_user(one, reply);
    return 0;
  };
  const int asked =
      sd_bus_call_method_async(bus_, &slot, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                               "GetConnectionUnixUser", on_reply, &pending, "s", sender);
  if (asked < 0) {
    pending_.pop_back();
    return asked;
  }
  pending.asked(slot);
  return 1;
}

void Authorization::on_user(Pending& pending, sd_bus_message* reply) {
  if (sd_bus_message_is_method_error(reply, nullptr) > 0 || sd_bus_message_read(reply, "u", &pending.uid) <= 0)
    return finish(pending, false, SD_BUS_ERROR_ACCESS_DENIED, "the caller is gone");
  pending.known = true;
  if (pending.uid == 0 || pending.action.empty())
    finish(pending, true, nullptr, {});
  else if (waiting(pending.uid) >= most_pending_of_a_user)
    finish(pending, false, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls of this user wait for authorization");
  else if (ask_polkit(pending) < 0)
    finish(pending, false, SD_BUS_ERROR_ACCESS_DENIED, "polkit cannot be asked; root may do it: use sudo");
}

long Authorization::waiting(std::uint32_t uid) const {
  return std::count_if(pending_.begin(), pending_.end(),
                       [uid](const Pending& one) { return one.with_polkit && one.uid == uid; });
}

int Authorization::ask_polkit(Pending& pending) {
  sd_bus_message* raw = nullptr;
  int result =
      sd_bus_message_new_method_call(bus_, &raw, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
                                     "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
  const Message question(raw, &sd_bus_message_unref);
  if (result >= 0)
    result = sd_bus_message_append(raw, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                   sd_bus_message_get_sender(pending.call.get()), pending.action.c_str(), 0,
                                   pending.interactive ? 1U : 0U, "");
  const auto on_reply = [](sd_bus_message* reply, void* data, sd_bus_error*) {
    auto& one = *static_cast<Pending*>(data);
    one.owner->on_polkit(one, reply);
    return 0;
  };
  sd_bus_slot* slot = nullptr;
  if (result >= 0)
    result = sd_bus_call_async(bus_, &slot, raw, on_reply, &pending,
                               pending.interactive ? password_limit_usec : answer_limit_usec);
  if (result < 0) return result;
  pending.asked(slot);
  pending.with_polkit = true;
  return result;
}

void Authorization::on_polkit(Pending& pending, sd_bus_message* reply) {
  int authorized = 0, challenge = 0;
  if (sd_bus_message_is_method_error(reply, nullptr) > 0)
    finish(pending, false, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not answer; root may do it: use sudo");
  else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
           sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
    finish(pending, false, SD_BUS_ERROR_ACCESS_DENIED, "polkit's answer makes no sense");
  else if (authorized != 0)
    finish(pending, true, nullptr, {});
  else if (challenge != 0 && !pending.interactive)
    finish(pending, false, interactive_required, "a password is needed, and the caller cannot be asked for one");
  else
    finish(pending, false, SD_BUS_ERROR_ACCESS_DENIED, "polkit does not allow " + pending.action);
}

void Authorization::finish(Pending& pending, bool allowed, const char* error, const std::string& why) {
  if (!allowed) {
    (void)sd_bus_reply_method_errorf(pending.call.get(), error, "%s", why.c_str());
  } else {
    try {
      pending.allowed(pending.uid);
    } catch (const std::exception& failure) {
      (void)sd_bus_reply_method_errorf(pending.call.get(), bus_error_name(failure), "%s", failure.what());
    }
  }
  pending_.remove_if([&](const Pending& one) { return &one == &pending; });
}

}  // namespace hostsplit
