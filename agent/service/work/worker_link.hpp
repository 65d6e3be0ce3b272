#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "host/system/unique_fd.hpp"
#include "service/loop/event_loop.hpp"
#include "service/work/protocol.hpp"

namespace hostsplit {

/// The service's end of its connection to a worker. One piece of work at a time, others wait in line; never blocks. A
/// worker stays for the next request, because starting one costs more than most repairs. One that is silent for too
/// long is given up, and the next request gets a new one.
class WorkerLink {
 public:
  struct Watcher {
    std::function<void(const WorkProgress&)> progress;  ///< may be empty
    std::function<void(const WorkResult&)> end;         ///< exactly once, never from within start()
  };

  /// \param address  file system path of the listening socket
  WorkerLink(sd_event* loop, std::string address) : loop_(loop), address_(std::move(address)) {}
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  /// Puts it in line, a person's request in front of repairs; the repair that runs is asked to leave the steps that
  /// have not begun. \return a number for cancel(). \throws Error when too much waits already.
  unsigned start(WorkRequest request, Watcher watcher);
  /// Takes it out of the line, or asks the worker to leave the steps that have not begun. Unknown numbers are ignored:
  /// it may just have ended.
  void cancel(unsigned number);

 private:
  struct Item {
    unsigned number;
    WorkRequest request;
    Watcher watcher;
  };
  void connect();
  void disconnect();
  void next();
  void receive();
  void finish(const WorkResult& result);
  void ask_to_stop();
  void expect_sign_of_life();
  static int on_input(sd_event_source*, int, std::uint32_t events, void* self);
  static int on_next(sd_event_source*, void* self);
  static int on_silence(sd_event_source*, std::uint64_t, void* self);

  sd_event* loop_;
  std::string address_;
  UniqueFd connection_;
  EventSource input_ = own(nullptr), silence_ = own(nullptr), next_ = own(nullptr);
  std::deque<Item> line_;                    ///< the first one is with the worker when `working_`
  bool working_ = false, stopping_ = false;  ///< the worker has something to do; it was asked to stop
  unsigned last_number_ = 0;
};

}  // namespace hostsplit
