#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/usb/seen_devices.hpp"
#include "host/effects/program.hpp"

namespace hostsplit {

/// How a program is run to hear what it says: program_output(), or what a test has instead.
using Ask = std::function<ProgramOutput(const std::vector<std::string>& command, std::chrono::milliseconds deadline)>;

/// The guest agent inside of a running VM, through Proxmox VE's own `qm`. Every question has a deadline.
class GuestAgent {
 public:
  GuestAgent(int vm, Ask ask) : vm_(vm), ask_(std::move(ask)) {}

  int vm() const { return vm_; }
  /// True when it answers; then it is known which system it is in. Call it first.
  bool answers();
  /// What the guest has plugged in. Empty: it did not say; why_not() has the reason.
  std::optional<std::vector<SeenDevice>> usb_devices();
  /// Why the last question got no answer, in Proxmox VE's words where it has some.
  const std::string& why_not() const { return why_not_; }

 private:
  std::optional<std::string> qm(const std::vector<std::string>& words, std::chrono::milliseconds deadline);

  int vm_;
  Ask ask_;
  GuestSystem system_ = GuestSystem::sysfs;
  std::string why_not_;
};

}  // namespace hostsplit
