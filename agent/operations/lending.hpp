#pragma once
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "host/store/lent.hpp"
#include "operations/request.hpp"

namespace hostsplit {

/// A controller on vfio-pci: the host sees none of its sockets.
struct HiddenController {
  PciAddress address;
  int vm = 0;           ///< it was given to; 0: to none, somebody else has bound it
  std::string why_not;  ///< why it cannot be lent now; empty: it can
  bool operator==(const HiddenController&) const = default;
};
/// By address. A controller that was lent is hidden no more.
std::vector<HiddenController> hidden_controllers(const State& state);

/// Lends controllers of VMs to the host while somebody learns their sockets, and gives them back. A program that is
/// killed meanwhile has given them back in the eyes of the service: see Lent.
class Lending {
 public:
  /// Carries a transfer out. \return empty, or why it was not done in full: a sentence.
  using Move = std::function<std::string(const Transfer&)>;
  Lending(const Root& root, Move move) : root_(root), move_(std::move(move)) {}

  /// Each with its IOMMU group. \return as Move. \throws Error where nobody can note that they are lent.
  std::string lend(const State& state, const std::set<PciAddress>& controllers);
  /// What was lent goes back to its VM. \return as Move; what could not go back is the service's to give back.
  std::string give_back();
  /// Controllers that were asked for and not given back.
  const std::set<PciAddress>& lent() const { return lent_; }

 private:
  std::string move(Transfer::To to);
  const Root& root_;
  Move move_;
  std::set<PciAddress> lent_;
  std::unique_ptr<Lent> note_;
};

}  // namespace hostsplit
