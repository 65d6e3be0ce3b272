#include "host/effects/cluster_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "core/base/error.hpp"
#include "host/system/forked.hpp"
#include "host/system/unique_fd.hpp"
#include "host/system/write_whole.hpp"

namespace hostsplit {
namespace {

const std::string top = "etc/pve/";
const std::string locks = "etc/pve/priv/lock";

[[noreturn]] void refuse(const Root& root, const std::string& path, int error) {
  const bool read_only = error == EACCES || error == EROFS || error == EPERM;
  const bool gone = error == ENOENT || error == ENOTCONN || error == ENOTDIR;
  throw Error("write", root.display(path),
              read_only ? "the cluster takes no changes now: this node has no quorum, or you are not root"
              : gone    ? "the cluster file system is not there"
                        : std::strerror(error),
              read_only
                  ? "See pvecm status and try again when the cluster has quorum. Nothing was changed, here or there."
              : gone ? "See systemctl status pve-cluster. Nothing was changed."
                     : "Nothing was changed.");
}

/// "mapping/pci.cfg" -> "file-mapping_pci_cfg", as PVE::Cluster::cfs_lock_file names it.
std::string lock_of(const std::string& path) {
  std::string name = "file-" + path.substr(top.size());
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '.' || c == '/'; }, '_');
  return locks + "/" + name;
}

/// A directory is the lock: making one either succeeds in the whole cluster or fails.
class ClusterLock {
 public:
  ClusterLock(const Root& root, const std::string& path, std::chrono::milliseconds wait)
      : root_(root),
        directory_(lock_of(path)) {
    if (mkdirat(root.descriptor(), locks.c_str(), 0700) != 0 && errno != EEXIST) refuse(root, path, errno);
    const auto deadline = std::chrono::steady_clock::now() + wait;
    while (mkdirat(root.descriptor(), directory_.c_str(), 0700) != 0) {
      if (errno != EEXIST) refuse(root, path, errno);
      if (std::chrono::steady_clock::now() >= deadline)
        throw Error("write", root.display(path), "another node of the cluster is changing it",
                    "Try again. Nothing was changed.");
      // Asks pmxcfs to drop the lock if its holder is long gone.
      const timespec none[2] = {{0, 0}, {0, 0}};
      utimensat(root.descriptor(), directory_.c_str(), none, 0);
      std::this_thread::sleep_for(std::min(wait, std::chrono::milliseconds(1000)));
    }
  }
  ~ClusterLock() { unlinkat(root_.descriptor(), directory_.c_str(), AT_REMOVEDIR); }
  ClusterLock(const ClusterLock&) = delete;
  ClusterLock& operator=(const ClusterLock&) = delete;

 private:
  const Root& root_;
  std::string directory_;
};

void replace_now(const Root& root, const std::string& path, const std::string& before, const std::string& content,
                 std::chrono::milliseconds wait) {
  const ClusterLock lock(root, path, wait);
  if (root.read_file(path).value_or("") != before)
    throw Error("write", root.display(path), "it has changed since it was read", "Run the command again.");
  const auto directory = path.substr(0, path.rfind('/'));
  if (mkdirat(root.descriptor(), directory.c_str(), 0755) != 0 && errno != EEXIST) refuse(root, path, errno);
  const std::string beside = path + ".tmp." + std::to_string(getpid());
  const auto give_up = [&](int error) {
    unlinkat(root.descriptor(), beside.c_str(), 0);
    refuse(root, path, error);
  };
  UniqueFd fd(openat(root.descriptor(), beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (fd.get() < 0) refuse(root, path, errno);
  if (const int error = write_whole(fd.get(), content)) give_up(error);
  // Whether the cluster took it is told when the file is closed.
  if (close(fd.release()) != 0) give_up(errno);
  if (renameat(root.descriptor(), beside.c_str(), root.descriptor(), path.c_str()) != 0) give_up(errno);
}

}  // namespace

void replace_cluster_file(const Root& root, const std::string& path, const std::string& before,
                          const std::string& content, std::chrono::milliseconds wait,
                          std::chrono::milliseconds patience) {
  const auto failure = answer_within(wait + patience, root.descriptor(), [&]() -> std::string {
    try {
      replace_now(root, path, before, content, wait);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  });
  if (!failure)
    throw Error("write", root.display(path), "the cluster file system does not answer",
                "See systemctl status pve-cluster. It may still be written when that answers again.");
  if (!failure->empty()) throw Error(Error::Told{*failure});
}

}  // namespace hostsplit
