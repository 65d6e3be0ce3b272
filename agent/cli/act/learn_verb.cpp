#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <iostream>
#include <optional>

#include "cli/act/acting.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/effects/effects.hpp"
#include "host/inventory/inventory.hpp"
#include "host/store/store.hpp"
#include "operations/learning.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/loop/udev_monitor.hpp"
#include "service/loop/usb_descriptors.hpp"

namespace hostsplit::cli {
namespace {

using Clock = std::chrono::steady_clock;
/// A plug comes as a handful of events within some milliseconds; a look in the middle would see half a device.
constexpr std::chrono::milliseconds settle{200};

/// For another hostsplit that acts; a repair of the service takes less, an apply that builds an initramfs more.
constexpr std::chrono::milliseconds patience{20000};

volatile sig_atomic_t interrupted = 0;

class Session {
 public:
  /// \param enter_ends  a line of its own on the terminal ends it
  Session(const Root& root, const Options& options, PortMap map, bool enter_ends = false)
      : root_(root),
        effects_(root),
        names_(options.labels.begin(), options.labels.end()),
        asks_(options.labels.empty()),
        learning_(std::move(map), inventory(root)),
        fresh_(options.fresh),
        enter_ends_(enter_ends) {
    if (options.timeout > 0)
      deadline_ = Clock::now() + std::chrono::milliseconds(static_cast<long>(options.timeout * 1000));
  }

  int run(UdevMonitor& monitor) {
    greet();
    while (!finished()) {
      if (interrupted) return say("\nStopped. What was learned is kept."), Exit::fine;
      if (!wait_for_events(monitor)) {
        if (interrupted) continue;
        return say(fmt::format("Time is up. {} learned in this run; they are kept.", count_)), Exit::failed;
      }
      for (const auto& event : learning_.observe(inventory(root_))) handle(event);
    }
    if (!ended_) say(fmt::format("All names are used: {} learned in this run.", count_));
    return Exit::fine;
  }
  /// Enter ended it, and no signal.
  bool ended() const { return ended_; }

 private:
  static void say(const std::string& line) { std::cout << line << std::endl; }
  bool finished() const { return ended_ || (!asks_ && names_.empty()); }

  void greet() {
    for (const auto& port : learning_.map().ports) say("known    " + port.label + "  " + place(port));
    for (const auto& [address, controller] : learning_.now().controllers) {
      const auto& function = *learning_.now().function(address);
      if (function.driver == names::vfio_driver)
        say(
            fmt::format("hidden   {} is on vfio-pci, so the host cannot see its sockets; to learn them, give it back "
                        "with hostsplit undo, learn, and apply again",
                        to_string(address)));
    }
    if (enter_ends_) return say("Plug a USB stick into a socket, name it, and go on with the next. Enter ends.");
    say(asks_ ? "Plug a USB stick into a socket. Ctrl-C ends; what was learned is kept."
              : fmt::format("Plug a USB stick into the socket to be called {}.", names_.front()));
  }

  /// \return false when the deadline passed or a signal came.
  bool wait_for_events(UdevMonitor& monitor) {
    pollfd items[2] = {{monitor.descriptor(), POLLIN, 0}, {enter_ends_ ? STDIN_FILENO : -1, POLLIN, 0}};
    for (;;) {
      int wait = -1;
      if (deadline_) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*deadline_ - Clock::now());
        if (left.count() <= 0) return false;
        wait = static_cast<int>(left.count());
      }
      if (poll(items, 2, wait) < 0 || interrupted) return false;
      if (items[1].revents != 0) return end_by_line();
      if (!monitor.drain().any()) continue;
      while (poll(items, 1, static_cast<int>(settle.count())) > 0) monitor.drain();
      return true;
    }
  }

  bool end_by_line() {
    std::string line;
    ended_ = static_cast<bool>(std::getline(std::cin, line));
    if (!ended_) interrupted = 1;
    return ended_;
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
      interrupted = 1;
      return std::nullopt;
    }
    return answer;
  }

  void name(const LearningEvent& event, const std::string& where) {
    if (!asks_) {
      if (names_.empty()) return say("skipped  " + where + ": no name left");
      const std::string label = names_.front();
      names_.pop_front();
      learn(event.device, label, where);
      if (!names_.empty()) say(fmt::format("Now the socket to be called {}.", names_.front()));
      return;
    }
    while (!interrupted) {
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
      const auto [port, kept] = learn_and_save({root_, effects_, audit_}, learning_, device, label, patience, fresh_);
      if (kept) say("The damaged file is kept as " + *kept);
      fresh_ = false;
      ++count_;
      say(fmt::format("learned  {}  {}{}", port.label, place(port), half_hint(port, device)));
      return true;
    } catch (const Error& error) {
      if (error.kind() != Error::Kind::bad_input) throw;
      say("refused  " + where + ": " + error.what());
      return false;
    }
  }

  static std::string half_hint(const LearnedPort& port, const UsbDevice& device) {
    if (port.usb3 && port.usb3->seen) return "";
    if (device.half == UsbHalf::usb2 && superspeed_capable(device.bus, device.number).value_or(false))
      return "; the stick can do SuperSpeed but came up at " + device.speed +
             " Mbit/s: this socket's USB3 half has not been seen";
    return "";
  }

  const Root& root_;
  LiveEffects effects_;
  JournalAudit audit_;
  std::deque<std::string> names_;
  bool asks_;
  Learning learning_;
  bool fresh_, enter_ends_;
  bool ended_ = false;
  std::optional<Clock::time_point> deadline_;
  int count_ = 0;
};

void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

bool learn_sockets(const Root& root) {
  stop_on_signals();
  UdevMonitor monitor;  // before the first look: nothing plugged in between is lost
  Session session(root, Options(), load_port_map(root), true);
  session.run(monitor);
  signal(SIGINT, SIG_DFL);
  signal(SIGTERM, SIG_DFL);
  return session.ended();
}

int learn_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("learn", root);
  const PortMap map = options.fresh ? PortMap{} : load_port_map(root);
  check_new_labels(map, options.labels);
  if (options.labels.empty() && !isatty(STDIN_FILENO))
    throw Error("run", "hostsplit learn", "it asks for names, and there is no terminal to ask on",
                "Give the names in the order of plugging: hostsplit learn --labels front-1,front-2",
                Error::Kind::bad_input);
  stop_on_signals();
  UdevMonitor monitor;  // before the first look: nothing plugged in between is lost
  return Session(root, options, map).run(monitor);
}

}  // namespace hostsplit::cli
