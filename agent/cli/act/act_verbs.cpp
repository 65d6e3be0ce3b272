#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <iostream>

#include "cli/act/acting.hpp"
#include "cli/act/backend.hpp"
#include "cli/screen.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "host/effects/effects.hpp"
#include "operations/advice.hpp"
#include "operations/boot.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/preview.hpp"
#include "operations/report/report.hpp"
#include "service/daemon/daemon.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/work/worker.hpp"

namespace hostsplit::cli {
namespace {

/// Shows a plan, asks, runs it, reports how it went: the way every acting verb goes.
int show_ask_run(const Options& options, const Request& request) {
  const Root root(options.root);
  Backend backend(root, request);
  const Preview shown = backend.preview(request, options.json ? Paint{} : Paint::for_stdout());
  if (!options.json) show(shown.text);
  if (!options.json && !shown.refused && std::holds_alternative<Apply>(request))
    if (const auto advice = backend.advice(); !advice.empty()) show("\n" + findings_text(advice, Paint::for_stdout()));
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
    show(plan_text(planned, Paint::for_stdout()));
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
