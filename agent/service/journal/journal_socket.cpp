#include "service/journal/journal_socket.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>

namespace hostsplit {
namespace {

constexpr int patience_ms = 1000;
/// All of an entry stays below the kernel's default limit for a datagram (net.core.wmem_default, 208 KiB).
constexpr std::size_t longest_value = 8 * 1024;

/// A value with a newline goes behind its length, eight bytes, little endian.
std::string entry(const std::vector<std::string>& fields) {
  std::string text;
  for (const auto& field : fields) {
    const auto equals = field.find('=');
    const auto value = field.substr(equals + 1, longest_value);
    text += field.substr(0, equals);
    if (value.find('\n') == std::string::npos) {
      text += '=' + value + '\n';
      continue;
    }
    text += '\n';
    for (int byte = 0; byte < 8; ++byte) text += static_cast<char>(std::uint64_t{value.size()} >> (8 * byte) & 0xff);
    text += value + '\n';
  }
  return text;
}

}  // namespace

/// journald may have been restarted, or not be there yet.
bool JournalSocket::connected() {
  if (socket_.get() >= 0) return true;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::copy(path_.begin(), path_.end(), address.sun_path);
  UniqueFd made(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (made.get() < 0 || connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return false;
  socket_ = std::move(made);
  return true;
}

bool JournalSocket::send(const std::vector<std::string>& fields) noexcept {
  try {
    const auto text = entry(fields);
    for (int attempts = 0; attempts < 3; ++attempts) {
      if (!connected()) return false;
      if (::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL) >= 0) {
        stalled_ = false;
        return true;
      }
      if (errno == ECONNREFUSED || errno == ENOTCONN || errno == EBADF || errno == ENOTSOCK) {
        if (errno == EBADF || errno == ENOTSOCK) (void)socket_.release();  // closed by somebody: not ours any more
        socket_.reset();
        continue;
      }
      if (errno != EAGAIN && errno != EINTR) return false;
      pollfd item{socket_.get(), POLLOUT, 0};
      if (errno == EAGAIN && (stalled_ || poll(&item, 1, patience_ms) <= 0)) {
        stalled_ = true;
        return false;
      }
    }
  } catch (const std::exception&) {
  }
  return false;
}

}  // namespace hostsplit
