#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>

#include "cli/act/learn_parts.hpp"
#include "cli/act/learn_screen.hpp"
#include "cli/act/quiet_console.hpp"
#include "core/base/error.hpp"
#include "host/inventory/inventory.hpp"
#include "operations/report/learn_page.hpp"

namespace hostsplit::cli {
namespace {

using std::chrono::milliseconds;

/// Without an event: the port map may have been changed by somebody else, and udev may not run.
constexpr milliseconds look_again{5000};
/// A storm of events must not keep the screen from showing anything.
constexpr milliseconds longest_settling{1000};
/// Devices of a controller that was just bound are found one after the other.
constexpr milliseconds all_have_come{1000}, longest_coming{6000};

/// The loop between terminal, dialogue and session.
class Live {
 public:
  Live(const LearnMachine& machine, const LearningSession::Settings& settings, Lending& lending,
       std::optional<LearnClock::time_point> deadline)
      : machine_(machine),
        session_(machine.context, inventory(machine.context.root), settings),
        lending_(lending),
        deadline_(deadline) {}

  LearnEnd run(LearnScreen& screen) {
    look();
    for (;;) {
      show(screen);
      if (signal_came() || screen.lost()) return LearnEnd::interrupted;
      if (deadline_ && LearnClock::now() >= *deadline_) return LearnEnd::timed_out;
      pollfd items[2] = {{STDIN_FILENO, POLLIN, 0}, {machine_.events, POLLIN, 0}};
      const int ready = wait_or_signal(items, wait());
      // A plug first: its question throws away what was typed before it.
      if (ready == 0 || (ready > 0 && news(items[1]))) look();
      if (ended(screen)) return LearnEnd::done;
    }
  }
  int count() const { return count_; }

 private:
  static LearnDialogue::Time now() {
    return std::chrono::duration_cast<milliseconds>(LearnClock::now().time_since_epoch());
  }

  milliseconds wait() const {
    if (!deadline_) return look_again;
    const auto left = std::chrono::duration_cast<milliseconds>(*deadline_ - LearnClock::now());
    return std::clamp(left, milliseconds(0), look_again);
  }

  void show(LearnScreen& screen) {
    if (dialogue_.take_bell()) screen.ring();
    const bool asked = dialogue_.take_flush();
    screen.draw(learn_page(dialogue_, screen.width(), screen.height()));
    if (asked) screen.discard_typed();
    dialogue_.shown(now());
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
  }

  /// \return whether somebody asked for the end.
  bool ended(LearnScreen& screen) {
    for (const auto& key : screen.keys()) {
      const auto order = dialogue_.key(key, now());
      if (!order) continue;
      if (order->kind == LearnOrder::Kind::end) return true;
      carry_out(screen, *order);
      look();
    }
    return false;
  }

  void carry_out(LearnScreen& screen, const LearnOrder& order) {
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
        case Kind::lend: return lend(screen, order);
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
    ++count_;
    if (kept) dialogue_.say(LearnDialogue::Tone::hint, "The damaged file is kept as " + *kept);
    dialogue_.named(order, port, machine_.hint ? machine_.hint(port, order.device) : "", session_.map(), now());
  }

  void undo() {
    if (const auto undone = session_.undo())
      dialogue_.undone(*undone, session_.map(), now());
    else
      dialogue_.say(LearnDialogue::Tone::hint, "There is nothing to undo.");
  }

  void lend(LearnScreen& screen, const LearnOrder& order) {
    dialogue_.say(LearnDialogue::Tone::plain, "Lending ...");
    screen.draw(learn_page(dialogue_, screen.width(), screen.height()));
    const auto why = lending_.lend(state_, order.controllers);
    // Programs that were run for it may have written to the terminal.
    screen.draw_all_anew();
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
  int count_ = 0;
};

}  // namespace

LearnEnd learn_on_screen(const LearnMachine& machine, const LearningSession::Settings& settings, Lending& lending,
                         std::optional<LearnClock::time_point> deadline, int& count) {
  Live live(machine, settings, lending, deadline);
  const QuietConsole quiet(machine.context.root);
  LearnScreen screen;
  const LearnEnd end = live.run(screen);
  count = live.count();
  return end;
}

}  // namespace hostsplit::cli
