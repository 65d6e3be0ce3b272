#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <optional>

#include "cli/act/acting.hpp"
#include "cli/act/learn_parts.hpp"
#include "cli/act/learn_screen.hpp"
#include "cli/act/phone_page.hpp"
#include "cli/verbs.hpp"
#include "core/base/error.hpp"
#include "host/effects/effects.hpp"
#include "host/store/store.hpp"
#include "service/bus/client.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/loop/udev_monitor.hpp"
#include "service/work/worker.hpp"

namespace hostsplit::cli {
namespace {

/// Has controllers lent and given back: by the service where it runs, else by this process. Nothing keeps it from
/// ending, so that Ctrl-C leaves no controller between host and VM.
std::string move(const Context& context, const Transfer& transfer) {
  try {
    const WorkRequest request{transfer, {}};
    const auto service = ServiceClient::connect();
    const WorkResult result =
        service ? service->run(request, {}, {}) : do_work(context, request, {}, [] { return 0u; });
    if (!result.error.empty()) return result.error;
    return result.ok ? "" : "Some steps failed. See hostsplit log.";
  } catch (const Error& error) {
    return error.what();
  }
}

void give_back(Lending& lending) {
  if (lending.lent().empty()) return;
  const auto count = lending.lent().size();
  const auto why = lending.give_back();
  if (why.empty())
    std::cout << fmt::format("{} lent controller{} back with its VM.\n", count, count == 1 ? " is" : "s are each");
  else
    std::cout << "Not everything that was lent is back with its VM: " << why
              << "\nThe service gives it back as soon as that is possible.\n";
}

/// On the screen, on a phone, or both, and afterwards as if nothing had been there: what was lent is back.
/// \param phone  ends with learning; empty: the screen alone, of which there must be one then
LearnEnd live(const LearnMachine& machine, const LearningSession::Settings& settings,
              std::optional<LearnClock::time_point> deadline, std::optional<PhonePage>& phone) {
  Lending lending(machine.context.root, [&](const Transfer& transfer) { return move(machine.context, transfer); });
  int count = 0;
  LearnEnd end = LearnEnd::interrupted;
  try {
    end = LearnScreen::possible()
              ? learn_on_screen(machine, settings, lending, deadline, phone ? &*phone : nullptr, count)
              : learn_by_phone(machine, settings, lending, deadline, *phone, count);
    phone.reset();
  } catch (...) {
    phone.reset();
    give_back(lending);
    throw;
  }
  give_back(lending);
  std::cout << fmt::format("{} learned in this run. Everything that was learned is kept: hostsplit ports.\n", count);
  return end;
}

/// What learning works on, on the live machine.
struct Desk {
  LiveEffects effects;
  JournalAudit audit;
  UdevMonitor monitor;  // before the first look: nothing plugged in between is lost
  LearnMachine machine;
  explicit Desk(const Root& root)
      : effects(root),
        machine{{root, effects, audit}, monitor.descriptor(), [this] { return monitor.drain().any(); }, half_hint} {}
};

/// "" where no address was given with the option.
std::string web_place(const std::string& option) {
  return option == any_web_place ? "" : option;
}

int exit_of(LearnEnd end) {
  return end == LearnEnd::timed_out ? Exit::failed : Exit::fine;
}

}  // namespace

bool learn_sockets(const Root& root) {
  note_signals();
  Desk desk(root);
  const LearningSession::Settings settings{{}, learn_patience};
  std::optional<PhonePage> no_phone;
  const LearnEnd end = LearnScreen::possible() ? live(desk.machine, settings, {}, no_phone)
                                               : learn_by_lines(desk.machine, settings, {}, true);
  forget_signals();
  return end == LearnEnd::done;
}

int learn_verb(const Options& options) {
  const Root root(options.root);
  require_root_user("learn", root);
  const LearningSession::Settings settings{options.labels, learn_patience, options.fresh};
  const bool asks = options.labels.empty();
  const auto web = options.web.empty() ? std::nullopt : std::optional(parse_phone_place(web_place(options.web)));
  check_new_labels(options.fresh ? PortMap{} : load_port_map(root), options.labels);
  if (asks && !web && !isatty(STDIN_FILENO))
    throw Error("run", "hostsplit learn", "it asks for names, and there is no terminal to ask on",
                "Give the names in the order of plugging: hostsplit learn --labels front-1,front-2",
                Error::Kind::bad_input);
  std::optional<LearnClock::time_point> deadline;
  if (options.timeout > 0)
    deadline = LearnClock::now() + std::chrono::milliseconds(static_cast<long>(options.timeout * 1000));
  note_signals();
  Desk desk(root);
  std::optional<PhonePage> phone;
  if (web) phone.emplace(*web, PhonePage::program());
  if (web || (asks && LearnScreen::possible())) return exit_of(live(desk.machine, settings, deadline, phone));
  return exit_of(learn_by_lines(desk.machine, settings, deadline, false));
}

}  // namespace hostsplit::cli
