#include "service/learn/session.hpp"

#include "core/base/error.hpp"
#include "host/store/store.hpp"

namespace hostsplit {

LearnSession::LearnSession(const Context& context, const State& state, const std::vector<std::string>& labels,
                           Tell tell)
    : context_(context),
      learning_(load_port_map(context.root), state.snapshot),
      names_(labels.begin(), labels.end()),
      tell_(std::move(tell)) {
  if (labels.empty())
    throw Error("learn", "ports", "no names were given", "Give the names in the order of plugging.",
                Error::Kind::bad_input);
  check_new_labels(learning_.map(), labels);
}

void LearnSession::observe(const Snapshot& snapshot) {
  for (const auto& event : learning_.observe(snapshot)) handle(event);
}

void LearnSession::handle(const LearningEvent& event) {
  using Kind = LearningEvent::Kind;
  switch (event.kind) {
    case Kind::name_wanted:
      if (!names_.empty()) name(event.device, names_.front());
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
  // The service does not wait for anybody: whoever asked is told, and plugs again.
  const auto port = learn_and_save(context_, learning_, device, label, std::chrono::milliseconds(500)).port;
  if (!names_.empty() && names_.front() == label) names_.pop_front();
  tell_("learned", label, device, "learned at " + place(port));
}

}  // namespace hostsplit
