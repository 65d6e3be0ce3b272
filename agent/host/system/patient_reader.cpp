#include "host/system/patient_reader.hpp"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "host/system/forked.hpp"
#include "host/system/frame.hpp"

namespace hostsplit {
namespace {

/// As long as this nothing is asked again: each attempt costs the whole patience.
constexpr std::chrono::seconds rest{30};

}  // namespace

PatientReader::~PatientReader() {
  if (owner_ == getpid()) end();
}

/// It ends by itself when its channel closes; only one that hangs has to be left behind.
void PatientReader::end() {
  channel_.reset();
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void PatientReader::serve(int channel, int owner) const {
  try {
    end_with_parent(owner);
    close_inherited([&](int fd) { return fd == root_ || fd == channel; });
    while (const auto request = receive_frame(channel, std::chrono::milliseconds(-1)))
      if (!send_frame(channel, serve_(*request))) break;
  } catch (...) {
    _exit(EXIT_FAILURE);  // beyond this point there is only a copy of the owner's stack
  }
  _exit(EXIT_SUCCESS);
}

bool PatientReader::start() {
  if (pid_ > 0) return true;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return false;
  channel_.reset(ends[0]);
  const UniqueFd its(ends[1]);
  owner_ = getpid();
  const int pid = fork();
  if (pid == 0) serve(its.get(), owner_);
  if (pid < 0) channel_.reset();
  pid_ = pid > 0 ? pid : 0;
  return pid > 0;
}

bool PatientReader::still_silent(const std::string& subject) {
  const auto found = silent_.find(subject);
  if (found == silent_.end()) return false;
  auto& [pid, until] = found->second;
  if (pid > 0 && waitpid(pid, nullptr, WNOHANG) != 0) pid = 0;
  if (pid > 0 || std::chrono::steady_clock::now() < until) return true;
  silent_.erase(found);
  return false;
}

std::optional<std::string> PatientReader::ask(const std::string& subject, const std::string& request,
                                              std::chrono::milliseconds patience) {
  if (still_silent(subject)) return std::nullopt;
  if (start() && send_frame(channel_.get(), request))
    if (auto answer = receive_frame(channel_.get(), patience)) return answer;
  if (pid_ > 0) kill(pid_, SIGKILL);
  silent_[subject] = {pid_, std::chrono::steady_clock::now() + rest};
  channel_.reset();
  pid_ = 0;
  return std::nullopt;
}

}  // namespace hostsplit
