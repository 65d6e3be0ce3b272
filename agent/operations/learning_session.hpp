#pragma once
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "operations/learning.hpp"

namespace hostsplit {

/// One person learns the sockets of this machine: what `hostsplit learn` does on its screen or in lines, and what the
/// service does for Learn() on the bus. Every change is saved and audited before the call returns, and can be undone.
class LearningSession {
 public:
  struct Settings {
    std::vector<std::string> names = {};      ///< to be given in the order of plugging; empty: somebody is asked
    std::chrono::milliseconds patience{500};  ///< for another hostsplit that acts
    bool fresh = false;                       ///< start with an empty port map; what is in the file is set aside
  };

  /// \param now  what is plugged from the beginning: no news. \throws Error(bad_input) for a damaged port map unless
  /// `fresh`, and for names that are malformed, given twice or taken.
  LearningSession(const Context& context, Snapshot now, const Settings& settings);

  /// What came and went since the last snapshot, which this one replaces.
  std::vector<LearningEvent> observe(Snapshot after) { return learning_.observe(std::move(after)); }
  /// The port map was changed elsewhere; not before the first save of a fresh one.
  void reload(const PortMap& map);

  /// Names the socket `device` sits in. \throws Error(bad_input) for a label that is malformed or taken, or a socket
  /// that has another one; Error where it cannot be saved.
  SavedPort name(const UsbDevice& device, const std::string& label);
  /// \throws Error as rename_learned_port() and forget_learned_port().
  void rename(const std::string& from, const std::string& to);
  void forget(const std::string& label);

  /// What was undone.
  struct Undone {
    std::string sentence;             ///< "front-1 has no name again"
    std::string label;                ///< the one that was given by what was undone; empty: none was
    std::optional<UsbDevice> device;  ///< by which the socket was named, where it is still plugged
  };
  /// Takes the last change of this session back that was not yet taken back. \return empty when there is none.
  /// \throws Error(bad_input) where somebody else has changed the same port since; it is then not asked for again.
  std::optional<Undone> undo();

  /// How often a socket was named, without what was undone.
  int learned() const;
  const PortMap& map() const { return learning_.map(); }
  const Snapshot& now() const { return learning_.now(); }
  bool fresh() const { return fresh_; }
  /// The names not given yet; the first is for the next socket.
  const std::deque<std::string>& names() const { return names_; }
  /// Takes the first of them. \pre there is one
  std::string take_name();

 private:
  struct Done {
    enum class Kind { named, renamed, forgotten } kind;
    std::string label;  ///< it has now, or had
    PortMapChange change;
    std::optional<UsbDevice> device = {};
  };
  template <class Change>
  PortMapChange changed(Change change);
  Undone sentence_of(const Done& done) const;
  void audit_undo(const Done& done) const;

  Context context_;
  std::chrono::milliseconds patience_;
  bool fresh_;
  std::deque<std::string> names_;
  Learning learning_;
  std::vector<Done> history_;
};

}  // namespace hostsplit
