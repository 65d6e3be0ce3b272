#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/usb/learn.hpp"
#include "operations/carry_out.hpp"

namespace hostsplit {

/// What one look at the machine brought while learning.
struct LearningEvent {
  enum class Kind {
    name_wanted,    ///< an unknown socket: call name()
    other_half,     ///< the not yet seen half of a learned port: call name() with its label to confirm, or another
    known,          ///< a learned socket was used again
    hub,            ///< a hub was plugged: its own sockets can be learned now
    several,        ///< more than one device came at once: nobody can tell which stick is meant
    contradiction,  ///< the map claims this place for another controller
    unplugged       ///< a device left
  };
  Kind kind = Kind::name_wanted;
  UsbDevice device;
  std::string label;  ///< of the port concerned, where there is one
};

/// Learning as a value: fed with snapshots, asked for what changed, told names. No I/O.
class Learning {
 public:
  Learning(PortMap map, Snapshot now) : map_(std::move(map)), now_(std::move(now)) {}

  /// Compares with the last snapshot, which this one replaces. What came together with its controller is no news.
  std::vector<LearningEvent> observe(Snapshot after);
  /// Names the socket `device` sits in. \throws Error(bad_input) as learn_port(). \return the port as it is now.
  const LearnedPort& name(const UsbDevice& device, const std::string& label);

  /// The map was changed elsewhere; what was observed stays.
  void replace_map(PortMap map) { map_ = std::move(map); }

  const PortMap& map() const { return map_; }
  const Snapshot& now() const { return now_; }

 private:
  LearningEvent classify(const UsbDevice& device) const;
  PortMap map_;
  Snapshot now_;
};

/// What one change made of the ports concerned, enough to take it back.
struct PortMapChange {
  std::vector<LearnedPort> before;  ///< as they were; empty: there were none
  std::vector<LearnedPort> after;   ///< as they are
};
/// What differs in labels, controllers, halves and pairing; where they were observed last plays no part.
PortMapChange change_between(const PortMap& before, const PortMap& after);
/// The map with that change taken back. \throws Error(bad_input) where a port concerned has been changed since, or its
/// name was given to another.
PortMap take_back(const PortMap& map, const PortMapChange& change);

/// A socket that was named and saved.
struct SavedPort {
  LearnedPort port;
  std::optional<std::string> kept;  ///< name under which a damaged ports.toml is kept
  PortMapChange change;
};
/// Names the socket `device` sits in and saves the map, under the lock and on top of what others have changed in it
/// meanwhile; audited. \param fresh  start with an empty map: what is in the file is set aside
/// \throws Error(bad_input) as Learning::name(); Error if another hostsplit acts for longer than `patience`.
SavedPort learn_and_save(const Context& context, Learning& learning, const UsbDevice& device, const std::string& label,
                         std::chrono::milliseconds patience, bool fresh = false);

/// \throws Error(bad_input) if a label is malformed, given twice, or already taken, naming the place of the first.
void check_new_labels(const PortMap& map, const std::vector<std::string>& labels);

/// The map with one port renamed. \throws Error(bad_input) for an unknown or taken label.
PortMap rename_port(const PortMap& map, const std::string& from, const std::string& to);
/// The map without one port. \throws Error(bad_input) for an unknown label.
PortMap forget_port(const PortMap& map, const std::string& label);

}  // namespace hostsplit
