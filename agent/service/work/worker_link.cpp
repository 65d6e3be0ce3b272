#include "service/work/worker_link.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace hostsplit {
namespace {

constexpr std::size_t longest_line = 8;

bool is_repair(const WorkRequest& request) {
  return std::holds_alternative<Repair>(request.request);
}

/// How long a worker may say nothing. A step has deadlines of its own; these are for a worker that is stuck as a whole.
std::chrono::seconds patience(const WorkRequest& request) {
  return is_repair(request) ? std::chrono::minutes(2) : std::chrono::minutes(20);
}

WorkResult failure(const std::string& error) {
  WorkResult result;
  result.error = error;
  return result;
}

UniqueFd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Error("reach", "the worker", path + " is too long for a socket");
  std::copy(path.begin(), path.end(), address.sun_path);
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (fd.get() < 0 || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw Error("reach", "the worker at " + path, std::strerror(errno), "Run: systemctl start hostsplit-work.socket");
  return fd;
}

}  // namespace

unsigned WorkerLink::start(WorkRequest request, Watcher watcher) {
  if (line_.size() >= longest_line)
    throw Error("start", verb_of(request.request), "too much waits to be done already",
                "Wait until it is done and try again.");
  auto at = line_.end();
  if (!is_repair(request)) {
    // Behind the one that is worked on, and behind other people's.
    at = std::find_if(line_.begin() + (working_ ? 1 : 0), line_.end(),
                      [](const Item& item) { return is_repair(item.request); });
    if (working_ && is_repair(line_.front().request)) ask_to_stop();
  }
  line_.insert(at, {++last_number_, std::move(request), std::move(watcher)});
  next();
  return last_number_;
}

void WorkerLink::ask_to_stop() {
  if (std::exchange(stopping_, true)) return;
  const auto packet = to_packet(WorkCancel{});
  (void)send(connection_.get(), packet.data(), packet.size(), MSG_NOSIGNAL);
}

void WorkerLink::cancel(unsigned number) {
  const auto found = std::find_if(line_.begin(), line_.end(), [&](const Item& item) { return item.number == number; });
  if (found == line_.end()) return;
  if (working_ && found == line_.begin()) return ask_to_stop();
  const auto end = std::move(found->watcher.end);
  line_.erase(found);
  end(failure("cancelled before it began"));
}

/// Later, from the loop: whoever calls start() must not be called back from within.
void WorkerLink::next() {
  if (working_ || line_.empty()) return;
  sd_event_source* source = nullptr;
  require(sd_event_add_defer(loop_, &source, &on_next, this), "set up", "work");
  next_ = own(source);
}

int WorkerLink::on_next(sd_event_source*, void* data) {
  return guarded("work", [data] {
    auto* self = static_cast<WorkerLink*>(data);
    if (self->working_ || self->line_.empty()) return;
    self->working_ = true;
    try {
      const auto packet = to_packet(self->line_.front().request);
      if (self->connection_.get() < 0) self->connect();
      if (send(self->connection_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) {
        self->connect();  // it was ended while it was idle
        if (send(self->connection_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0)
          throw Error("hand work to", "the worker", std::strerror(errno));
      }
      self->expect_sign_of_life();
    } catch (const Error& error) {
      self->disconnect();
      self->finish(failure(error.what()));
    }
  });
}

void WorkerLink::connect() {
  disconnect();
  connection_ = connect_to(address_);
  sd_event_source* source = nullptr;
  require(sd_event_add_io(loop_, &source, connection_.get(), EPOLLIN, &on_input, this), "listen to", "the worker");
  input_ = own(source);
  (void)sd_event_source_set_description(source, "worker");
}

void WorkerLink::disconnect() {
  input_.reset();
  silence_.reset();
  connection_.reset();
}

void WorkerLink::expect_sign_of_life() {
  sd_event_source* source = nullptr;
  const auto usec = std::chrono::duration_cast<std::chrono::microseconds>(patience(line_.front().request)).count();
  require(sd_event_add_time_relative(loop_, &source, CLOCK_MONOTONIC, static_cast<std::uint64_t>(usec), 1'000'000,
                                     &on_silence, this),
          "set up", "the patience with the worker");
  silence_ = own(source);
}

int WorkerLink::on_silence(sd_event_source*, std::uint64_t, void* data) {
  return guarded("work", [data] {
    auto* self = static_cast<WorkerLink*>(data);
    self->disconnect();
    self->finish(failure("the worker does not respond; see systemctl status 'hostsplit-work@*'"));
  });
}

int WorkerLink::on_input(sd_event_source*, int, std::uint32_t, void* self) {
  return guarded("work", [self] { static_cast<WorkerLink*>(self)->receive(); });
}

void WorkerLink::receive() {
  const std::unique_ptr<char[]> buffer(new char[longest_packet]);
  const ssize_t size = recv(connection_.get(), buffer.get(), longest_packet, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (size <= 0) {
    disconnect();
    if (working_) finish(failure("the worker stopped while it was running; see journalctl -u 'hostsplit-work@*'"));
    return;
  }
  if (!working_) return;  // about work that was given up
  try {
    const auto message = parse_from_worker({buffer.get(), static_cast<std::size_t>(size)});
    if (const auto* result = std::get_if<WorkResult>(&message)) return finish(*result);
    expect_sign_of_life();
    if (const auto& progress = line_.front().watcher.progress) progress(std::get<WorkProgress>(message));
  } catch (const Error& error) {
    disconnect();
    finish(failure(error.what()));
  }
}

void WorkerLink::finish(const WorkResult& result) {
  silence_.reset();
  working_ = stopping_ = false;
  const auto end = std::move(line_.front().watcher.end);
  line_.pop_front();
  if (end) end(result);
  next();
}

}  // namespace hostsplit
