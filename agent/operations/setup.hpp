#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/planner/plan.hpp"
#include "core/proposal/proposal.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// A VM of Proxmox VE that could get a part.
struct GuestChoice {
  int vm = 0;
  std::string name;
  Kib memory = 0;
  bool running = false;
  bool proposed = false;
};

/// What setup would do, ready to be shown; nothing was touched.
struct SetupOffer {
  std::vector<GuestChoice> guests;
  PortMap ports;
  Proposal proposal;
  std::string file;           ///< where the configuration is, for messages
  std::string before, after;  ///< text of hostsplit.toml; `before` is empty where there is none
  Plan plan;                  ///< of Setup{after}; empty where the proposal is not possible
  bool set_up = false;        ///< a configuration with VMs was applied before
  bool refused() const { return !proposal.possible() || has_errors(plan.findings); }
};

/// Which VMs a list of wishes is about.
enum class Others {
  keep,  ///< VMs of the configuration that are not named keep what they have
  drop   ///< they lose it
};

/// Observes, proposes, and plans what the proposal comes to. \param wishes  empty: proposed_guests(), with what a
/// configuration that was not applied yet gives them
/// \throws Error(bad_input) for damaged files, or a hostsplit.toml that cannot be edited.
SetupOffer offer_setup(const Root& root, const std::vector<PartWanted>& wishes, Others others);

/// "101=front-1,front-2:56GiB", "102=" (no sockets), "103:8GiB", "104". \throws Error(bad_input).
PartWanted parse_guest_wish(std::string_view text);
/// Several. \throws Error(bad_input), for a VM that is given twice, too.
std::vector<PartWanted> parse_guest_wishes(const std::vector<std::string>& texts);

}  // namespace hostsplit
