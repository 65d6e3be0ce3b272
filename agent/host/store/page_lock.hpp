#pragma once
#include <chrono>
#include <functional>

#include "host/system/root.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {

/// The lock Proxmox VE takes from before it counts huge pages for a VM until that VM runs and its trimming is over
/// (/var/lock/hugepages.lck, flock(2)). Whoever writes page counts holds it, so that no VM starts meanwhile.
class PageLock {
 public:
  /// Told how long it has been waited, at once and then every second; false gives up.
  using Waiting = std::function<bool(std::chrono::seconds waited)>;

  /// \param wait how long at most until the holder is done; 0: do not wait
  /// \throws Error when it is still held then, or cannot be taken.
  PageLock(const Root& root, std::chrono::milliseconds wait, const Waiting& waiting = {});

  /// True while another program holds it: a VM with huge pages is starting. False when that cannot be told.
  static bool held(const Root& root);

 private:
  UniqueFd fd_;
};

}  // namespace hostsplit
