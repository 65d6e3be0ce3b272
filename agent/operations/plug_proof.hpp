#pragma once
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "core/checks/plug_watch.hpp"
#include "host/system/root.hpp"
#include "operations/guest_agent.hpp"

namespace hostsplit {

/// The VM that has a socket, from its name over the applied boot plan. \throws Error with a remedy where no VM can see
/// what is plugged there: a label that is not known, a socket of the host, a VM that does not run or was started
/// without the controller, a controller that is not on vfio-pci.
GivenSocket given_socket(const Root& root, const std::string& label);

/// Everything of the world a proof needs beside the machine.
struct PlugScene {
  using Time = std::chrono::steady_clock::time_point;
  Ask ask;                                                   ///< runs `qm`
  std::function<void(const GivenSocket&)> plug_now;          ///< asks the person to plug a stick
  std::function<void(std::chrono::seconds passed)> waiting;  ///< told in every round
  std::function<Time()> now;
  std::function<void(std::chrono::milliseconds)> pause;
  std::chrono::seconds timeout{60};  ///< from the question on
};

struct PlugProof {
  GivenSocket socket;
  std::vector<SeenDevice> sticks;  ///< what the VM has seen
  std::vector<Verdict> verdicts;   ///< of the VM, the host and the other running VMs
  bool wrong() const;
  /// The VM has seen a stick, and nobody else has as far as they could be asked; the host always can.
  bool proven() const;
};

/// Asks for a stick in the socket, and looks at host and VMs until it is clear who has seen it, or the time is up.
/// \throws Error with a remedy when the VM's guest agent is off or does not answer, before anything is asked.
PlugProof prove_plug(const Root& root, const GivenSocket& socket, const PlugScene& scene);

}  // namespace hostsplit
