#pragma once
#include <map>
#include <vector>

#include "core/memory/pool_shrink.hpp"
#include "host/act/audit.hpp"
#include "operations/state.hpp"

namespace hostsplit {

/// Who made pools of huge pages smaller. While a VM with huge pages starts, Proxmox VE raises them and trims them
/// again: what is seen then is not the end, and no drift.
class PoolWatch {
 public:
  explicit PoolWatch(const Root& root) : root_(root) {}

  /// To be called after each observation with something applied.
  /// \return false while a VM starts: pools are to be left alone, and looked at again soon
  bool observe(const State& state);
  /// Where the repair of a pool mends what somebody wrote, the record of a drift becomes one of a wipe that says who.
  void explain(const Step& step, AuditRecord& record) const;

 private:
  const Root& root_;
  std::map<int, NumaNode> calm_;  ///< when no VM was starting the last time
  std::vector<Wipe> wipes_;       ///< pools that lost pages since then
};

}  // namespace hostsplit
