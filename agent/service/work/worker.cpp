#include "service/work/worker.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#include "core/base/error.hpp"
#include "core/planner/token.hpp"
#include "operations/report/report.hpp"
#include "operations/take_release.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/work/shutdown_inhibitor.hpp"

namespace hostsplit {
namespace {

volatile std::sig_atomic_t terminated = 0;

/// What a verb plans now, and how that is carried out.
struct Work {
  Plan plan;
  std::function<Outcome(const Actor&, const Plan&, const Progress&)> run;
};

Work flip_work(const Root& root, const WorkRequest& request, Flip way) {
  if (request.words.empty())
    throw Error("do", request.verb, "it does not say what", "Name ports or controllers.", Error::Kind::bad_input);
  return {flip_plan(look(root), way, request.words),
          [way, words = request.words](const Actor& actor, const Plan& shown, const Progress& progress) {
            return flip(actor, way, words, shown, progress);
          }};
}

Work work_of(const Root& root, const WorkRequest& request) {
  if (request.verb == "apply") return {plan(look(root)), apply};
  if (request.verb == "undo") return {undo_plan(look_at_applied(root)), undo};
  if (request.verb == "take") return flip_work(root, request, Flip::take);
  if (request.verb == "release") return flip_work(root, request, Flip::release);
  if (request.verb != "repair") throw Error("do", request.verb, "there is no such work", "", Error::Kind::bad_input);
  Plan due = repair_plan(look_at_applied(root));
  std::erase_if(due.steps, [&](const Step& step) {
    return std::find(request.steps.begin(), request.steps.end(), step.id) == request.steps.end();
  });
  return {std::move(due), repair};
}

void require_shown(const WorkRequest& request, const Plan& now) {
  if (request.token.empty() || request.token == plan_token(now)) return;
  throw Error(request.verb, "the plan", "the machine has changed since it was made",
              "Look at the new one: hostsplit plan");
}

/// One end of the connection, with packets.
class Connection {
 public:
  explicit Connection(int fd) : fd_(fd), buffer_(new char[longest_packet]) {}

  /// The next packet; empty at the end of the connection, and without `wait` when there is none now.
  std::string receive(bool wait) {
    for (;;) {
      const ssize_t size = recv(fd_, buffer_.get(), longest_packet, wait ? 0 : MSG_DONTWAIT);
      if (size > 0) return {buffer_.get(), static_cast<std::size_t>(size)};
      if (size < 0 && errno == EINTR && !terminated) continue;
      return {};
    }
  }
  /// \return false when it was not taken, for instance because nobody listens any more.
  bool send(const std::string& packet) const { return ::send(fd_, packet.data(), packet.size(), MSG_NOSIGNAL) >= 0; }

  bool cancelled() {
    if (terminated) return true;
    const auto packet = receive(false);
    return !packet.empty() && std::holds_alternative<WorkCancel>(parse_to_worker(packet));
  }

 private:
  int fd_;
  std::unique_ptr<char[]> buffer_;
};

void finish_on_sigterm() {
  struct sigaction action {};
  action.sa_handler = [](int) { terminated = 1; };
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace

Progress numbered(std::size_t total, const std::function<void(const WorkProgress&)>& tell) {
  return [total, tell, number = std::size_t{0}, begun = false](const Step& step, const StepResult* result) mutable {
    if (!begun) ++number;  // a skipped step ends without having begun
    begun = result == nullptr;
    WorkProgress progress{number, total, step.id, describe(step.action).sentence, {}, {}};
    if (result) {
      progress.ended = result->kind;
      progress.detail = result->detail;
    }
    tell(progress);
  };
}

Waiting told_by(const std::function<void(const WorkProgress&)>& tell, std::size_t total) {
  return [tell, total](std::chrono::seconds waited, bool over) {
    WorkProgress progress{0, total, "wait", "Proxmox VE is starting a VM with huge pages, waiting for it", {}, {}};
    progress.detail = std::to_string(waited.count()) + " s";
    if (over) progress.ended = StepResult::Kind::done;
    if (tell) tell(progress);
  };
}

Preview preview(const Root& root, const WorkRequest& request, const Paint& paint) {
  const Plan planned = work_of(root, request).plan;
  return {plan_text(planned, paint), plan_json(planned), plan_token(planned), planned.steps.size(),
          has_errors(planned.findings)};
}

WorkResult do_work(const Actor& actor, const WorkRequest& request, const std::function<void(const WorkProgress&)>& tell,
                   const std::function<unsigned()>& lost) {
  WorkResult result;
  try {
    const Work work = work_of(actor.root, request);
    require_shown(request, work.plan);
    auto progress = numbered(work.plan.steps.size(), tell);
    if (actor.root.live()) progress = inhibiting_shutdown(std::move(progress));
    Actor patient = actor;
    patient.waiting = told_by(tell, work.plan.steps.size());
    if (!work.plan.steps.empty() || has_errors(work.plan.findings))
      result.outcome = work.run(patient, work.plan, progress);
    result.ok = result.outcome.ok();
    result.document = outcome_json(result.outcome, work.plan);
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
  finish_on_sigterm();
  LiveEffects effects(root);
  JournalAudit audit;
  Connection connection(fd);
  bool cancelled = false;
  const Actor actor{root, effects, audit, [&] { return cancelled = cancelled || connection.cancelled(); }};
  unsigned told_lost = 0;
  const auto newly_lost = [&] {
    const auto now = audit.lost(), before = told_lost;
    told_lost = now;
    return now - before;
  };
  for (auto packet = connection.receive(true); !packet.empty() && !terminated; packet = connection.receive(true)) {
    const auto message = parse_to_worker(packet);
    const auto* request = std::get_if<WorkRequest>(&message);
    if (!request) continue;  // a cancel that came after the end
    cancelled = false;
    // Whether anybody still listens does not matter to the work.
    const auto tell = [&](const WorkProgress& progress) { (void)connection.send(to_packet(progress)); };
    if (!connection.send(to_packet(do_work(actor, *request, tell, newly_lost)))) return 1;
  }
  return 0;
}

}  // namespace hostsplit
