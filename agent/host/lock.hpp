#pragma once
#include "host/root.hpp"
#include "host/unique_fd.hpp"

namespace hostsplit {

/// Held while acting: two hostsplit processes never act at the same time. Released with the object, or by the kernel
/// when the process ends in any way.
class Lock {
 public:
  /// \throws Error naming the process that holds it, or why it cannot be taken.
  explicit Lock(const Root& root);

 private:
  UniqueFd fd_;
};

}  // namespace hostsplit
