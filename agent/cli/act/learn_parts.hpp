#pragma once
#include <poll.h>

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "core/state/port_map.hpp"
#include "operations/learning_session.hpp"
#include "operations/lending.hpp"

namespace hostsplit::cli {

/// What learning by lines and on the screen have in common.

using LearnClock = std::chrono::steady_clock;

/// From now on SIGINT, SIGTERM and SIGHUP only note that they came, and interrupt what waits.
void note_signals();
/// As a process has them at its start.
void forget_signals();
/// Whether one came.
bool signal_came();
/// poll(2) that a signal ends, also one that came just before. \return as poll(); -1 for a signal
int wait_or_signal(std::span<pollfd> items, std::chrono::milliseconds longest);

/// How learning ended.
enum class LearnEnd { done, interrupted, timed_out };

/// For another hostsplit that acts; a repair of the service takes less, an apply that builds an initramfs more.
inline constexpr std::chrono::milliseconds learn_patience{20000};
/// A plug comes as a handful of events within some milliseconds; a look in the middle would see half a device.
inline constexpr std::chrono::milliseconds learn_settle{200};

/// What to say about the halves of a socket that was just learned, to follow its place; may be empty. Asks the device.
std::string half_hint(const LearnedPort& port, const UsbDevice& device);

class PhonePage;

/// Whether the characters of this terminal are UTF-8, as far as the environment says.
bool terminal_is_utf8();
/// TERM=dumb, or none: text only.
bool terminal_is_dumb();

/// What the screen works on.
struct LearnMachine {
  Context context;
  int events = -1;                                                             ///< readable when something happened
  std::function<bool()> drain;                                                 ///< whether anything did; never waits
  std::function<std::string(const LearnedPort&, const UsbDevice&)> hint = {};  ///< see half_hint()
};
/// Learns by lines: what is said and asked stands one below the other, and every event is a line. For programs, for
/// --labels, and for terminals that show no screen. \param enter_ends  a line of its own on the terminal ends it
LearnEnd learn_by_lines(const LearnMachine& machine, const LearningSession::Settings& settings,
                        std::optional<LearnClock::time_point> deadline, bool enter_ends);
/// Runs the screen until it is ended. Terminal and console are as before then. \param phone  a second place for
/// answers; nullptr: none \param count  sockets that were learned
LearnEnd learn_on_screen(const LearnMachine& machine, const LearningSession::Settings& settings, Lending& lending,
                         std::optional<LearnClock::time_point> deadline, PhonePage* phone, int& count);
/// The same without a screen: only the phone answers, and what happens is a line here.
LearnEnd learn_by_phone(const LearnMachine& machine, const LearningSession::Settings& settings, Lending& lending,
                        std::optional<LearnClock::time_point> deadline, PhonePage& phone, int& count);

}  // namespace hostsplit::cli
