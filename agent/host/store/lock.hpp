#pragma once
#include <chrono>
#include <cstdint>

#include "host/system/root.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {

/// Held while acting: two hostsplit processes never act at the same time. Released with the object, or by the kernel
/// when the process ends in any way.
class Lock {
 public:
  /// \param patience  how long to wait for another holder: a look that only asks who acts holds it for an instant.
  /// \throws Error naming the process that holds it, or why it cannot be taken.
  explicit Lock(const Root& root, std::chrono::milliseconds patience = std::chrono::milliseconds(500));

  /// True while another process holds it, and when that cannot be told.
  static bool held(const Root& root);
  /// How often it has been taken since the machine started. The same before and after an observation, and not held()
  /// then: nobody has acted meanwhile.
  static std::uint64_t times_taken(const Root& root);

 private:
  UniqueFd fd_;
};

}  // namespace hostsplit
