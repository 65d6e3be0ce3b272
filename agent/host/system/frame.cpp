#include "host/system/frame.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

namespace hostsplit {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// Waits until there is something to read. \return false when the time is over.
bool readable(int fd, bool for_ever, Clock::time_point end) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(end - Clock::now()).count();
    pollfd item{fd, POLLIN, 0};
    const int ready = poll(&item, 1, for_ever ? -1 : static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

bool receive_all(int fd, char* to, std::size_t size, bool for_ever, Clock::time_point end) {
  while (size > 0) {
    if (!readable(fd, for_ever, end)) return false;
    const ssize_t count = recv(fd, to, size, 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    to += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

bool send_frame(int fd, const std::string& text) {
  const std::uint64_t length = text.size();
  std::string frame(reinterpret_cast<const char*>(&length), sizeof length);
  frame += text;
  for (std::size_t sent = 0; sent < frame.size();) {
    const ssize_t count = send(fd, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

std::optional<std::string> receive_frame(int fd, milliseconds patience) {
  const bool for_ever = patience < milliseconds(0);
  const auto end = Clock::now() + patience;
  std::uint64_t length = 0;
  if (!receive_all(fd, reinterpret_cast<char*>(&length), sizeof length, for_ever, end)) return std::nullopt;
  std::string text(length, '\0');
  if (!receive_all(fd, text.data(), text.size(), for_ever, end)) return std::nullopt;
  return text;
}

}  // namespace hostsplit
