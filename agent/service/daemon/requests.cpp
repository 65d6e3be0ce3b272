#include "service/daemon/requests.hpp"

#include <fmt/format.h>


#include "core/base/error.hpp"
#include "operations/port_changes.hpp"
#include "operations/report/report.hpp"
#include "service/work/worker.hpp"
#include "service/journal/log.hpp"

namespace hostsplit {

BusHandlers Requests::handlers() {
  return {
      .describe = [this] { return status_json(status(keeper_.view())); },
      .plan = [this] { return plan_json(plan(look_for_service(actor_.root))); },
      .status = [this] { return status(keeper_.view()); },
      .preview = [this](const WorkRequest& request,
                        bool colour) { return preview(actor_.root, request, Paint{colour}); },
      .start = [this](const WorkRequest& request, std::uint32_t uid) { return start(request, uid); },
      .cancel = [this](unsigned job) { worker_.cancel(job); },
      .rename =
          [this](const std::string& from, const std::string& to) {
            require_not_learning();
            rename_learned_port(actor_, from, to);
          },
      .forget =
          [this](const std::string& label) {
            require_not_learning();
            forget_learned_port(actor_, label);
          },
      .learn = [this](const std::vector<std::string>& labels) { learn(labels); },
      .stop_learning = [this] { learning_.reset(); },
      .reload = reload_,
      .configured = [this] { return keeper_.view().config.has_value(); },
      .applied = [this] { return keeper_.view().applied.has_value(); },
      .learning = [this] { return learning_ != nullptr; },
      .drift_repairs = [this] { return keeper_.repairs(); },
      .looks = [this] { return keeper_.looks(); },
      .disconnected = [this] { look_again_("the bus went away"); },
  };
}

unsigned Requests::start(const WorkRequest& request, std::uint32_t uid) {
  log(LogLevel::info, fmt::format("{}: asked for by user {} over the bus", request.verb, uid));
  // The number is known only after start(), which calls nobody back.
  const auto job = std::make_shared<unsigned>(0);
  const auto progress = [this, job](const WorkProgress& step) {
    if (bus_) bus_->job_progress(*job, step);
  };
  const auto end = [this, job, verb = request.verb](const WorkResult& result) {
    keeper_.lost_audit(result.lost_audit);
    if (!result.error.empty()) log(LogLevel::warning, fmt::format("{} over the bus: {}", verb, result.error));
    if (bus_) bus_->job_finished(*job, result);
    look_again_(verb + " over the bus has ended");
  };
  return *job = worker_.start(request, {progress, end});
}

void Requests::learn(const std::vector<std::string>& labels) {
  require_not_learning();
  learning_ = std::make_unique<LearnSession>(
      actor_, keeper_.view(), labels,
      [this](const std::string& kind, const std::string& label, const UsbDevice& device, const std::string& sentence) {
        if (bus_) bus_->learn_progress(kind, label, to_string(device.controller), device.path, sentence);
      });
}

void Requests::require_not_learning() const {
  if (learning_)
    throw Error("change", "the port map", "somebody is learning ports over the bus", "Stop it first: StopLearning.");
}

void Requests::looked() {
  if (!learning_) return;
  try {
    learning_->observe(keeper_.view().snapshot);
  } catch (const Error& error) {
    log(LogLevel::error, fmt::format("learning over the bus: {}", error.what()));
    learning_.reset();
    return;
  }
  if (learning_->finished()) learning_.reset();
}

}  // namespace hostsplit
