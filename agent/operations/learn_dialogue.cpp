#include "operations/learn_dialogue.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/printable.hpp"
#include "core/base/text.hpp"
#include "core/usb/label_proposal.hpp"
#include "core/usb/learn.hpp"

namespace hostsplit {
namespace {

using Kind = LearnKey::Kind;
using Ask = LearnQuestion::Kind;
using Order = LearnOrder::Kind;

constexpr std::size_t most_messages = 50;
/// More than any label has (64 characters of at most four bytes).
constexpr std::size_t most_bytes = 256;

/// Nobody reads a question and begins to answer it in less.
constexpr LearnDialogue::Time reaction{300};
/// Who has not typed for so long has stopped, and looks up.
constexpr LearnDialogue::Time typing_pause{700};
/// Who typed so short a time before a question is still typing when it opens.
constexpr LearnDialogue::Time still_typing{1000};

bool same_place(const UsbDevice& a, const UsbDevice& b) {
  return a.controller == b.controller && a.half == b.half && a.path == b.path;
}

void drop_last_character(std::string& text) {
  while (!text.empty() && (text.back() & 0xc0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

std::map<PciAddress, int> vms_of(const Status& status) {
  std::map<PciAddress, int> vms;
  for (const auto& controller : status.controllers)
    if (controller.vm) vms[controller.address] = *controller.vm;
  return vms;
}

const char* called(UsbHalf half) {
  return half == UsbHalf::usb2 ? "USB2" : "USB3";
}

}  // namespace

std::string place_of(const UsbDevice& device) {
  return fmt::format("{} port {} of {}, {}", called(device.half), device.path, to_string(device.controller),
                     printable(in_words(device)));
}

LearnScene make_scene(const Root& root, const State& state, const PortMap& map) {
  State shown = state;
  shown.ports = map;
  const Status now = status(shown);
  return {map, now.ports, vms_of(now), hidden_controllers(shown), read_usb_facts(root, shown.snapshot)};
}

std::string unproven_half(const LearnedPort& port) {
  if (port.proven()) return "";
  const UsbHalf missing = port.usb3->seen ? UsbHalf::usb2 : UsbHalf::usb3;
  return fmt::format("{}: now {}. That side of the socket is inferred from the port numbers; a {} stick proves it.",
                     port.label, called(missing), called(missing));
}

void LearnDialogue::say(Tone tone, std::string text) {
  messages_.push_back({tone, std::move(text)});
  ++said_;
  if (messages_.size() > most_messages) messages_.pop_front();
}

void LearnDialogue::observed(const std::vector<LearningEvent>& events, LearnScene scene, Time now) {
  scene_ = std::move(scene);
  if (!scene_.map.find(selected_)) selected_.clear();
  for (const auto& each : events) event(each, now);
  withdraw_used();
  if (!question_) next(now);
  if (std::exchange(offered_, true)) return;
  const auto& hidden = scene_.hidden;
  if (std::any_of(hidden.begin(), hidden.end(), [](const auto& each) { return each.why_not.empty(); }))
    ask_to_lend(now);
}

void LearnDialogue::event(const LearningEvent& event, Time now) {
  using Event = LearningEvent::Kind;
  const auto where = place_of(event.device);
  switch (event.kind) {
    case Event::name_wanted:
    case Event::other_half: return plugged(event, now);
    case Event::known:
      lit_ = event.device;
      return say(Tone::good, fmt::format("{} is this socket: {}", event.label, where));
    case Event::hub: return say(Tone::plain, "A hub at " + where + ": plug the stick into its sockets to learn them.");
    case Event::several:
      return say(Tone::bad, "Several devices came at once, so nobody can tell which socket is which: " + where +
                                ". Unplug them and plug one at a time.");
    case Event::contradiction:
      lit_ = event.device;
      return say(Tone::bad, fmt::format("{} was learned at {} on another controller: forget it first (Ctrl-F).",
                                        event.label, where));
    case Event::unplugged:
      if (lit_ && same_place(*lit_, event.device)) lit_.reset();
      return;
  }
}

void LearnDialogue::plugged(const LearningEvent& event, Time now) {
  if (scene_.facts.used.count(event.device.name)) {
    const auto& why = scene_.facts.used.at(event.device.name);
    return say(Tone::hint, fmt::format("Left alone: {}: {}", place_of(event.device), printable(why)));
  }
  const Ask kind = event.kind == LearningEvent::Kind::name_wanted ? Ask::name : Ask::other_half;
  const auto again = [&](LearnQuestion& question) {
    if (!question.about_socket() || !same_place(question.device, event.device)) return false;
    question.device = event.device;
    return true;
  };
  if (question_ && again(*question_)) return;
  if (std::any_of(waiting_.begin(), waiting_.end(), again)) return;
  ask({kind, event.device, event.label}, now);
}

/// A keyboard is known as one only when its driver has found it, a moment after the device came.
void LearnDialogue::withdraw_used() {
  const auto used = [&](const LearnQuestion& question) {
    if (!question.about_socket() || !question.proposed || !scene_.facts.used.count(question.device.name)) return false;
    say(Tone::hint, fmt::format("Left alone: {}: {}", place_of(question.device),
                                printable(scene_.facts.used.at(question.device.name))));
    return true;
  };
  std::erase_if(waiting_, used);
  if (question_ && used(*question_)) question_.reset();
}

void LearnDialogue::ask(LearnQuestion question, Time now) {
  bell_ = true;
  if (question_)
    waiting_.push_back(std::move(question));
  else
    open(std::move(question), now);
}

void LearnDialogue::open(LearnQuestion question, Time now) {
  if (question.proposed && question.takes_text())
    question.answer = question.proposal = question.kind == Ask::name ? proposal(question.device) : question.label;
  if (question.about_socket()) lit_ = question.device;
  if (question.number == 0) question.number = ++asked_;
  question_ = std::move(question);
  flush_ = true;
  shown_at_.reset();
  ahead_ = stray_at_ && now - *stray_at_ < still_typing;
}

void LearnDialogue::next(Time now) {
  question_.reset();
  if (waiting_.empty()) return;
  LearnQuestion question = std::move(waiting_.front());
  waiting_.pop_front();
  open(std::move(question), now);
}

std::string LearnDialogue::panel(const UsbDevice& device) const {
  const auto found = scene_.facts.panels.find(device.name);
  return found == scene_.facts.panels.end() ? "" : found->second;
}

std::string LearnDialogue::proposal(const UsbDevice& device) const {
  const auto last = last_by_panel_.find(panel(device));
  return propose_label(scene_.map, panel(device), last == last_by_panel_.end() ? "" : last->second);
}

void LearnDialogue::shown(Time now) {
  if (question_ && !shown_at_) shown_at_ = now;
}

void LearnDialogue::stray(Time now) {
  if (!stray_at_ || now - *stray_at_ >= still_typing)
    say(Tone::hint, "Typed while no socket waits for a name: ignored.");
  stray_at_ = now;
}

/// Typing that began before the question could be read is ignored to its end: it was meant for something else.
bool LearnDialogue::typed_ahead(Time now) {
  const bool unread = !shown_at_ || now - *shown_at_ < reaction;
  const bool goes_on = ahead_ && stray_at_ && now - *stray_at_ < typing_pause;
  if (!unread && !goes_on) {
    ahead_ = false;
    return false;
  }
  if (!ahead_) say(Tone::hint, "Typed before the question: ignored.");
  ahead_ = true;
  stray_at_ = now;
  return true;
}

std::optional<LearnOrder> LearnDialogue::key(const LearnKey& key, Time now) {
  switch (key.kind) {
    case Kind::done: return LearnOrder{Order::end};
    case Kind::phone: return {};
    case Kind::up: select(-1); return {};
    case Kind::down: select(1); return {};
    case Kind::undo:
    case Kind::rename:
    case Kind::forget:
    case Kind::lend: return command(key, now);
    default: break;
  }
  if (!question_) {
    stray(now);
    return {};
  }
  if (typed_ahead(now)) return {};
  return text_key(key, now);
}

std::optional<LearnOrder> LearnDialogue::text_key(const LearnKey& key, Time now) {
  if (key.kind == Kind::enter) return answer(question_->answer, now);
  if (key.kind == Kind::escape) {
    skip(now);
    return {};
  }
  if (!question_->takes_text()) return {};
  auto& text = question_->answer;
  switch (key.kind) {
    case Kind::text:
      if (question_->proposed) text.clear();
      if (text.size() + key.text.size() <= most_bytes) text += key.text;
      break;
    case Kind::backspace: drop_last_character(text); break;
    case Kind::clear: text.clear(); break;
    default: break;
  }
  question_->proposed = false;
  question_->refusal.clear();
  return {};
}

std::optional<LearnOrder> LearnDialogue::answer(const std::string& text, Time now) {
  LearnOrder order;
  order.device = question_->device;
  order.label = question_->label;
  order.name = std::string(trimmed(text));
  switch (question_->kind) {
    case Ask::name:
    case Ask::other_half: order.kind = Order::name; break;
    case Ask::rename: order.kind = Order::rename; break;
    case Ask::forget: order.kind = Order::forget; return order;
    case Ask::lend:
      order.kind = Order::lend;
      for (const auto& hidden : scene_.hidden)
        if (hidden.why_not.empty()) order.controllers.insert(hidden.address);
      return order;
  }
  if (!order.name.empty() && (order.kind == Order::name || order.name != order.label)) return order;
  skip(now);
  return {};
}

LearnDialogue::Elsewhere LearnDialogue::answered_elsewhere(unsigned number, const std::string& text, Time now) {
  const auto meant = [&](const LearnQuestion& question) {
    return question.about_socket() && question.number == number;
  };
  if (question_ && meant(*question_)) return {answer(text, now), ""};
  if (std::any_of(waiting_.begin(), waiting_.end(), meant))
    return {{}, "The terminal is asked something else first. Answer that there, then try again."};
  return {{}, "That socket is not asked for any more, so the name was given to none."};
}

void LearnDialogue::skip(Time now) {
  if (question_->about_socket())
    say(Tone::plain, "Skipped: " + place_of(question_->device) + ". Plug the stick again to be asked again.");
  if (question_->kind == Ask::lend) say(Tone::plain, "The controllers stay with their VMs. Ctrl-O asks again.");
  next(now);
}

/// A question about a socket waits while a command is answered; a command that was not answered is dropped.
void LearnDialogue::cancel_command() {
  if (!question_) return;
  if (question_->about_socket()) waiting_.push_front(std::move(*question_));
  question_.reset();
}

std::optional<LearnOrder> LearnDialogue::command(const LearnKey& key, Time now) {
  if (key.kind == Kind::undo) {
    if (question_ && !question_->about_socket()) next(now);
    return LearnOrder{Order::undo};
  }
  if (key.kind == Kind::lend) {
    ask_to_lend(now);
    return {};
  }
  if (selected_.empty()) {
    say(Tone::hint, "Choose a socket with the arrow keys first.");
    return {};
  }
  cancel_command();
  open({key.kind == Kind::rename ? Ask::rename : Ask::forget, {}, selected_}, now);
  return {};
}

void LearnDialogue::ask_to_lend(Time now) {
  bool any = false;
  for (const auto& hidden : scene_.hidden) {
    any = any || hidden.why_not.empty();
    if (!hidden.why_not.empty())
      say(Tone::hint, fmt::format("{} cannot be lent now: {}", to_string(hidden.address), hidden.why_not));
  }
  if (scene_.hidden.empty()) say(Tone::hint, "No controller is hidden from the host.");
  if (!any) return;
  cancel_command();
  open({Ask::lend}, now);
}

void LearnDialogue::select(int step) {
  const auto& ports = scene_.map.ports;
  if (ports.empty()) return;
  const auto at = std::find_if(ports.begin(), ports.end(), [&](const auto& port) { return port.label == selected_; });
  if (at == ports.end()) {
    selected_ = step > 0 ? ports.front().label : ports.back().label;
    return;
  }
  const auto last = static_cast<int>(ports.size()) - 1;
  const int index = std::clamp(static_cast<int>(at - ports.begin()) + step, 0, last);
  selected_ = ports[static_cast<std::size_t>(index)].label;
}

void LearnDialogue::named(const LearnOrder& order, const LearnedPort& port, const std::string& hint, const PortMap& map,
                          Time now) {
  scene_.map = map;
  last_by_panel_[panel(order.device)] = port.label;
  selected_ = port.label;
  say(Tone::good, fmt::format("Learned: {}, {}{}", port.label, place(port), hint));
  if (const auto missing = unproven_half(port); !missing.empty()) say(Tone::hint, missing);
  next(now);
}

void LearnDialogue::done(const LearnOrder& order, const std::string& sentence, const PortMap& map, Time now) {
  scene_.map = map;
  if (order.kind == Order::rename) {
    for (auto& [where, last] : last_by_panel_)
      if (last == order.label) last = order.name;
    selected_ = order.name;
  }
  if (order.kind == Order::forget) selected_.clear();
  say(Tone::good, sentence);
  next(now);
}

void LearnDialogue::undone(const LearningSession::Undone& undone, const PortMap& map, Time now) {
  scene_.map = map;
  if (!undone.label.empty())
    std::erase_if(last_by_panel_, [&](const auto& entry) { return entry.second == undone.label; });
  if (!scene_.map.find(selected_)) selected_.clear();
  say(Tone::good, "Undone: " + undone.sentence + ".");
  if (!undone.device || undone.label.empty()) return;
  cancel_command();
  bell_ = true;
  open({Ask::name, *undone.device}, now);
}

void LearnDialogue::refused(const LearnOrder& order, const std::string& why) {
  if (question_ && question_->takes_text() && (order.kind == Order::name || order.kind == Order::rename)) {
    question_->refusal = printable(why);  // it may quote the name
    question_->proposed = false;
    return;
  }
  if (question_ && !question_->takes_text()) question_.reset();
  say(Tone::bad, printable(why));
}

const UsbDevice* LearnDialogue::lit() const {
  if (question_ && question_->about_socket()) return &question_->device;
  return lit_ ? &*lit_ : nullptr;
}

}  // namespace hostsplit
