#include "service/work/side_process.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "core/base/error.hpp"
#include "host/system/forked.hpp"
#include "host/system/write_whole.hpp"

namespace hostsplit {
namespace {

constexpr std::size_t most_children = 8;
constexpr std::size_t longest_text = 4 << 20;
constexpr rlim_t most_memory = 512 << 20, most_seconds = 10;

Error no_text(const std::string& why) {
  return Error("compute", "the answer", why, "Try again later, or run it as root: sudo hostsplit ...");
}

/// The first byte says what follows: a text, or what was thrown.
std::string result_of(const std::function<std::string()>& compute) {
  try {
    return "+" + compute();
  } catch (const Error& error) {
    return (error.kind() == Error::Kind::bad_input ? "!" : "-") + std::string(error.what());
  } catch (const std::exception& error) {
    return std::string("-") + error.what();
  }
}

std::string text_of(const std::string& result) {
  if (result.empty()) throw no_text("the process that was to compute it died");
  if (result.front() == '+') return result.substr(1);
  throw Error(Error::Told{result.substr(1)}, result.front() == '!' ? Error::Kind::bad_input : Error::Kind::failed);
}

[[noreturn]] void compute_and_end(const std::function<std::string()>& compute, int owner, int root, int output) {
  try {
    end_with_parent(owner);
    close_inherited([&](int fd) { return fd == root || fd == output; });
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
#ifndef __SANITIZE_ADDRESS__  // which reserves terabytes
    const rlimit memory{most_memory, most_memory};
    setrlimit(RLIMIT_AS, &memory);
#endif
    const rlimit seconds{most_seconds, most_seconds};
    setrlimit(RLIMIT_CPU, &seconds);
    [[maybe_unused]] const int kinder = nice(10);
    auto result = result_of(compute);
    if (result.size() > longest_text) result = "-the answer is too long";
    _exit(write_whole(output, result) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
  } catch (...) {
    _exit(EXIT_FAILURE);  // beyond this point there is only a copy of the owner's stack
  }
}

}  // namespace

void SideProcesses::start(const std::function<std::string()>& compute, std::function<void(const Text& text)> end,
                          std::chrono::milliseconds patience) {
  if (children_.size() >= most_children) throw no_text("too much is being computed already");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw no_text(std::strerror(errno));
  UniqueFd output(ends[0]);
  const UniqueFd its(ends[1]);
  fcntl(output.get(), F_SETFL, O_NONBLOCK);
  const int owner = getpid();
  const pid_t pid = fork();
  if (pid < 0) throw no_text(std::strerror(errno));
  if (pid == 0) compute_and_end(compute, owner, root_, its.get());
  auto& child = children_.emplace_back();
  child.owner = this;
  child.end = std::move(end);
  child.pid = pid;
  child.output = std::move(output);
  watch(child, patience);
}

void SideProcesses::watch(Child& child, std::chrono::milliseconds patience) {
  sd_event_source* source = nullptr;
  require(sd_event_add_io(loop_, &source, child.output.get(), EPOLLIN, &on_input, &child), "wait for", "the answer");
  child.input = own(source);
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(patience).count();
  require(sd_event_add_time_relative(loop_, &source, CLOCK_MONOTONIC, static_cast<std::uint64_t>(usec), 0, &on_late,
                                     &child),
          "wait for", "the answer");
  child.late = own(source);
}

int SideProcesses::on_input(sd_event_source*, int, std::uint32_t, void* data) {
  return guarded("side process", [data] {
    auto* child = static_cast<Child*>(data);
    child->owner->receive(*child);
  });
}

/// Its end of the pipe is closed when it has ended, and not before: then it can be collected.
void SideProcesses::receive(Child& child) {
  char buffer[65536];
  const ssize_t size = read(child.output.get(), buffer, sizeof buffer);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size > 0) {
    if (child.end) child.text.append(buffer, static_cast<std::size_t>(size));
    return;
  }
  waitpid(child.pid, nullptr, 0);
  const auto end = std::move(child.end);
  const auto text = std::move(child.text);
  children_.remove_if([&](const Child& one) { return &one == &child; });
  if (end) end([&] { return text_of(text); });
}

void SideProcesses::give_up(Child& child, const std::string& why) {
  kill(child.pid, SIGKILL);
  const auto end = std::exchange(child.end, nullptr);
  if (end) end([&]() -> std::string { throw no_text(why); });
}

int SideProcesses::on_late(sd_event_source*, std::uint64_t, void* data) {
  return guarded("side process", [data] { give_up(*static_cast<Child*>(data), "it takes too long"); });
}

}  // namespace hostsplit
