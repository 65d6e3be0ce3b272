#pragma once
#include <systemd/sd-event.h>

#include <cstring>
#include <exception>
#include <memory>
#include <string>

#include "core/base/error.hpp"
#include "service/journal/log.hpp"

namespace hostsplit {

using EventLoop = std::unique_ptr<sd_event, decltype(&sd_event_unref)>;
/// A source of a loop; it leaves the loop with the object.
using EventSource = std::unique_ptr<sd_event_source, decltype(&sd_event_source_disable_unref)>;
inline EventSource own(sd_event_source* source) {
  return {source, &sd_event_source_disable_unref};
}

/// \throws Error if a call of systemd's library failed, i.e. `result` is a negative errno.
inline int require(int result, const char* doing, const std::string& object) {
  if (result < 0) throw Error(doing, object, std::strerror(-result));
  return result;
}

/// The funnel of all loop callbacks: an exception is logged and the loop goes on. \return what the callback returns.
template <class Body>
int guarded(const char* what, Body&& body) noexcept {
  try {
    body();
  } catch (const std::exception& error) {
    log(LogLevel::error, std::string(what) + ": " + error.what() + "; ignored, the next observation tries again");
  }
  return 0;
}

}  // namespace hostsplit
