#pragma once
#include <functional>
#include <memory>
#include <string>

#include "service/bus/bus.hpp"
#include "service/learn/session.hpp"
#include "service/reconciler/reconciler.hpp"
#include "service/work/side_process.hpp"
#include "service/work/worker_link.hpp"

namespace hostsplit {

/// Does what is asked for over the bus, with the reconciler's eyes and the worker's backend. Knows no bus until one is
/// there.
class BusService {
 public:
  /// \param aside  computes what anybody may ask for   \param look_again  asks for a look soon, with a word why \param
  /// reload  as for SIGHUP
  BusService(const Context& context, Reconciler& reconciler, WorkerLink& worker, SideProcesses& aside,
             std::function<void(const std::string&)> look_again, std::function<void()> reload)
      : context_(context),
        reconciler_(reconciler),
        worker_(worker),
        aside_(aside),
        look_again_(std::move(look_again)),
        reload_(std::move(reload)) {}

  BusHandlers handlers();
  /// Where progress is told; nullptr while there is none.
  void tell(Bus* bus) { bus_ = bus; }
  /// The reconciler has looked.
  void looked();

 private:
  unsigned start(const WorkRequest& request, std::uint32_t uid);
  void learn(const std::vector<std::string>& labels);
  void require_not_learning() const;

  Context context_;
  Reconciler& reconciler_;
  WorkerLink& worker_;
  SideProcesses& aside_;
  std::function<void(const std::string&)> look_again_;
  std::function<void()> reload_;
  Bus* bus_ = nullptr;
  std::unique_ptr<LearnSession> learning_;
};

}  // namespace hostsplit
