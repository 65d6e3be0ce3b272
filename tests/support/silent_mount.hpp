#pragma once
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace hostsplit::testing {

/// A file system in user space whose program never answers, as pmxcfs when it hangs: whoever looks at it waits in the
/// kernel. Needs root and /dev/fuse.
class SilentMount {
 public:
  /// \param place  a directory, or a file
  explicit SilentMount(std::string place) : place_(std::move(place)) {
    struct stat what {};
    if (stat(place_.c_str(), &what) != 0) return;
    fd_ = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fd_ < 0) return;
    const auto options = "fd=" + std::to_string(fd_) + ",rootmode=" + (S_ISDIR(what.st_mode) ? "40000" : "100000") +
                         ",user_id=0,group_id=0";
    mounted_ = mount("silent", place_.c_str(), "fuse", 0, options.c_str()) == 0;
  }
  ~SilentMount() { answer(); }
  SilentMount(const SilentMount&) = delete;
  SilentMount& operator=(const SilentMount&) = delete;

  bool mounted() const { return mounted_; }
  /// Whoever waits gets an error, and what was there before is there again.
  void answer() {
    if (mounted_) umount2(place_.c_str(), MNT_DETACH);
    if (fd_ >= 0) close(fd_);
    mounted_ = false;
    fd_ = -1;
  }

 private:
  std::string place_;
  int fd_ = -1;
  bool mounted_ = false;
};

}  // namespace hostsplit::testing
