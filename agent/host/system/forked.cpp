#include "host/system/forked.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "core/base/error.hpp"
#include "host/system/frame.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {

void close_inherited(const std::function<bool(int fd)>& keep) {
  std::vector<int> open;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    open.push_back(std::atoi(entry.path().filename().c_str()));
  for (const int fd : open)
    if (fd > STDERR_FILENO && !keep(fd)) close(fd);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (!keep(fd)) null >= 0 ? dup2(null, fd) : close(fd);
}

void end_with_parent(int parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(EXIT_FAILURE);  // it ended before
}

std::optional<std::string> answer_within(std::chrono::milliseconds patience, int root,
                                         const std::function<std::string()>& compute) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error("start", "a process", std::strerror(errno));
  const UniqueFd mine(ends[0]);
  UniqueFd its(ends[1]);
  const int owner = getpid();
  const int pid = fork();
  if (pid < 0) throw Error("start", "a process", std::strerror(errno));
  if (pid == 0) {
    try {
      end_with_parent(owner);
      close_inherited([&](int fd) { return fd == root || fd == its.get(); });
      _exit(send_frame(its.get(), compute()) ? EXIT_SUCCESS : EXIT_FAILURE);
    } catch (...) {
      _exit(EXIT_FAILURE);  // beyond this point there is only a copy of the owner's stack
    }
  }
  its.reset();
  auto answer = receive_frame(mine.get(), patience);
  if (!answer) kill(pid, SIGKILL);
  waitpid(pid, nullptr, answer ? 0 : WNOHANG);
  return answer;
}

}  // namespace hostsplit
