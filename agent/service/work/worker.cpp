#include "service/work/worker.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/error.hpp"
#include "operations/report/report.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/work/interruption.hpp"
#include "service/work/shutdown_inhibitor.hpp"

namespace hostsplit {
namespace {

/// One end of the connection, with packets.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd), buffer_(new char[longest_packet]) {}

  /// The next packet; empty at the end of the connection, and without `wait` when there is none now.
  std::string receive(bool wait) {
    for (;;) {
      const ssize_t size = recv(fd_, buffer_.get(), longest_packet, wait ? 0 : MSG_DONTWAIT);
      if (size > 0) return {buffer_.get(), static_cast<std::size_t>(size)};
      if (size < 0 && errno == EINTR && !interrupted()) continue;
      return {};
    }
  }
  /// \return false when it was not taken, for instance because nobody listens any more.
  bool send(const std::string& packet) const { return ::send(fd_, packet.data(), packet.size(), MSG_NOSIGNAL) >= 0; }

  bool cancelled() {
    if (interrupted()) return true;
    const auto packet = receive(false);
    return !packet.empty() && std::holds_alternative<WorkCancel>(parse_to_worker(packet));
  }

 private:
  int fd_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace

Progress reported_by(const ReportProgress& report) {
  return [report](const StepProgress& at) {
    WorkProgress progress{at.number, at.total, at.step.id, describe(at.step.action).sentence, {}, {}};
    if (at.result) {
      progress.ended = at.result->kind;
      progress.detail = at.result->detail;
    }
    if (report) report(progress);
  };
}

Waiting waiting_reported_by(const ReportProgress& report) {
  return [report](std::chrono::seconds waited, bool over) {
    WorkProgress progress{0, 0, "wait", "Proxmox VE is starting a VM with huge pages, waiting for it", {}, {}};
    progress.detail = std::to_string(waited.count()) + " s";
    if (over) progress.ended = StepResult::Kind::done;
    if (report) report(progress);
  };
}

WorkResult do_work(const Context& context, const WorkRequest& request, const ReportProgress& report,
                   const std::function<unsigned()>& lost) {
  WorkResult result;
  try {
    auto progress = reported_by(report);
    if (context.root.live()) progress = inhibiting_shutdown(std::move(progress));
    Context patient = context;
    patient.waiting = waiting_reported_by(report);
    CarriedOut done = carry_out(patient, request.request, request.token, progress);
    result.document = outcome_json(done.outcome, done.plan);
    result.outcome = std::move(done.outcome);
    result.ok = result.outcome.ok();
  } catch (const Error& error) {
    result.error = error.what();
    result.bad_input = error.kind() == Error::Kind::bad_input;
  } catch (const std::exception& error) {
    result.error = error.what();
  }
  result.lost_audit = lost();
  return result;
}

int serve_work(const Root& root, int fd) {
  finish_steps();
  LiveEffects effects(root);
  JournalAudit audit;
  Connection connection(fd);
  bool cancelled = false;
  const Context context{root, effects, audit, [&] { return cancelled = cancelled || connection.cancelled(); }};
  unsigned told_lost = 0;
  const auto newly_lost = [&] {
    const auto now = audit.lost(), before = told_lost;
    told_lost = now;
    return now - before;
  };
  for (auto packet = connection.receive(true); !packet.empty() && !interrupted(); packet = connection.receive(true)) {
    const auto message = parse_to_worker(packet);
    const auto* request = std::get_if<WorkRequest>(&message);
    if (!request) continue;  // a cancel that came after the end
    cancelled = false;
    // Whether anybody still listens does not matter to the work.
    const auto report = [&](const WorkProgress& progress) { (void)connection.send(to_packet(progress)); };
    if (!connection.send(to_packet(do_work(context, *request, report, newly_lost)))) return 1;
  }
  return 0;
}

}  // namespace hostsplit
