#include "host/store/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/names.hpp"

namespace hostsplit {
namespace {

constexpr std::chrono::milliseconds pause{20};

bool taken(int fd, std::chrono::milliseconds patience) {
  for (auto left = patience;; left -= pause) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    if (left <= std::chrono::milliseconds(0)) return false;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

Lock::Lock(const Root& root, std::chrono::milliseconds patience) {
  const std::string path = names::lock_file;
  const std::string shown = root.display(path);
  const std::string directory = path.substr(0, path.rfind('/'));
  mkdirat(root.descriptor(), "run", 0755);
  mkdirat(root.descriptor(), directory.c_str(), 0755);
  fd_.reset(openat(root.descriptor(), path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd_.get() < 0)
    throw Error("take lock", shown, std::strerror(errno), errno == EACCES ? "Run as root: sudo hostsplit ..." : "");
  if (!taken(fd_.get(), patience)) {
    const std::string holder = root.read(path).value_or("");
    throw Error("take lock", shown, "another hostsplit is acting" + (holder.empty() ? "" : " (process " + holder + ")"),
                "Wait until it is done and try again.");
  }
  const std::string pid = std::to_string(getpid());
  if (ftruncate(fd_.get(), 0) != 0 || pwrite(fd_.get(), pid.data(), pid.size(), 0) < 0) {
    // Only the message of the next process would miss the number.
  }
}

bool Lock::held(const Root& root) {
  try {
    const Lock probe(root, std::chrono::milliseconds(0));
    return false;
  } catch (const Error&) {
    return true;
  }
}

}  // namespace hostsplit
