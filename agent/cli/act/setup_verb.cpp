#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <sstream>

#include "cli/act/acting.hpp"
#include "cli/act/backend.hpp"
#include "cli/screen.hpp"
#include "core/base/error.hpp"
#include "core/base/number.hpp"
#include "core/planner/token.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/report.hpp"
#include "operations/report/setup_report.hpp"
#include "operations/setup.hpp"

namespace hostsplit::cli {
namespace {

/// Somebody ended the questions.
struct Cancelled {};

/// Words separated by blanks or commas.
std::vector<std::string> words_of(std::string line) {
  std::replace(line.begin(), line.end(), ',', ' ');
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// The questions before the last one. Each has a proposed answer, which Enter takes; nothing is touched.
class Questions {
 public:
  Questions(const Root& root, SetupOffer offer) : root_(root), offer_(std::move(offer)) {}

  SetupOffer run() {
    ask_guests();
    if (!offer_.proposal.possible()) return std::move(offer_);
    ask_sockets();
    ask_memory();
    return std::move(offer_);
  }

 private:
  static std::string ask(const std::string& question) {
    std::cout << question << std::flush;
    std::string answer;
    if (!std::getline(std::cin, answer)) throw Cancelled{};
    return answer;
  }

  void ask_guests() {
    if (offer_.guests.empty()) return;
    std::vector<int> proposed;
    for (const auto& guest : offer_.guests)
      if (guest.proposed) proposed.push_back(guest.vm);
    show(guests_text(offer_, Paint::for_stdout()));
    for (;;) {
      const auto words =
          words_of(ask(fmt::format("\nVMs that get a part of this host [{}]: ", fmt::join(proposed, " "))));
      if (words.empty()) return;
      std::vector<PartWanted> wishes;
      try {
        wishes = parse_guest_wishes(words);
      } catch (const Error& error) {
        std::cout << error.what() << "\n";
        continue;
      }
      if (take(wishes)) return;
    }
  }

  void ask_sockets() {
    show("\n" + sockets_text(offer_.proposal, Paint::for_stdout()));
    while (!answered(ask("\nSockets [as above; or 101=LABEL,LABEL 102=LABEL]: "),
                     [](PartWanted& wish, const PartWanted& said) {
                       if (said.ports) wish.ports = said.ports;
                     })) {
    }
  }

  void ask_memory() {
    while (!answered(ask(fmt::format("\nMemory [{}]: ", memory_default())),
                     [](PartWanted& wish, const PartWanted& said) { wish.memory = said.memory; })) {
    }
  }

  std::string memory_default() const {
    std::string text;
    for (const auto& vm : offer_.proposal.vms) {
      Kib sum = 0;
      for (const auto& [node, size] : vm.memory) sum += size;
      std::string size = format_size(sum);
      std::erase(size, ' ');
      text += fmt::format("{}{}:{}", text.empty() ? "" : " ", vm.vm, size);
    }
    return text;
  }

  /// Takes an answer of wishes over. \return false when it was none, or led to no split, which was said.
  template <class Use>
  bool answered(const std::string& answer, Use use) {
    std::istringstream in(answer);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    if (words.empty()) return true;
    std::vector<PartWanted> wishes = wishes_;
    if (wishes.empty())
      for (const auto& vm : offer_.proposal.vms) wishes.push_back({vm.vm, {}, {}, {}});
    try {
      for (const auto& said : parse_guest_wishes(words)) {
        const auto wish =
            std::find_if(wishes.begin(), wishes.end(), [&](const auto& each) { return each.vm == said.vm; });
        if (wish == wishes.end())
          throw Error("use", fmt::format("VM {}", said.vm), "it gets no part of this host",
                      "Name one of the VMs above.");
        use(*wish, said);
      }
    } catch (const Error& error) {
      std::cout << error.what() << "\n";
      return false;
    }
    return take(wishes);
  }

  bool take(const std::vector<PartWanted>& wishes) {
    SetupOffer offer = offer_setup(root_, wishes, Others::drop);
    if (!offer.proposal.possible()) {
      show("\n" + setup_text(offer, Paint::for_stdout()));
      return false;
    }
    offer_ = std::move(offer);
    wishes_ = wishes;
    return true;
  }

  const Root& root_;
  SetupOffer offer_;
  std::vector<PartWanted> wishes_;  ///< of what was answered so far; empty: nothing differed from what was proposed
};

/// On a host that is set up: what would be proposed now, and nothing else.
int compare(const Options& options, const SetupOffer& offer) {
  if (options.json) {
    std::cout << setup_json(offer, false);
    return Exit::fine;
  }
  std::cout << "This host is set up. Nothing was changed.\n";
  if (!offer.proposal.possible()) {
    show("\n" + setup_text(offer, Paint::for_stdout()));
    return Exit::fine;
  }
  const auto diff = config_diff_text(offer, Paint::for_stdout());
  if (diff.empty())
    std::cout << "What would be proposed now is what it has: " << offer.file << "\n";
  else
    std::cout << "Proposed now, " << offer.file << " would be:\n\n"
              << diff
              << "\nTo have it so: hostsplit setup --vm VMID for each VM; or edit the file, then hostsplit apply.\n";
  return Exit::fine;
}

bool go(const Options& options, bool asked) {
  if (!asked) return confirmed(options, "setup");
  std::cout << "\nDo it? [Y/n] " << std::flush;
  std::string answer;
  if (!std::getline(std::cin, answer)) throw Cancelled{};
  return answer.empty() || answer == "y" || answer == "Y" || answer == "yes";
}

std::string what_remains(const Plan& plan) {
  bool reboot = false, restart = false;
  for (const auto& step : plan.steps) {
    reboot = reboot || describe(step.action).at_next_boot;
    if (const auto* set = std::get_if<SetPve>(&step.action)) restart = restart || set->pending;
  }
  std::string text = "\nDone.";
  if (reboot)
    text += " Reboot to finish: systemctl reboot.";
  else if (restart)
    text += " Shut the running VMs down and start them again to finish.";
  return text + " Then hostsplit verify shows what each VM really has.\n";
}

int carry_out_setup(const Root& root, const Options& options, const SetupOffer& offer, bool asked) {
  if (!options.json) show((asked ? "\n" : "") + setup_text(offer, Paint::for_stdout()));
  if (offer.refused()) {
    if (options.json) std::cout << setup_json(offer, false);
    return Exit::findings;
  }
  if (offer.plan.steps.empty()) {
    if (options.json) std::cout << setup_json(offer, true);
    return Exit::fine;
  }
  const Setup request{offer.after};
  Backend backend(root, request);
  backend.get_ready();
  if (!go(options, asked)) throw Cancelled{};
  const WorkResult result =
      backend.run({request, plan_token(offer.plan)}, options.json ? ReportProgress() : print_progress);
  Options quiet = options;
  quiet.json = false;
  const int code = print_result(quiet, result);
  if (options.json) std::cout << setup_json(offer, result.ok);
  if (!options.json && code == Exit::fine) std::cout << what_remains(offer.plan);
  return code;
}

}  // namespace

int setup_verb(const Options& options) {
  const Root root(options.root);
  const auto wishes = parse_guest_wishes(options.vms);
  require_root_user("setup", root);
  const bool asks = isatty(STDIN_FILENO) && !options.yes && !options.json && wishes.empty();
  try {
    SetupOffer offer = offer_setup(root, wishes, Others::keep);
    if (wishes.empty() && offer.set_up) return compare(options, offer);
    if (asks && offer.ports.ports.empty() && !offer.guests.empty()) {
      std::cout << "No socket of this host has a name yet.\n";
      if (!learn_sockets(root)) throw Cancelled{};
      offer = offer_setup(root, wishes, Others::keep);
    }
    if (asks) offer = Questions(root, std::move(offer)).run();
    return carry_out_setup(root, options, offer, asks);
  } catch (const Cancelled&) {
    std::cerr << "\nNothing was changed.\n";
    return Exit::failed;
  }
}

}  // namespace hostsplit::cli
