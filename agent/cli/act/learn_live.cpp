#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cli/act/learn_parts.hpp"
#include "cli/act/learn_screen.hpp"
#include "cli/act/phone_page.hpp"
#include "cli/act/quiet_console.hpp"
#include "core/base/error.hpp"
#include "host/inventory/inventory.hpp"
#include "operations/report/learn_page.hpp"
#include "operations/report/learn_state.hpp"
#include "operations/report/phone_code.hpp"

namespace hostsplit::cli {
namespace {

using std::chrono::milliseconds;

/// Without an event: the port map may have been changed by somebody else, and udev may not run.
constexpr milliseconds look_again{5000};
/// A storm of events must not keep the screen from showing anything.
constexpr milliseconds longest_settling{1000};
/// Devices of a controller that was just bound are found one after the other.
constexpr milliseconds all_have_come{1000}, longest_coming{6000};

/// The loop between session, dialogue and what shows it: a screen, a phone, or both.
class Live {
 public:
  /// \param screen  nullptr: what happens stands in lines, and only the phone answers
  Live(const LearnMachine& machine, const LearningSession::Settings& settings, Lending& lending,
       std::optional<LearnClock::time_point> deadline, LearnScreen* screen, PhonePage* phone)
      : machine_(machine),
        session_(machine.context, inventory(machine.context.root), settings),
        lending_(lending),
        deadline_(deadline),
        screen_(screen),
        phone_(phone),
        code_shown_(phone != nullptr) {}

  LearnEnd run() {
    look();
    for (;;) {
      show();
      if (signal_came() || (screen_ && screen_->lost())) return LearnEnd::interrupted;
      if (deadline_ && LearnClock::now() >= *deadline_) return LearnEnd::timed_out;
      pollfd items[3] = {{screen_ ? STDIN_FILENO : -1, POLLIN, 0},
                         {machine_.events, POLLIN, 0},
                         {phone_ ? phone_->descriptor() : -1, POLLIN, 0}};
      const int ready = wait_or_signal(items, wait());
      // A plug first: its question throws away what was typed before it.
      if (ready == 0 || (ready > 0 && news(items[1]))) look();
      if (phone_) hear_phone();
      if (screen_ && ended()) return LearnEnd::done;
    }
  }
  int count() const { return session_.learned(); }

 private:
  static LearnDialogue::Time now() {
    return std::chrono::duration_cast<milliseconds>(LearnClock::now().time_since_epoch());
  }

  milliseconds wait() const {
    if (!deadline_) return look_again;
    const auto left = std::chrono::duration_cast<milliseconds>(*deadline_ - LearnClock::now());
    return std::clamp(left, milliseconds(0), look_again);
  }

  void show() {
    if (phone_) phone_->show(learn_state(dialogue_));
    if (!screen_) return print();
    if (dialogue_.take_bell()) screen_->ring();
    const bool asked = dialogue_.take_flush();
    if (code_shown_)
      screen_->draw(phone_code_page(phone_->code(), phone_->url(), screen_->width(), screen_->height()));
    else
      screen_->draw(learn_page(dialogue_, screen_->width(), screen_->height()));
    if (asked) screen_->discard_typed();
    if (!code_shown_) dialogue_.shown(now());
  }

  /// What was said since the last time, and the question when it is another one.
  void print() {
    const auto& messages = dialogue_.messages();
    for (auto left = std::min(dialogue_.said() - printed_, messages.size()); left > 0; --left)
      std::cout << messages[messages.size() - left].text << std::endl;
    printed_ = dialogue_.said();
    const auto& question = dialogue_.question();
    if (!question || question->number == asked_) return;
    asked_ = question->number;
    std::cout << "Asked on the phone: " << place_of(question->device) << std::endl;
  }

  void hear_phone() {
    const bool before = phone_->opened();
    // One at a turn: whatever came over that process cannot keep this one from anything else.
    if (const auto given = phone_->answer()) take(*given);
    if (phone_->opened() && !before) {
      code_shown_ = false;
      dialogue_.say(LearnDialogue::Tone::good, "A phone has opened the page.");
    }
    if (!phone_->gone()) return;
    if (!screen_) throw Error("serve", "the phone page", "its program has ended", "Run hostsplit learn --web again.");
    dialogue_.say(LearnDialogue::Tone::bad, "The phone page has ended. What was learned is kept.");
    phone_ = nullptr;
    code_shown_ = false;
  }

  /// The name goes the way of one that is typed here; the phone hears what came of it, behind the state that follows.
  void take(const PhoneAnswer& given) {
    look();  // the stick may be gone, or another one there
    const auto said = dialogue_.said();
    const auto [order, refusal] = dialogue_.answered_elsewhere(given.number, given.name, now());
    if (order) {
      carry_out(*order);
      look();
    }
    phone_->show(learn_state(dialogue_));
    const auto& question = dialogue_.question();
    const auto& messages = dialogue_.messages();
    const auto since = std::min(dialogue_.said() - said, messages.size());
    if (!refusal.empty())
      phone_->reply(false, refusal);
    else if (question && question->number == given.number)
      phone_->reply(false, question->refusal);
    else
      phone_->reply(true, since == 0 ? "" : messages[messages.size() - since].text);
  }

  bool news(const pollfd& item) {
    if (item.revents == 0 || !machine_.drain()) return false;
    settle(learn_settle, longest_settling);
    return true;
  }

  /// Until no event has come for so long.
  void settle(milliseconds quiet, milliseconds longest) {
    const auto end = LearnClock::now() + longest;
    pollfd item{machine_.events, POLLIN, 0};
    while (LearnClock::now() < end && poll(&item, 1, static_cast<int>(quiet.count())) > 0) machine_.drain();
  }

