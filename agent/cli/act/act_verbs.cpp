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
#include "core/memory/pools.hpp"
#include "core/base/names.hpp"
#include "core/steps/steps.hpp"
#include "host/effects/effects.hpp"
#include "operations/advice.hpp"
#include "operations/operations.hpp"
#include "operations/report/report.hpp"
#include "operations/take_release.hpp"
#include "service/daemon/daemon.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/bus/client.hpp"
#include "service/work/worker.hpp"
#include "operations/report/colour.hpp"

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

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C leaves the steps that have not begun; the second ends the program at once.
bool stop_asked() {
  return interrupted != 0;
}
void stop_after_this_step() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
}

/// Who acts: the service where it runs, or this process, which then has to be root.
class Hands {
 public:
  Hands(const Root& root, const std::string& verb)
      : root_(root),
        service_(root.live() ? ServiceClient::connect() : nullptr) {
    if (!service_) require_root_user(verb, root);
  }

  Preview preview(const WorkRequest& request, const Paint& paint) {
    return service_ ? service_->preview(request, paint.colour) : hostsplit::preview(root_, request, paint);
  }
  /// \throws Error(bad_input) where nothing can be done at all: on a recorded machine.
  void get_ready() {
    if (!service_) effects_.emplace(root_);
  }
  WorkResult run(const WorkRequest& request, const std::function<void(const WorkProgress&)>& tell) {
    stop_after_this_step();
    if (service_) {
      const PasswordAgent agent;
      return service_->run(request, tell, stop_asked);
    }
    JournalAudit audit;
    return do_work({root_, *effects_, audit, stop_asked}, request, tell, [&audit] { return audit.lost(); });
  }

 private:
  const Root& root_;
  std::unique_ptr<ServiceClient> service_;
  std::optional<LiveEffects> effects_;
};

int tell_result(const Options& options, const WorkResult& result) {
  if (!result.error.empty())
    throw Error(Error::Told{result.error}, result.bad_input ? Error::Kind::bad_input : Error::Kind::failed);
  if (result.lost_audit != 0)
    std::cerr << fmt::format("warning: {} audit records were lost: the journal does not take them\n",
                             result.lost_audit);
  if (options.json) std::cout << result.document;
  if (!result.ok && !options.json)
    std::cout << "Not everything was done. What was done is in hostsplit log; hostsplit undo takes it back.\n";
  return result.ok ? Exit::fine : Exit::failed;
}

/// What to change in Proxmox VE; read here and not by the service, which must not hang with pmxcfs.
std::string advice_text(const Root& root) {
  const auto advice = pve_advice(root, look(root));
  return advice.empty() ? std::string() : "\n" + findings_text(advice, Paint::for_stdout());
}

/// Shows a plan, asks, runs it, tells how it went: the way every acting verb goes.
int show_ask_run(const Options& options, WorkRequest request) {
  const Root root(options.root);
  Hands hands(root, request.verb);
  const Preview shown = hands.preview(request, options.json ? Paint{} : Paint::for_stdout());
  if (!options.json) std::cout << shown.text;
  if (!options.json && !shown.refused && request.verb == "apply") std::cout << advice_text(root);
  if (shown.refused) {
    if (options.json) std::cout << shown.json;
    return Exit::findings;
  }
  if (shown.steps == 0) {
    if (options.json) std::cout << nothing_done(shown);
    return Exit::fine;
  }
  hands.get_ready();
  if (!confirmed(options, request.verb)) {
    std::cerr << "Nothing was changed.\n";
    return Exit::failed;
  }
  request.token = shown.token;
  return tell_result(options, hands.run(request, options.json ? nullptr : print_progress));
}

/// Shows a plan with every single write it would make.
int show_rehearsal(const Options& options, const Plan& planned) {
  const Root root(options.root);
  const bool refused = has_errors(planned.findings);
  if (options.json) {
    std::cout << (refused ? plan_json(planned) : plan_json(planned, rehearse(root, planned)));
  } else {
    std::cout << plan_text(planned, Paint::for_stdout());
    if (!refused) std::cout << "\nWithout --dry-run it would:\n";
    if (!refused)
      for (const auto& line : rehearse(root, planned)) std::cout << "  " << line << "\n";
  }
  return refused ? Exit::findings : Exit::fine;
}

}  // namespace

int apply_verb(const Options& options) {
  if (options.dry_run) {
    const Root root(options.root);
    const View view = look(root);
    return show_rehearsal(options, with_advice(root, view, plan(view)));
  }
  return show_ask_run(options, {"apply", {}, {}, {}});
}

int undo_verb(const Options& options) {
  if (options.dry_run) return show_rehearsal(options, undo_plan(look_at_applied(Root(options.root))));
  return show_ask_run(options, {"undo", {}, {}, {}});
}

namespace {

int flip_verb(const Options& options, const std::string& verb, Flip way) {
  if (options.dry_run) return show_rehearsal(options, flip_plan(look(Root(options.root)), way, options.words));
  return show_ask_run(options, {verb, options.words, {}, {}});
}

/// Two boots did not get healthy: the host gets everything, and is told so.
int sit_out_loudly(const Actor& actor, const HealthRecord& health) {
  AuditRecord record;
  record.event = "health";
  record.result = "failed";
  record.reason = why_sits_out(health);
  record.message = "hostsplit sits out this boot: " + record.reason + ". hostsplit apply makes it act again";
  actor.audit.write(record);
  std::cerr << "hostsplit: " << record.message << "\n";
  return sit_out(actor, look_at_applied(actor.root)).ok() ? Exit::fine : Exit::failed;
}

/// Where xhci is blacklisted it is loaded right after this unit: by then vfio-pci has to have what belongs to VMs.
std::vector<Step> binds_before_xhci(const View& view) {
  if (!view.climbed || view.climbed->rung != Rung::blacklist) return {};
  std::vector<Step> steps = repair_plan(view).steps;
  std::erase_if(steps, touches_pool);
  return steps;
}

}  // namespace

int take_verb(const Options& options) {
  return flip_verb(options, "take", Flip::take);
}
int release_verb(const Options& options) {
  return flip_verb(options, "release", Flip::release);
}

int boot_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("boot", root);
  LiveEffects effects(root);
  JournalAudit audit;
  const Actor actor{root, effects, audit};
  if (const auto health = begin_boot(actor); sits_out(health)) return sit_out_loudly(actor, health);
  const View view = look_at_applied(root);
  note_first_look(actor, view, names::first_look_early);
  // Bindings belong to the service, which waits for udev; pages are best taken before memory scatters.
  Plan planned;
  if (view.applied) planned.steps = boot_page_steps(view.snapshot, *view.applied);
  const auto binds = binds_before_xhci(view);
  planned.steps.insert(planned.steps.begin(), binds.begin(), binds.end());
  if (planned.steps.empty()) return Exit::fine;
  const auto progress = numbered(planned.steps.size(), print_progress);
  return repair(actor, planned, progress).ok() ? Exit::fine : Exit::failed;
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
