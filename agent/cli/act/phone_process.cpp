#include "cli/act/phone_process.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "core/base/error.hpp"
#include "host/system/forked.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit::cli {
namespace {

/// User and group of nobody: the overflow ids of the kernel, which own no file.
constexpr uid_t nobody = 65534;

bool drop_rights() {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  // In a build tree it may be run by somebody who has none to drop.
  if (geteuid() != 0) return true;
  return setgroups(0, nullptr) == 0 && setresgid(nobody, nobody, nobody) == 0 && setresuid(nobody, nobody, nobody) == 0;
}

void limit(__rlimit_resource resource, rlim_t most) {
  const rlimit both{most, most};
  setrlimit(resource, &both);
}

/// Signals that ask for the end are for the parent, also where they come to all processes of a unit: its end is this
/// one's.
void leave_signals_to_parent() {
  setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, SIG_IGN);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// \return only when it cannot be run
void become(int program, pid_t parent, int channel, int listener) {
  leave_signals_to_parent();
  // Above those they are to become.
  const int channel_copy = fcntl(channel, F_DUPFD, 10), listener_copy = fcntl(listener, F_DUPFD, 10);
  const int program_copy = fcntl(program, F_DUPFD_CLOEXEC, 10);
  close_inherited([&](int fd) { return fd == channel_copy || fd == listener_copy || fd == program_copy; });
  if (dup2(channel_copy, 3) != 3 || dup2(listener_copy, 4) != 4) return;
  close(channel_copy);
  close(listener_copy);
  if (chdir("/") != 0) return;
  umask(0077);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 64);
#ifndef __SANITIZE_ADDRESS__  // which maps terabytes
  limit(RLIMIT_AS, rlim_t{256} << 20);
#endif
  if (!drop_rights()) return;
  // A change of user would have undone it.
  end_with_parent(parent);
  char name[] = "phone-page";
  char* const arguments[] = {name, nullptr};
  char* const environment[] = {nullptr};
  // By its descriptor: nobody may not be allowed to reach it by its path.
  fexecve(program_copy, arguments, environment);
}

}  // namespace

pid_t start_phone_process(const std::string& program, int channel, int listener) {
  const UniqueFd file(open(program.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0)
    throw Error("run", program, std::strerror(errno), "It is a part of hostsplit: install the package again.");
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw Error("start", "the phone page", std::strerror(errno));
  if (child == 0) {
    become(file.get(), parent, channel, listener);
    _exit(127);
  }
  return child;
}

}  // namespace hostsplit::cli