  void look() {
    for (const auto& damaged : observe_tolerantly(machine_.context.root, state_))
      if (damaged.message != told_) dialogue_.say(LearnDialogue::Tone::bad, told_ = damaged.message);
    session_.reload(state_.ports);
    const auto events = session_.observe(state_.snapshot);
    dialogue_.observed(events, make_scene(machine_.context.root, state_, session_.map()), now());
    // Where nobody can answer it, no controller is taken from its VM.
    const auto& question = dialogue_.question();
    if (!screen_ && question && !question->about_socket()) dialogue_.decline(now());
  }

  /// \return whether somebody asked for the end.
  bool ended() {
    for (const auto& key : screen_->keys()) {
      if (about_code(key)) continue;
      const auto order = dialogue_.key(key, now());
      if (!order) continue;
      if (order->kind == LearnOrder::Kind::end) return true;
      carry_out(*order);
      look();
    }
    return false;
  }

  /// While the code is shown, a key only leads on from it.
  bool about_code(const LearnKey& key) {
    if (key.kind == LearnKey::Kind::done) return false;
    if (code_shown_) return code_shown_ = false, true;
    if (key.kind != LearnKey::Kind::phone) return false;
    if (!phone_)
      dialogue_.say(LearnDialogue::Tone::hint, "There is no page for a phone: hostsplit learn --web.");
    else if (phone_->opened())
      dialogue_.say(LearnDialogue::Tone::hint, "A phone has the page already; it is for one only.");
    code_shown_ = phone_ && !phone_->opened();
    return true;
  }

  void carry_out(const LearnOrder& order) {
    using Kind = LearnOrder::Kind;
    try {
      switch (order.kind) {
        case Kind::name: return name(order);
        case Kind::rename:
          session_.rename(order.label, order.name);
          return dialogue_.done(
              order,
              fmt::format("{} is called {} now; where the configuration names it, change it there too.", order.label,
                          order.name),
              session_.map(), now());
        case Kind::forget:
          session_.forget(order.label);
          return dialogue_.done(order, order.label + " is forgotten.", session_.map(), now());
        case Kind::undo: return undo();
        case Kind::lend: return lend(order);
        case Kind::end: return;
      }
    } catch (const Error& error) {
      // In the question there is room for one line, and the name stands beside it.
      const bool asked = order.kind == Kind::name || order.kind == Kind::rename;
      dialogue_.refused(order, asked && !error.reason().empty() ? error.reason() : error.what());
    }
  }

  void name(const LearnOrder& order) {
    const auto [port, kept, change] = session_.name(order.device, order.name);
    if (kept) dialogue_.say(LearnDialogue::Tone::hint, "The damaged file is kept as " + *kept);
    dialogue_.named(order, port, machine_.hint ? machine_.hint(port, order.device) : "", session_.map(), now());
  }

  void undo() {
    if (const auto undone = session_.undo())
      dialogue_.undone(*undone, session_.map(), now());
    else
      dialogue_.say(LearnDialogue::Tone::hint, "There is nothing to undo.");
  }

  /// \pre there is a screen: it was asked there
  void lend(const LearnOrder& order) {
    dialogue_.say(LearnDialogue::Tone::plain, "Lending ...");
    screen_->draw(learn_page(dialogue_, screen_->width(), screen_->height()));
    const auto why = lending_.lend(state_, order.controllers);
    // Programs that were run for it may have written to the terminal.
    screen_->draw_all_anew();
    // What was plugged all the time comes with its controller, and is no news.
    settle(all_have_come, longest_coming);
    if (!why.empty()) return dialogue_.refused(order, why);
    dialogue_.done(order, "Their sockets can be learned now; they go back to their VMs when learning ends.",
                   session_.map(), now());
  }

  const LearnMachine& machine_;
  LearningSession session_;
  Lending& lending_;
  std::optional<LearnClock::time_point> deadline_;
  State state_;
  LearnDialogue dialogue_;
  std::string told_;
  LearnScreen* screen_;
  PhonePage* phone_;
  bool code_shown_;          ///< the screen shows the code instead of the sockets
  std::size_t printed_ = 0;  ///< messages
  unsigned asked_ = 0;       ///< number of the question that was printed
};

}  // namespace

LearnEnd learn_on_screen(const LearnMachine& machine, const LearningSession::Settings& settings, Lending& lending,
                         std::optional<LearnClock::time_point> deadline, PhonePage* phone, int& count) {
  const QuietConsole quiet(machine.context.root);
  LearnScreen screen;
  Live live(machine, settings, lending, deadline, &screen, phone);
  const LearnEnd end = live.run();
  count = live.count();
  return end;
}

LearnEnd learn_by_phone(const LearnMachine& machine, const LearningSession::Settings& settings, Lending& lending,
                        std::optional<LearnClock::time_point> deadline, PhonePage& phone, int& count) {
  std::cout << "Open this page on a phone in the same network; the first who opens it has it:\n" << phone.url() << "\n";
  if (isatty(STDOUT_FILENO) && !terminal_is_dumb())
    for (const auto& line : half_blocks(phone.code())) std::cout << "\033[1;37;40m" << line << "\033[0m\n";
  std::cout << "Ctrl-C ends; what was learned is kept." << std::endl;
  Live live(machine, settings, lending, deadline, nullptr, &phone);
  const LearnEnd end = live.run();
  count = live.count();
  return end;
}

}  // namespace hostsplit::cli
