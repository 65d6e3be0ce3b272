#pragma once
#include <functional>
#include <string>
#include <vector>

#include "operations/learning_session.hpp"

namespace hostsplit {

/// Learning asked for over the bus: names the sockets that are used, in order, from the looks the service takes anyway.
/// Each name is saved before it is told.
class LearnSession {
 public:
  /// What became of one device that was plugged. \param kind as in docs/bus.md, LearnProgress
  using Tell = std::function<void(const std::string& kind, const std::string& label, const UsbDevice& device,
                                  const std::string& sentence)>;

  /// \throws Error(bad_input) without names, or for names that are malformed or taken.
  LearnSession(const Context& context, const State& state, const std::vector<std::string>& labels, Tell tell);

  /// Compares with the last look. \throws Error when a name cannot be saved; what was saved stays.
  void observe(const Snapshot& snapshot);
  /// All names are used.
  bool finished() const { return session_.names().empty(); }

 private:
  void handle(const LearningEvent& event);
  void name(const UsbDevice& device, const std::string& label);

  LearningSession session_;
  Tell tell_;
};

}  // namespace hostsplit
