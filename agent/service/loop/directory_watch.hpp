#pragma once
#include <functional>
#include <string>

#include "service/loop/event_loop.hpp"

namespace hostsplit {

/// Calls back when files in a directory are written, renamed or removed. The directory may come and go.
class DirectoryWatch {
 public:
  DirectoryWatch(sd_event* loop, std::string directory, std::function<void()> changed)
      : loop_(loop),
        directory_(std::move(directory)),
        changed_(std::move(changed)) {}
  DirectoryWatch(const DirectoryWatch&) = delete;
  DirectoryWatch& operator=(const DirectoryWatch&) = delete;

  /// Starts watching if the directory exists and is not watched yet; call it on every look.
  void ensure();

 private:
  static int on_event(sd_event_source* source, const struct inotify_event* event, void* self);

  sd_event* loop_;
  std::string directory_;
  std::function<void()> changed_;
  EventSource source_ = own(nullptr);
  bool gone_ = false;  ///< the watched directory was removed or moved away
};

}  // namespace hostsplit
