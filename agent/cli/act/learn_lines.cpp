#include <fmt/format.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "cli/act/learn_parts.hpp"
#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/inventory/inventory.hpp"

namespace hostsplit::cli {
namespace {

class Lines {
 public:
  Lines(const LearnMachine& machine, const LearningSession::Settings& settings,
        std::optional<LearnClock::time_point> deadline, bool enter_ends)
      : machine_(machine),
        session_(machine.context, inventory(machine.context.root), settings),
        asks_(settings.names.empty()),
        enter_ends_(enter_ends),
        deadline_(deadline) {}

  LearnEnd run() {
    greet();
    while (!finished()) {
      if (stopped()) return say("\nStopped. What was learned is kept."), LearnEnd::interrupted;
      if (!wait_for_events()) {
        if (stopped() || ended_) continue;
        return say(fmt::format("Time is up. {} learned in this run; they are kept.", count_)), LearnEnd::timed_out;
      }
      for (const auto& event : session_.observe(inventory(machine_.context.root))) handle(event);
    }
    if (!ended_) say(fmt::format("All names are used: {} learned in this run.", count_));
    return LearnEnd::done;
  }

 private:
  static void say(const std::string& line) { std::cout << line << std::endl; }
  bool finished() const { return ended_ || (!asks_ && session_.names().empty()); }
  bool stopped() const { return end_of_input_ || signal_came(); }

  void greet() {
    for (const auto& port : session_.map().ports) say("known    " + port.label + "  " + place(port));
    for (const auto& [address, controller] : session_.now().controllers) {
      const auto& function = *session_.now().function(address);
      if (function.driver == names::vfio_driver)
        say(
            fmt::format("hidden   {} is on vfio-pci, so the host cannot see its sockets; to learn them, give it back "
                        "with hostsplit undo, learn, and apply again",
                        to_string(address)));
    }
    if (enter_ends_) return say("Plug a USB stick into a socket, name it, and go on with the next. Enter ends.");
    say(asks_ ? "Plug a USB stick into a socket. Ctrl-C ends; what was learned is kept."
              : fmt::format("Plug a USB stick into the socket to be called {}.", session_.names().front()));
  }

  /// \return false when the deadline passed, a signal came, or a line ended it.
  bool wait_for_events() {
    pollfd items[2] = {{machine_.events, POLLIN, 0}, {enter_ends_ ? STDIN_FILENO : -1, POLLIN, 0}};
    for (;;) {
      std::chrono::milliseconds wait{-1};
      if (deadline_) {
        wait = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - LearnClock::now());
        if (wait.count() <= 0) return false;
      }
      if (wait_or_signal(items, wait) < 0) return false;
      if (items[1].revents != 0) {
        end_by_line();
        return false;
      }
      if (!machine_.drain()) continue;
      while (poll(items, 1, static_cast<int>(learn_settle.count())) > 0) machine_.drain();
      return true;
    }
  }

  void end_by_line() {
    std::string line;
    ended_ = static_cast<bool>(std::getline(std::cin, line));
    end_of_input_ = !ended_;
  }

  void handle(const LearningEvent& event) {
    using Kind = LearningEvent::Kind;
    const std::string where = fmt::format("{} half {} of {}", to_string(event.device.half), event.device.path,
                                          to_string(event.device.controller));
    switch (event.kind) {
      case Kind::name_wanted: return name(event, where);
      case Kind::other_half: return other_half(event, where);
      case Kind::known: return say("known    " + event.label + "  " + where);
      case Kind::hub: return say("hub      at " + where + ": its sockets can be learned, plug the stick into them");
      case Kind::several: return say("skipped  " + where + ": several devices came at once; plug one at a time");
      case Kind::contradiction:
        return say(fmt::format("refused  {}: {} was learned there on another controller; run hostsplit ports forget {}",
                               where, event.label, event.label));
      case Kind::unplugged: return;
    }
  }

  /// What was typed before a question was asked is no answer to it: it was meant for another socket.
  std::optional<std::string> ask(const std::string& question) {
    tcflush(STDIN_FILENO, TCIFLUSH);
    std::cout << question << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer)) {
      end_of_input_ = true;
      return std::nullopt;
    }
    return answer;
  }

  void name(const LearningEvent& event, const std::string& where) {
    if (!asks_) {
      if (session_.names().empty()) return say("skipped  " + where + ": no name left");
      learn(event.device, session_.take_name(), where);
      if (!session_.names().empty()) say(fmt::format("Now the socket to be called {}.", session_.names().front()));
      return;
    }
    while (!stopped()) {
      const auto label = ask("New socket at " + where + ". Name (empty to skip): ");
      if (!label || label->empty()) return;
      if (learn(event.device, *label, where)) return;
    }
  }

  /// Number-paired halves are a guess until both were seen; with a terminal the user decides.
  void other_half(const LearningEvent& event, const std::string& where) {
    std::string label = event.label;
    if (asks_) {
      const auto answer = ask(fmt::format("This should be the {} half of {}. Enter if so, or another name: ",
                                          to_string(event.device.half), event.label));
      if (!answer) return;
      if (!answer->empty()) label = *answer;
    }
    learn(event.device, label, where);
  }

  bool learn(const UsbDevice& device, const std::string& label, const std::string& where) {
    try {
      // Saved before it is announced: a person who saw the line may pull the power plug.
      const auto [port, kept, change] = session_.name(device, label);
      if (kept) say("The damaged file is kept as " + *kept);
      ++count_;
      say(fmt::format("learned  {}  {}{}", port.label, place(port), machine_.hint ? machine_.hint(port, device) : ""));
      return true;
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::bad_input) throw;
      say("refused  " + where + ": " + error.what());
      return false;
    }
  }

  const LearnMachine& machine_;
  LearningSession session_;
  bool asks_, enter_ends_;
  bool ended_ = false;         ///< by Enter
  bool end_of_input_ = false;  ///< nobody is there any more
  std::optional<LearnClock::time_point> deadline_;
  int count_ = 0;
};

}  // namespace

LearnEnd learn_by_lines(const LearnMachine& machine, const LearningSession::Settings& settings,
                        std::optional<LearnClock::time_point> deadline, bool enter_ends) {
  return Lines(machine, settings, deadline, enter_ends).run();
}

}  // namespace hostsplit::cli
