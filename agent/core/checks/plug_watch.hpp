#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/checks/verify.hpp"
#include "core/machine/pci.hpp"
#include "core/usb/seen_devices.hpp"

namespace hostsplit {

/// A socket whose controller was given to a VM that runs.
struct GivenSocket {
  std::string label;
  PciAddress controller;
  int vm = 0;
  std::string name;  ///< of the VM; may be empty
};

/// Who has seen a stick that was plugged into a socket: a value that is fed with what the host and the VMs list, again
/// and again. Knows no clock and asks nobody.
class PlugWatch {
 public:
  /// In the place of a VM's number.
  static constexpr int host = 0;
  using Devices = std::vector<SeenDevice>;

  explicit PlugWatch(GivenSocket socket) : socket_(std::move(socket)) {}

  /// What the host or a VM lists now; its first list is what it had before. Empty: it did not answer, for this reason.
  void see(int who, const std::optional<Devices>& devices, const std::string& why_not = {});
  /// Everybody was asked once more. \return true when nothing new is to be expected: the VM has seen the stick, and who
  /// else may have seen it was asked afterwards; or others have seen it, and the VM had time.
  bool round_ended();

  /// New since the first list, also what is gone again.
  const Devices& came(int who) const;
  const GivenSocket& socket() const { return socket_; }
  /// Of the VM, the host and the other VMs, in this order.
  std::vector<Verdict> verdicts() const;

 private:
  struct Seen {
    bool listed = false;
    bool late = false;  ///< its first list was not of before the plug: it cannot show what is new
    Devices before, came;
    std::string why_not;  ///< it did not answer when it was asked last
  };
  bool anybody() const;
  Verdict of_vm() const;
  Verdict of_other(int who, const Seen& seen) const;

  GivenSocket socket_;
  std::map<int, Seen> seen_;
  int rounds_ = 0, rounds_of_vm_ = 0;  ///< since anybody, since the VM has seen something; the first included
};

}  // namespace hostsplit
