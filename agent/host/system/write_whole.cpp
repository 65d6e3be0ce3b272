#include "host/system/write_whole.hpp"

#include <unistd.h>

#include <cerrno>

namespace hostsplit {

int write_whole(int fd, std::string_view content) {
  while (!content.empty()) {
    const ssize_t count = write(fd, content.data(), content.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    content.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace hostsplit
