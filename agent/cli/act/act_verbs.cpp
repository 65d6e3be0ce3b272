#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/act/acting.hpp"
#include "cli/act/password_agent.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "host/effects/effects.hpp"
#include "operations/advice.hpp"
#include "operations/boot.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/preview.hpp"
#include "operations/report/report.hpp"
#include "service/bus/client.hpp"
#include "service/daemon/daemon.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/work/worker.hpp"

namespace hostsplit::cli {
namespace {

/// \return whether the user wants it. \throws Error(bad_input) where nobody can be asked.
bool confirmed(const Options& options, const std::string& verb) {
  if (options.yes) return true;
  if (!isatty(STDIN_FILENO))
    throw Error("run", "hostsplit " + verb, "it asks before acting, and there is no terminal to ask on",
                "Add --yes to act without asking, or --dry-run to see every single write.", Error::Kind::bad_input);
  // On stderr, because stdout may be a JSON document.
  std::cerr << "Do it? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

/// What is waited for: on a terminal a line that counts seconds, elsewhere one when it begins and one when it ends.
void print_waiting(const WorkProgress& progress) {
  static const bool terminal = isatty(STDOUT_FILENO) != 0;
  static bool begun = false;
  if (terminal)
    std::cout << "\r" << progress.sentence << ", " << progress.detail << (progress.ended ? "\n" : "") << std::flush;
  else if (!begun)
    std::cout << progress.sentence << "\n" << std::flush;
  else if (progress.ended)
    std::cout << "waited " << progress.detail << "\n" << std::flush;
  begun = !progress.ended;
}

/// One line when a step begins, completed when it ends.
void print_progress(const WorkProgress& progress) {
  if (progress.number == 0) return print_waiting(progress);
  const auto begin = fmt::format("[{}/{}] {} ... ", progress.number, progress.total, progress.sentence);
  if (!progress.ended) {
    std::cout << begin << std::flush;
    return;
  }
  switch (*progress.ended) {
    case StepResult::Kind::done: std::cout << "done\n"; return;
    case StepResult::Kind::failed: std::cout << "FAILED\n      " << progress.detail << "\n"; return;
    case StepResult::Kind::skipped: std::cout << begin << "not done: " << progress.detail << "\n";
  }
}

volatile std::sig_atomic_t interrupt_seen = 0;

/// The first Ctrl-C leaves the steps that have not begun; the second ends the program at once.
bool stop_asked() {
  return interrupt_seen != 0;
}
void stop_after_this_step() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupt_seen = 1; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
}

/// Who acts: the service where it runs, or this process, which then has to be root.
class Backend {
 public:
  Backend(const Root& root, const Request& request)
      : root_(root),
        service_(root.live() ? ServiceClient::connect() : nullptr) {
    if (!service_) require_root_user(verb_of(request), root);
  }

  /// What the request comes to. Root reads by itself, everybody else is told by the service, which may read everything.
  Preview preview(const Request& request, const Paint& paint) {
    if (service_ && geteuid() != 0) return service_->preview(request, paint.colour);
    state_ = observe_for(root_, request);
    return hostsplit::preview(*state_, request, paint);
  }
  /// What is to be changed in Proxmox VE; read here and not by the service, which must not hang with pmxcfs.
  std::vector<Finding> advice() const { return pve_advice(root_, state_ ? *state_ : observe(root_)); }
  /// \throws Error(bad_input) where nothing can be done at all: on a recorded machine.
  void get_ready() {
    if (!service_) effects_.emplace(root_);
  }
  WorkResult run(const WorkRequest& request, const ReportProgress& report) {
    stop_after_this_step();
    if (service_) {
      const PasswordAgent agent;
      return service_->run(request, report, stop_asked);
    }
    JournalAudit audit;
    return do_work({root_, *effects_, audit, stop_asked}, request, report, [&audit] { return audit.lost(); });
  }

