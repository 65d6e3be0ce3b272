#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// A pool that lost pages although no VM took them: somebody wrote a smaller number.
struct Wipe {
  int node = 0;
  Kib page_size = 0;
  std::uint64_t before = 0, now = 0;  ///< persistent pages
  std::uint64_t surplus = 0;          ///< pages in use that will not come back when their VM ends
  bool like_pve =
      false;  ///< what Proxmox VE reads from the kernel command line is left (pve_lint.hpp): by all nodes, or none
  bool operator==(const Wipe&) const = default;
};

/// Compares two looks. A VM that takes pages changes `free` alone; only a write makes persistent pages fewer.
std::vector<Wipe> recognise_wipes(const std::map<int, NumaNode>& before, const Snapshot& now);

/// The wipe that a repair step mends, or nullptr.
const Wipe* wipe_behind(const std::vector<Wipe>& wipes, const Step& step);

/// One sentence with the remedy. \param vms that run from huge pages now: one of them was the last to start
std::string describe(const Wipe& wipe, const std::vector<int>& vms);

}  // namespace hostsplit
