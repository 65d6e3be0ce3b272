#include "service/loop/directory_watch.hpp"

#include <sys/inotify.h>

#include <cstdint>

namespace hostsplit {
namespace {

constexpr std::uint32_t interesting =
    IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

void DirectoryWatch::ensure() {
  if (source_ && !gone_) return;
  source_.reset();
  gone_ = false;
  sd_event_source* source = nullptr;
  const int result = sd_event_add_inotify(loop_, &source, directory_.c_str(), interesting, &on_event, this);
  if (result == -ENOENT || result == -ENOTDIR) return;
  require(result, "watch", directory_);
  source_ = own(source);
  (void)sd_event_source_set_description(source, directory_.c_str());
  (void)sd_event_source_set_priority(source, SD_EVENT_PRIORITY_NORMAL + 10);
}

int DirectoryWatch::on_event(sd_event_source*, const inotify_event* event, void* self) {
  return guarded("directory watch", [&] {
    auto* watch = static_cast<DirectoryWatch*>(self);
    if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) watch->gone_ = true;
    watch->changed_();
  });
}

}  // namespace hostsplit
