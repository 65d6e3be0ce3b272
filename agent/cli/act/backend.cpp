#include "cli/act/backend.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <iostream>

#include "cli/act/password_agent.hpp"
#include "core/base/error.hpp"
#include "operations/advice.hpp"
#include "service/bus/client.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/work/interruption.hpp"

namespace hostsplit::cli {
namespace {

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

}  // namespace

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

Backend::Backend(const Root& root, const Request& request)
    : root_(root),
      service_(root.live() ? ServiceClient::connect() : nullptr) {
  if (!service_) require_root_user(verb_of(request), root);
}

Backend::~Backend() = default;

Preview Backend::preview(const Request& request, const Paint& paint) {
  if (service_ && geteuid() != 0) return service_->preview(request, paint.colour);
  state_ = observe_for(root_, request);
  return hostsplit::preview(*state_, request, paint);
}

std::vector<Finding> Backend::advice() const {
  const State state = state_ ? *state_ : observe(root_);
  return pve_advice(root_, state, plan_for(state, Apply{}));
}

void Backend::get_ready() {
  if (!service_) effects_.emplace(root_);
}

WorkResult Backend::run(const WorkRequest& request, const ReportProgress& report) {
  finish_steps();
  if (service_) {
    const PasswordAgent agent;
    return service_->run(request, report, interrupted);
  }
  JournalAudit audit;
  return do_work({root_, *effects_, audit, interrupted}, request, report, [&audit] { return audit.lost(); });
}

}  // namespace hostsplit::cli
