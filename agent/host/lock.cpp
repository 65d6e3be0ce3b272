#include "host/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/error.hpp"
#include "core/names.hpp"

namespace hostsplit {

Lock::Lock(const Root& root) {
  const std::string path = names::lock_file;
  const std::string shown = root.display(path);
  const std::string directory = path.substr(0, path.rfind('/'));
  mkdirat(root.descriptor(), "run", 0755);
  mkdirat(root.descriptor(), directory.c_str(), 0755);
  fd_.reset(openat(root.descriptor(), path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (fd_.get() < 0)
    throw Error("take lock", shown, std::strerror(errno), errno == EACCES ? "Run as root: sudo hostsplit ..." : "");
  if (flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    const std::string holder = root.read(path).value_or("");
    throw Error("take lock", shown, "another hostsplit is acting" + (holder.empty() ? "" : " (process " + holder + ")"),
                "Wait until it is done and try again.");
  }
  const std::string pid = std::to_string(getpid());
  if (ftruncate(fd_.get(), 0) != 0 || pwrite(fd_.get(), pid.data(), pid.size(), 0) < 0) {
    // Only the message of the next process would miss the number.
  }
}

}  // namespace hostsplit
