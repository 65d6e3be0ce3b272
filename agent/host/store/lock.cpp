#include "host/store/lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <sstream>
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

/// What the lock file holds: "PID TIMES".
struct Record {
  std::string holder;
  std::uint64_t times = 0;
};

Record read_record(const Root& root) {
  std::istringstream words(root.read(names::lock_file).value_or(""));
  Record record;
  words >> record.holder >> record.times;
  return record;
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
    const std::string holder = read_record(root).holder;
    throw Error("take lock", shown, "another hostsplit is acting" + (holder.empty() ? "" : " (process " + holder + ")"),
                "Wait until it is done and try again.");
  }
  const std::string record = std::to_string(getpid()) + " " + std::to_string(read_record(root).times + 1);
  if (ftruncate(fd_.get(), 0) != 0 || pwrite(fd_.get(), record.data(), record.size(), 0) < 0) {
    // Only the message of the next process would miss the number, and a drift may be told that is none.
  }
}

bool Lock::held(const Root& root) {
  // Not by a Lock: that would count as taken.
  const UniqueFd fd(openat(root.descriptor(), names::lock_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return fd.get() < 0 ? errno != ENOENT : !taken(fd.get(), std::chrono::milliseconds(0));
}

std::uint64_t Lock::times_taken(const Root& root) {
  return read_record(root).times;
}

}  // namespace hostsplit
