#pragma once
#include <sys/types.h>

#include <chrono>
#include <functional>
#include <list>
#include <string>

#include "host/system/unique_fd.hpp"
#include "service/loop/event_loop.hpp"

namespace hostsplit {

/// Computes texts beside the loop, each in a child process with limits of time and memory: what somebody without rights
/// asks for must not keep the service from its work, however long it takes. A child that hangs in the kernel is left
/// behind, and counts until it has ended.
class SideProcesses {
 public:
  /// The text, or \throws Error with what the computation threw, or why there is none.
  using Text = std::function<std::string()>;

  /// \param root  the only descriptor the children have
  SideProcesses(sd_event* loop, int root) : loop_(loop), root_(root) {}
  SideProcesses(const SideProcesses&) = delete;
  SideProcesses& operator=(const SideProcesses&) = delete;

  /// \param compute  in the child; what it does to memory is lost   \param end  exactly once, later, from the loop
  /// \throws Error when too many run already, or none can be started.
  void start(const std::function<std::string()>& compute, std::function<void(const Text& text)> end,
             std::chrono::milliseconds patience = std::chrono::seconds(10));

 private:
  struct Child {
    SideProcesses* owner;
    std::function<void(const Text&)> end;  ///< empty: it has been told
    pid_t pid = 0;
    UniqueFd output;
    std::string text;
    EventSource input = own(nullptr), late = own(nullptr);
  };
  void watch(Child& child, std::chrono::milliseconds patience);
  void receive(Child& child);
  static void give_up(Child& child, const std::string& why);
  static int on_input(sd_event_source*, int, std::uint32_t events, void* child);
  static int on_late(sd_event_source*, std::uint64_t, void* child);

  sd_event* loop_;
  int root_;
  std::list<Child> children_;
};

}  // namespace hostsplit
