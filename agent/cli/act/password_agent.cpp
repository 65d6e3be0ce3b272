#include "cli/act/password_agent.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "host/system/unique_fd.hpp"

namespace hostsplit::cli {
namespace {

constexpr int registration_limit_ms = 3000;

[[noreturn]] void run_agent(int notify, pid_t owner) {
  const auto process = std::to_string(owner), fd = std::to_string(notify);
  // A desktop's own agent goes first, hence the fallback.
  execlp("pkttyagent", "pkttyagent", "--process", process.c_str(), "--notify-fd", fd.c_str(), "--fallback", nullptr);
  _exit(127);
}

}  // namespace

PasswordAgent::PasswordAgent() {
  if (geteuid() == 0 || isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) return;
  int ends[2];
  if (pipe(ends) != 0) return;
  const UniqueFd ready(ends[0]);
  UniqueFd notify(ends[1]);
  const pid_t owner = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    close(ends[0]);
    run_agent(ends[1], owner);
  }
  notify.reset();
  // It closes the pipe once polkit knows it; asked before that, polkit would refuse at once.
  pollfd item{ready.get(), POLLIN, 0};
  (void)poll(&item, 1, registration_limit_ms);
}

PasswordAgent::~PasswordAgent() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

}  // namespace hostsplit::cli
