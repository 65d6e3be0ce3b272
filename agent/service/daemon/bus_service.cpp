#include "service/daemon/bus_service.hpp"

#include <fmt/format.h>

#include "core/base/error.hpp"
#include "operations/port_changes.hpp"
#include "operations/report/report.hpp"
#include "service/journal/log.hpp"
#include "service/work/worker.hpp"

namespace hostsplit {

BusHandlers BusService::handlers() {
  return {
      .describe = [this] { return status_json(status(reconciler_.state())); },
      .plan =
          [this](const BusHandlers::Send<std::string>& send) {
            aside_.start([root = &context_.root] { return plan_json(plan_for(observe_for_service(*root), Apply{})); },
                         send);
          },
      .status = [this] { return status(reconciler_.state()); },
      // The worker refuses what this does not see: it may wait for /etc/pve, and this may not.
      .preview =
          [this](const Request& request, bool colour, const BusHandlers::Send<Preview>& send) {
            aside_.start([root = &context_.root, request,
                          colour] { return to_packet(preview(observe_for_service(*root), request, Paint{colour})); },
                         [send](const SideProcesses::Text& text) { send([&] { return parse_preview(text()); }); });
          },
      .start = [this](const WorkRequest& request, std::uint32_t uid) { return start(request, uid); },
      .cancel = [this](unsigned job) { worker_.cancel(job); },
      .rename =
          [this](const std::string& from, const std::string& to) {
            require_not_learning();
            rename_learned_port(context_, from, to);
          },
      .forget =
          [this](const std::string& label) {
            require_not_learning();
            forget_learned_port(context_, label);
          },
      .learn = [this](const std::vector<std::string>& labels) { learn(labels); },
      .stop_learning = [this] { learning_.reset(); },
      .reload = reload_,
      .configured = [this] { return reconciler_.state().config.has_value(); },
      .applied = [this] { return reconciler_.state().applied.has_value(); },
      .learning = [this] { return learning_ != nullptr; },
      .drift_repairs = [this] { return reconciler_.repairs(); },
      .looks = [this] { return reconciler_.looks(); },
      .disconnected = [this] { look_again_("the bus went away"); },
  };
}

unsigned BusService::start(const WorkRequest& request, std::uint32_t uid) {
  log(LogLevel::info, fmt::format("{}: asked for by user {} over the bus", verb_of(request.request), uid));
  // The number is known only after start(), which calls nobody back.
  const auto job = std::make_shared<unsigned>(0);
  const auto progress = [this, job](const WorkProgress& step) {
    if (bus_) bus_->job_progress(*job, step);
  };
  const auto end = [this, job, verb = std::string(verb_of(request.request))](const WorkResult& result) {
    reconciler_.lost_audit(result.lost_audit);
    if (!result.error.empty()) log(LogLevel::warning, fmt::format("{} over the bus: {}", verb, result.error));
    if (bus_) bus_->job_finished(*job, result);
    look_again_(verb + " over the bus has ended");
  };
  return *job = worker_.start(request, {progress, end});
}

void BusService::learn(const std::vector<std::string>& labels) {
  require_not_learning();
  learning_ = std::make_unique<LearnSession>(
      context_, reconciler_.state(), labels,
      [this](const std::string& kind, const std::string& label, const UsbDevice& device, const std::string& sentence) {
        if (bus_) bus_->learn_progress(kind, label, to_string(device.controller), device.path, sentence);
      });
}

void BusService::require_not_learning() const {
  if (learning_)
    throw Error("change", "the port map", "somebody is learning ports over the bus", "Stop it first: StopLearning.");
}

void BusService::looked() {
  if (!learning_) return;
  try {
    learning_->observe(reconciler_.state().snapshot);
  } catch (const Error& error) {
    log(LogLevel::error, fmt::format("learning over the bus: {}", error.what()));
    learning_.reset();
    return;
  }
  if (learning_->finished()) learning_.reset();
}

}  // namespace hostsplit
