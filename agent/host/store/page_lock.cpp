#include "host/store/page_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "core/base/error.hpp"
#include "core/base/names.hpp"

namespace hostsplit {
namespace {

constexpr std::chrono::milliseconds page_lock_pause{50};

/// Without O_CREAT first: in a directory everybody may write to, the kernel refuses to create over a file of somebody
/// else (Documentation/admin-guide/sysctl/fs.rst, protected_regular).
int open_lock(const Root& root) {
  const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
  const int there = openat(root.descriptor(), names::page_lock_file, flags);
  if (there >= 0 || errno != ENOENT) return there;
  // Early at boot /run may be bare; /var/lock is a link to /run/lock on Debian.
  for (const auto* directory : {"run", "run/lock", "var", "var/lock"}) mkdirat(root.descriptor(), directory, 0755);
  return openat(root.descriptor(), names::page_lock_file, flags | O_CREAT, 0644);
}

}  // namespace

PageLock::PageLock(const Root& root, std::chrono::milliseconds wait, const Waiting& waiting) : fd_(open_lock(root)) {
  const std::string shown = root.display(names::page_lock_file);
  if (fd_.get() < 0) throw Error("take lock", shown, std::strerror(errno));
  const auto began = std::chrono::steady_clock::now(), deadline = began + wait;
  std::chrono::seconds next{0};
  while (flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) throw Error("take lock", shown, std::strerror(errno));
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error("take lock", shown, "Proxmox VE is starting a VM with huge pages",
                  "Pages are not touched meanwhile; try again when the VM runs");
    const auto waited = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
    if (waiting && waited >= next) {
      if (!waiting(waited))
        throw Error("take lock", shown, "cancelled while Proxmox VE was starting a VM with huge pages");
      next = waited + std::chrono::seconds(1);
    }
    std::this_thread::sleep_for(page_lock_pause);
  }
}

bool PageLock::held(const Root& root) {
  const UniqueFd fd(openat(root.descriptor(), names::page_lock_file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  return fd.get() >= 0 && flock(fd.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace hostsplit
