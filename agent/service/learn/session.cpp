#include "service/learn/session.hpp"

#include "core/base/error.hpp"

namespace hostsplit {

// The service does not wait for anybody: whoever asked is told, and plugs again.
LearnSession::LearnSession(const Context& context, const State& state, const std::vector<std::string>& labels,
                           Tell tell)
    : session_(context, state.snapshot, {labels, std::chrono::milliseconds(500)}),
      tell_(std::move(tell)) {
  if (labels.empty())
    throw Error("learn", "ports", "no names were given", "Give the names in the order of plugging.",
                Error::Kind::bad_input);
}

void LearnSession::observe(const Snapshot& snapshot) {
  for (const auto& event : session_.observe(snapshot)) handle(event);
}

void LearnSession::handle(const LearningEvent& event) {
  using Kind = LearningEvent::Kind;
  switch (event.kind) {
    case Kind::name_wanted:
      if (!finished()) name(event.device, std::string(session_.names().front()));
      return;
    case Kind::other_half: return name(event.device, event.label);
    case Kind::known: return tell_("known", event.label, event.device, "this socket is known");
    case Kind::hub:
      return tell_("hub", event.label, event.device, "its sockets can be learned: plug a stick into them");
    case Kind::several:
      return tell_("skipped", event.label, event.device, "several devices came at once: plug one at a time");
    case Kind::contradiction:
      return tell_("refused", event.label, event.device, "it was learned here on another controller: forget it first");
    case Kind::unplugged: return tell_("unplugged", event.label, event.device, "unplugged");
  }
}

void LearnSession::name(const UsbDevice& device, const std::string& label) {
  const auto port = session_.name(device, label).port;
  if (!finished() && session_.names().front() == label) session_.take_name();
  tell_("learned", label, device, "learned at " + place(port));
}

}  // namespace hostsplit
