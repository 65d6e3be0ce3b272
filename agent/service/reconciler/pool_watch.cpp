#include "service/reconciler/pool_watch.hpp"

#include "host/guests/guests.hpp"
#include "host/store/page_lock.hpp"

namespace hostsplit {

bool PoolWatch::observe(const State& state) {
  if (!state.applied || state.applied->reservations.empty()) {
    // What becomes of pools that are nobody's is no event of those that are applied later.
    calm_.clear();
    wipes_.clear();
    return true;
  }
  if (PageLock::held(root_)) return false;
  wipes_ = recognise_wipes(calm_, state.snapshot);
  calm_ = state.snapshot.nodes;
  return true;
}

void PoolWatch::explain(const Step& step, AuditRecord& record) const {
  const Wipe* wipe = wipe_behind(wipes_, step);
  if (!wipe) return;
  record.event = "wipe";
  record.from = std::to_string(wipe->before);
  record.to = std::to_string(wipe->now);
  record.message = describe(*wipe, guests_on_huge_pages(root_));
  record.reason = wipe->like_pve ? "trimmed by Proxmox VE after the start of a VM" : "nr_hugepages was written";
}

}  // namespace hostsplit
