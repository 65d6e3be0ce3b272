#include "host/attribute_writer.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/error.hpp"
#include "host/effects.hpp"

namespace hostsplit {
namespace {

using std::chrono::milliseconds;

/// What the child answers to one request.
struct Answer {
  std::size_t index = 0;
  int code = 0;  ///< 0: all written
};

/// Requests are small: three attributes with their paths. Anything longer is refused by send().
constexpr std::size_t largest_request = 64 * 1024;

/// Path and value of each write, each ended by a NUL: sysfs paths and values hold none.
std::string encode(const std::vector<AttributeWrite>& writes) {
  std::string request;
  for (const auto& item : writes) {
    request.append(item.path).push_back('\0');
    request.append(item.value).push_back('\0');
  }
  return request;
}

Answer write_request(int root, const char* request, std::size_t size) {
  Answer answer;
  for (const char* at = request; at < request + size; ++answer.index) {
    const char* path = at;
    const char* value = path + std::strlen(path) + 1;
    const std::size_t length = std::strlen(value);
    at = value + length + 1;
    const int fd = openat(root, path, O_WRONLY | O_CLOEXEC);
    const bool written = fd >= 0 && ::write(fd, value, length) >= 0;
    answer.code = written ? 0 : errno;
    if (fd >= 0) close(fd);
    if (answer.code != 0) return answer;
  }
  return answer;
}

/// Keeps standard error for the C library's last words, the root and the channel; a copy of anything else would keep
/// the owner's sockets and locks alive after its end.
void close_all_but(int root, int channel) {
  std::array keep{STDERR_FILENO, root, channel};
  std::sort(keep.begin(), keep.end());
  unsigned first = 0;
  for (const int fd : keep) {
    if (static_cast<unsigned>(fd) > first) syscall(SYS_close_range, first, static_cast<unsigned>(fd) - 1, 0);
    first = static_cast<unsigned>(fd) + 1;
  }
  syscall(SYS_close_range, first, ~0U, 0);
}

[[noreturn]] void serve(int root, int channel) {
  close_all_but(root, channel);
  static char request[largest_request];
  for (;;) {
    const ssize_t size = recv(channel, request, sizeof request, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) _exit(0);
    const Answer answer = write_request(root, request, static_cast<std::size_t>(size));
    if (send(channel, &answer, sizeof answer, MSG_NOSIGNAL) < 0) _exit(0);
  }
}

bool wait_readable(int fd, milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - std::chrono::steady_clock::now());
    pollfd item{fd, POLLIN, 0};
    const int ready = poll(&item, 1, static_cast<int>(std::max(left, milliseconds(0)).count()));
    if (ready >= 0) return ready > 0;
    if (errno != EINTR) return false;
  }
}

}  // namespace

AttributeWriter::~AttributeWriter() {
  drop();
}

void AttributeWriter::start() {
  std::erase_if(abandoned_, [](int pid) { return waitpid(pid, nullptr, WNOHANG) != 0; });
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error("start", "a child to write attributes", std::strerror(errno));
  UniqueFd mine(ends[0]), its(ends[1]);
  const int pid = fork();
  if (pid < 0) throw Error("start", "a child to write attributes", std::strerror(errno));
  if (pid == 0) serve(root_, its.get());
  channel_ = std::move(mine);
  pid_ = pid;
}

void AttributeWriter::drop() {
  if (pid_ == 0) return;
  channel_.reset();  // the child sees the end of the channel and ends
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

AttributeWriter::Result AttributeWriter::write(const std::vector<AttributeWrite>& writes, milliseconds deadline) {
  using Kind = Result::Kind;
  const std::string request = encode(writes);
  if (pid_ == 0) start();
  if (send(channel_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) {
    drop();  // somebody killed the child while it was idle
    start();
    if (send(channel_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
      throw Error("send to", "the child that writes attributes", std::strerror(errno));
  }
  if (!wait_readable(channel_.get(), deadline)) {
    const Result result{Kind::stuck, writes.size() - 1, 0, pid_};
    abandoned_.push_back(pid_);
    channel_.reset();
    pid_ = 0;
    return result;
  }
  Answer answer;
  if (recv(channel_.get(), &answer, sizeof answer, 0) != sizeof answer) {
    drop();
    throw Error("write", writes.back().path, "the child that writes attributes was ended from outside");
  }
  if (answer.code == 0) return {};
  return {Kind::failed, std::min(answer.index, writes.size() - 1), answer.code, 0};
}

}  // namespace hostsplit
