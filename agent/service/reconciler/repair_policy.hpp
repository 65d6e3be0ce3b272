#pragma once
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace hostsplit {

/// When the daemon may repair something again. Each subject (the id of a repair step) is on its own. The first repair
/// is immediate; a failed one is tried again after 1 s, 2 s, 4 s ... 60 s and given up after six in a row; a subject
/// that keeps drifting although each repair succeeds is slowed down in the same way. Knows no clock.
class RepairPolicy {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr int most_failures = 6;
  static constexpr int most_repairs_per_window = 5;
  static constexpr std::chrono::seconds window{60};
  static constexpr std::chrono::seconds longest_wait{60};

  enum class Answer { go, wait, given_up };
  Answer ask(const std::string& subject, Time now) const;

  void succeeded(const std::string& subject, Time now);
  /// \return true when this failure was the last one allowed: it is given up until reset().
  bool failed(const std::string& subject, Time now);

  /// What needs repair now. Subjects that need none any more start afresh, except that their recent repairs still
  /// count.
  void needed(const std::set<std::string>& subjects, Time now);
  /// Forgets everything, so that all is tried again at once.
  void reset() { subjects_.clear(); }

  /// When the first of the waiting subjects of the last needed() may be tried; empty when none waits.
  std::optional<Time> next() const;

 private:
  struct Subject {
    int failures = 0;   ///< in a row
    int slowdowns = 0;  ///< in a row, because of too many repairs in the window
    bool needed = false;
    std::optional<Time> not_before;
    std::deque<Time> recent;  ///< repairs tried within the window
  };
  static void count(Subject& subject, Time now);

  std::map<std::string, Subject> subjects_;
};

}  // namespace hostsplit
