#include "service/reconciler/port_watch.hpp"

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/store/lock.hpp"
#include "host/store/store.hpp"

namespace hostsplit {

PortWatch::News PortWatch::news(const PortMap& ports, const Snapshot& before, const Snapshot& after,
                                PortStorm::Time now) {
  News news{port_events(ports, before, after), {}};
  news.records = storm_.records(news.events, now);
  return news;
}

void PortWatch::save_observations(State& state) {
  unsaved_.reset();
  try {
    const auto fresh = refresh_observations(state.ports, state.snapshot);
    if (fresh == state.ports || Lock::held(context_.root)) return;
    const Lock lock(context_.root);
    // `learn` may have saved since we looked; the change of the file brings the next look.
    if (load_port_map(context_.root) != state.ports) return;
    save_port_map(context_.root, context_.effects, fresh);
    state.ports = fresh;
  } catch (const Error& error) {
    unsaved_ = Finding{"ports-not-saved", Severity::warning, context_.root.display(names::port_map_file), error.what(),
                       error.remedy()};
  }
}

}  // namespace hostsplit
