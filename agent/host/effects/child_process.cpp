#include "host/effects/child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "core/base/error.hpp"
#include "host/system/forked.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {
namespace {

using std::chrono::milliseconds;

/// How often the owner looks whether a write has begun.
constexpr milliseconds look_again{1000};

/// What the process says of a job; its text follows.
struct Message {
  std::size_t number = 0;
  bool last = false;  ///< no other is begun
};
constexpr std::size_t longest_text = 16 * 1024;

std::int64_t now() {
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Error cannot_start(int code) {
  return Error("start", "a process to write attributes", std::strerror(code));
}

bool is_datagram_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

bool send_report(int channel, const Message& message, const std::string& text) {
  std::string packet(reinterpret_cast<const char*>(&message), sizeof message);
  packet += text.substr(0, longest_text);
  return send(channel, packet.data(), packet.size(), MSG_NOSIGNAL) >= 0;
}

}  // namespace

void ChildProcess::require_owner() const {
  if (getppid() != owner_ || shared_->will == Will::end) _exit(EXIT_FAILURE);
}

void ChildProcess::announce(std::string_view attribute, milliseconds deadline) {
  auto& shared = *shared_;
  if (deadline == milliseconds(0)) return shared.due.store(0, std::memory_order_release);
  const auto length = std::min(attribute.size(), shared.attribute.size() - 1);
  std::copy_n(attribute.data(), length, shared.attribute.data());
  shared.attribute[length] = '\0';
  shared.deadline = deadline.count();
  shared.due.store(now() + deadline.count(), std::memory_order_release);
}

void ChildProcess::serve(int channel, std::size_t count, const Job& job) {
  inside_ = true;
  try {
    // Of a datagram socket nobody sees the end.
    close_inherited(
        [&](int fd) { return fd == root_ || fd == channel || (fd > STDERR_FILENO && is_datagram_socket(fd)); });
    Message message;
    for (; !message.last && shared_->will == Will::go_on; ++message.number) {
      require_owner();
      const Report report = job(message.number);
      message.last = !report.go_on || message.number + 1 == count;
      if (!send_report(channel, message, report.text)) _exit(EXIT_FAILURE);
    }
  } catch (...) {
    _exit(EXIT_FAILURE);  // beyond this point there is only a copy of the owner's stack
  }
  _exit(EXIT_SUCCESS);
}

ChildProcess::Result ChildProcess::attend(int channel, int pid, const Ended& ended) {
  std::array<char, sizeof(Message) + longest_text> packet;
  Message message;
  while (!message.last) {
    const auto due = shared_->due.load(std::memory_order_acquire);
    pollfd item{channel, POLLIN, 0};
    const auto patience = due == 0 ? look_again.count() : std::clamp<std::int64_t>(due - now(), 0, look_again.count());
    const int ready = poll(&item, 1, static_cast<int>(patience));
    if (ready < 0 && errno != EINTR)
      throw Error("wait for", "the process that writes attributes", std::strerror(errno));
    if (ready == 0 && due != 0 && due == shared_->due && now() >= due) {
      shared_->will = Will::end;
      return {Result::Kind::stuck, pid, shared_->attribute.data(), milliseconds(shared_->deadline)};
    }
    if (ready <= 0) continue;
    const ssize_t size = recv(channel, packet.data(), packet.size(), 0);
    if (size < static_cast<ssize_t>(sizeof message)) break;  // it has ended
    std::memcpy(&message, packet.data(), sizeof message);
    if (!ended(message.number, {packet.data() + sizeof message, static_cast<std::size_t>(size) - sizeof message}))
      shared_->will = Will::begin_no_other;
  }
  int status = 0;
  waitpid(pid, &status, 0);
  const bool well = message.last || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
  return {well ? Result::Kind::ended : Result::Kind::died, pid, {}, {}};
}

ChildProcess::Result ChildProcess::run(std::size_t count, const Job& job, const Ended& ended) {
  std::erase_if(abandoned_, [](int pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
  shared_ = {};  // a page of its own: one left behind may still write into its
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) throw cannot_start(errno);
  const UniqueFd mine(ends[0]);
  UniqueFd its(ends[1]);
  owner_ = getpid();
  const int pid = fork();
  if (pid < 0) throw cannot_start(errno);
  if (pid == 0) serve(its.get(), count, job);
  its.reset();
  abandoned_.push_back(pid);  // whatever happens until it has ended
  const Result result = attend(mine.get(), pid, ended);
  if (result.kind != Result::Kind::stuck) abandoned_.pop_back();
  return result;
}

}  // namespace hostsplit