 private:
  const Root& root_;
  std::unique_ptr<ServiceClient> service_;
  std::optional<LiveEffects> effects_;
  std::optional<State> state_;  ///< the preview was made of
};

int print_result(const Options& options, const WorkResult& result) {
  if (!result.error.empty())
    throw Error(Error::Told{result.error}, result.bad_input ? Error::Kind::bad_input : Error::Kind::failed);
  if (result.lost_audit != 0)
    std::cerr << fmt::format("warning: {} audit records could not be written to the journal\n", result.lost_audit);
  if (options.json) std::cout << result.document;
  if (!result.ok && !options.json)
    std::cout << "Some steps failed or were skipped. See hostsplit log; hostsplit undo restores the host.\n";
  return result.ok ? Exit::fine : Exit::failed;
}

/// Shows a plan, asks, runs it, reports how it went: the way every acting verb goes.
int show_ask_run(const Options& options, const Request& request) {
  const Root root(options.root);
  Backend backend(root, request);
  const Preview shown = backend.preview(request, options.json ? Paint{} : Paint::for_stdout());
  if (!options.json) std::cout << shown.text;
  if (!options.json && !shown.refused && std::holds_alternative<Apply>(request))
    if (const auto advice = backend.advice(); !advice.empty())
      std::cout << "\n" << findings_text(advice, Paint::for_stdout());
  if (shown.refused) {
    if (options.json) std::cout << shown.json;
    return Exit::findings;
  }
  if (shown.steps == 0) {
    if (options.json) std::cout << nothing_done(shown);
    return Exit::fine;
  }
  backend.get_ready();
  if (!confirmed(options, verb_of(request))) {
    std::cerr << "Nothing was changed.\n";
    return Exit::failed;
  }
  return print_result(options, backend.run({request, shown.token}, options.json ? nullptr : print_progress));
}

/// Shows a plan with every single write it would make.
int show_rehearsal(const Options& options, const Request& request) {
  const Root root(options.root);
  const State state = observe_for(root, request);
  Plan planned = plan_for(state, request);
  if (std::holds_alternative<Apply>(request)) planned = with_advice(root, state, std::move(planned));
  const bool refused = has_errors(planned.findings);
  const auto writes = refused ? std::nullopt : std::optional(rehearse(root, planned));
  if (options.json) {
    std::cout << plan_json(planned, writes);
  } else {
    std::cout << plan_text(planned, Paint::for_stdout());
    if (writes) std::cout << "\nWithout --dry-run it would:\n";
    if (writes)
      for (const auto& line : *writes) std::cout << "  " << line << "\n";
  }
  return refused ? Exit::findings : Exit::fine;
}

int rehearse_or_run(const Options& options, const Request& request) {
  return options.dry_run ? show_rehearsal(options, request) : show_ask_run(options, request);
}

}  // namespace

int apply_verb(const Options& options) {
  return rehearse_or_run(options, Apply{});
}
int undo_verb(const Options& options) {
  return rehearse_or_run(options, Undo{});
}
int take_verb(const Options& options) {
  return rehearse_or_run(options, Transfer{Transfer::To::vm, options.words});
}
int release_verb(const Options& options) {
  return rehearse_or_run(options, Transfer{Transfer::To::host, options.words});
}

int boot_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("boot", root);
  LiveEffects effects(root);
  JournalAudit audit;
  const auto result = early_boot({root, effects, audit}, reported_by(print_progress));
  if (!result.suspended.empty())
    std::cerr << "hostsplit: suspended on this boot: " << result.suspended << ". hostsplit apply ends the suspension\n";
  return result.outcome.ok() ? Exit::fine : Exit::failed;
}

int daemon_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("daemon", root);
  return run_daemon(root, options.log_level);
}

int work_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("work", root);
  int type = 0;
  socklen_t size = sizeof type;
  if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET)
    throw Error("run", "hostsplit work", "its standard input is no connection to the service",
                "It is started by hostsplit-work.socket; to act by hand, use hostsplit apply.", Error::Kind::bad_input);
  return serve_work(root, STDIN_FILENO);
}

}  // namespace hostsplit::cli
