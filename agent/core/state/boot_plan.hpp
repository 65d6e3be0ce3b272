#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/size.hpp"
#include "core/machine/pci.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/cause.hpp"

namespace hostsplit {

/// A function that belongs to a VM and therefore to vfio-pci.
struct Claim {
  PciAddress address;  ///< where it was when applied; a hint
  Fingerprint function;
  int vm = 0;
  std::vector<Cause> causes;  ///< why, in the order they were found
  bool operator==(const Claim&) const = default;
};

/// Pages that belong to VMs on one node.
struct Reservation {
  int node = 0;
  Kib page_size = 0;
  std::uint64_t pages = 0;
  std::vector<int> vms;
  std::map<int, std::uint64_t> shares;  ///< pages of each of them; sums up to `pages`
  bool operator==(const Reservation&) const = default;
};

/// What was applied and is kept true: read by early boot, the reserve unit and the daemon. `apply` writes it,
/// `undo` removes it; without it hostsplit only observes. An edited configuration changes nothing before `apply`.
struct BootPlan {
  std::vector<Claim> claims;
  std::vector<Reservation> reservations;
  Kib keep_free = 0;                       ///< per node
  std::vector<std::string> may_lose = {};  ///< what was given up by explicit wish: the service may do what apply could
  bool operator==(const BootPlan&) const = default;
};

/// The claims whose functions are there, at the addresses where they are now.
std::vector<Claim> present_claims(const BootPlan& plan, const Snapshot& snapshot);

/// One line per item, words separated by single blanks, `key=value`, so that a POSIX shell can read it with `read -r`:
///   version 1
///   floor keep_free=8388608
///   lose /mnt/backup
///   bind 0000:03:00.3 root=\_SB_.PCI0 chain=08.1/00.3 ids=1022:148c subsystem=1043:87c0 class=0x0c0330 vm=101
///        why=port front-1; group 24 with 0000:44:00.1
///   pages node=0 size=1048576 count=56 vms=101:28,102:28
/// `why=` (parse_causes()) is last and runs to the end of the line, and so does what `lose` names. Sizes in KiB.
std::string to_text(const BootPlan& plan);
/// \throws Error(bad_input) naming file and line. \param file for messages only.
BootPlan parse_boot_plan(std::string_view text, const std::string& file);

}  // namespace hostsplit
