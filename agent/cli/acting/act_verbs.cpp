#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "cli/acting/acting.hpp"
#include "cli/verbs.hpp"
#include "core/error.hpp"
#include "core/hugepages.hpp"
#include "host/effects.hpp"
#include "operations/operations.hpp"
#include "operations/report.hpp"
#include "service/daemon.hpp"
#include "service/journal_audit.hpp"
#include "text/paint.hpp"

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

/// One line when a step begins, completed when it ends.
Progress print_progress(std::size_t total, bool quiet) {
  if (quiet) return {};
  return [total, number = std::size_t{0}](const Step& step, const StepResult* result) mutable {
    if (!result) {
      std::cout << fmt::format("[{}/{}] {} ... ", ++number, total, describe(step.action)) << std::flush;
      return;
    }
    switch (result->kind) {
      case StepResult::Kind::done: std::cout << "done\n"; return;
      case StepResult::Kind::failed: std::cout << "FAILED\n      " << result->detail << "\n"; return;
      case StepResult::Kind::skipped:
        std::cout << fmt::format("[{}/{}] {} ... not done: {}\n", ++number, total, describe(step.action),
                                 result->detail);
    }
  };
}

using Run = Outcome (*)(const Actor&, const Plan&, const Progress&);

/// Shows a plan, asks, runs it, tells how it went: the way every acting verb goes.
int show_ask_run(const Options& options, const std::string& verb, const Root& root, const Plan& planned, Run run) {
  if (!options.dry_run) require_root_user(verb, root);
  if (!options.json) std::cout << plan_text(planned, Paint::for_stdout());
  if (has_errors(planned.findings)) {
    if (options.json) std::cout << plan_json(planned);
    return Exit::findings;
  }
  if (options.dry_run) {
    if (options.json) {
      std::cout << plan_json(planned, rehearse(root, planned));
      return Exit::fine;
    }
    std::cout << "\nWithout --dry-run it would:\n";
    for (const auto& line : rehearse(root, planned)) std::cout << "  " << line << "\n";
    return Exit::fine;
  }
  if (planned.steps.empty()) {
    if (options.json) std::cout << outcome_json({}, planned);
    return Exit::fine;
  }
  LiveEffects effects(root);
  JournalAudit audit;
  if (!confirmed(options, verb)) {
    std::cerr << "Nothing was changed.\n";
    return Exit::failed;
  }
  const Outcome outcome = run({root, effects, audit}, planned, print_progress(planned.steps.size(), options.json));
  if (options.json) std::cout << outcome_json(outcome, planned);
  if (!outcome.ok() && !options.json)
    std::cout << "Not everything was done. What was done is in hostsplit log; hostsplit undo takes it back.\n";
  return outcome.ok() ? Exit::fine : Exit::failed;
}

}  // namespace

int apply_verb(const Options& options) {
  const Root root(options.root);
  return show_ask_run(options, "apply", root, plan(look(root)), apply);
}

int undo_verb(const Options& options) {
  const Root root(options.root);
  return show_ask_run(options, "undo", root, undo_plan(look_at_applied(root)), undo);
}

int boot_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("boot", root);
  const View view = look_at_applied(root);
  // Bindings belong to the service, which waits for udev; pages are best taken before memory scatters.
  Plan planned;
  if (view.applied) planned.steps = boot_page_steps(view.snapshot, *view.applied);
  if (planned.steps.empty()) return Exit::fine;
  LiveEffects effects(root);
  JournalAudit audit;
  return repair({root, effects, audit}, planned, print_progress(planned.steps.size(), false)).ok() ? Exit::fine
                                                                                                    : Exit::failed;
}

int daemon_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("daemon", root);
  return run_daemon(root, {LogTarget::automatic, options.log_level});
}

}  // namespace hostsplit::cli
