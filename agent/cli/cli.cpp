#include "cli/cli.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>

#include "cli/recorded_machine.hpp"
#include "cli/verb_table.hpp"
#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "core/base/suggestion.hpp"
#include "version.hpp"

namespace hostsplit {
namespace {

using namespace cli;

/// The parser as built from the table, and which verb each subcommand stands for.
struct CommandLine {
  CLI::App app{"hostsplit splits one Proxmox VE workstation between several VMs and keeps it split.", "hostsplit"};
  Options options;
  std::map<const CLI::App*, const Verb*> verbs;

  CommandLine() {
    app.set_version_flag("--version", std::string("hostsplit ") + version);
    app.add_option("--root", options.root.directory, "Look at a snapshot, or a recorded machine, instead of this one")
        ->type_name("FILE|DIR");
    app.footer(
        "Exit codes: 0 success, 1 failed, 2 wrong usage or bad configuration, 3 findings of severity error,\n"
        "4 (plan --check) there is something to do.   Manual: man hostsplit\n");
    app.require_subcommand(0, 1);
    app.fallthrough();
    for (const Verb& verb : verb_table()) {
      CLI::App& parent = verb.parent ? *app.get_subcommand(verb.parent) : app;
      CLI::App* sub = parent.add_subcommand(verb.name, verb.sentence);
      sub->fallthrough();
      if (verb.internal) sub->group("");
      verb.declare(*sub, options);
      verbs[sub] = &verb;
    }
  }

  /// The innermost verb that was given; nullptr when none was.
  const Verb* chosen(const CLI::App& below, const Verb* so_far = nullptr) {
    for (const CLI::App* sub : below.get_subcommands()) {
      if (verbs.at(sub)->run == log_verb) options.words = sub->remaining();
      so_far = chosen(*sub, verbs.at(sub));
    }
    return so_far;
  }
};

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::vector<std::string> verbs_below(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(sub->get_name());
  return names;
}

/// The verb or option that was probably meant by the first word that is neither, as it would stand there.
std::optional<std::string> meant_by(const CLI::App& app, int argc, char** argv) {
  const CLI::App* verb = &app;
  std::vector<std::string> options = options_of(app);
  std::string words = "hostsplit";
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const bool option = word.starts_with("--");
    const std::string name = word.substr(0, option ? word.find('=') : std::string::npos);
    const auto known = option ? options : verbs_below(*verb);
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      // The value of an option is neither; it resembles nothing.
      if (const auto meant = nearest(name, known)) return words + " " + *meant;
      continue;
    }
    if (option) continue;
    verb = verb->get_subcommand(word);
    words += " " + word;
    const auto more = options_of(*verb);
    options.insert(options.end(), more.begin(), more.end());
  }
  return std::nullopt;
}

/// The words of a command line, with those that people try first said as the table has them: "help plan", "version",
/// "ports list".
std::vector<std::string> as_in_the_table(int argc, char** argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  if (words.empty()) return words;
  if (words[0] == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  } else if (words[0] == "version") {
    words[0] = "--version";
  } else if (words.size() > 1 && words[0] == "ports" && words[1] == "list") {
    words.erase(words.begin() + 1);
  }
  return words;
}

/// CLI11 names the word it could not place; what was probably meant is more useful than the manual.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc, char** argv) {
  std::cerr << "hostsplit: " << printable(error.what()) << "\n";
  if (const auto meant = meant_by(app, argc, argv)) std::cerr << "Did you mean: " << *meant << "?\n";
  std::cerr << "See hostsplit --help.\n";
  return Exit::bad_usage;
}

/// For whoever reports what was not to be expected. Units and scripts have nobody to offer it to.
void offer_snapshot(const Verb* verb) {
  if (!verb || verb->internal || verb->run == snapshot_verb) return;
  std::cerr << "For a bug report, sudo hostsplit snapshot writes what hostsplit sees into one file, without names and "
               "addresses.\n";
}

}  // namespace

int run_command_line(int argc, char** argv, const std::function<int(const Verb&, const Options&)>& act) {
  const Verb* verb = nullptr;
  try {
    CommandLine line;
    try {
      auto words = as_in_the_table(argc, argv);
      std::reverse(words.begin(), words.end());  // as CLI11 takes them
      line.app.parse(std::move(words));
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return line.app.exit(error);
      return usage_error(line.app, error, argc, argv);
    }
    verb = line.chosen(line.app);
    if (!verb) return std::cout << line.app.help(), Exit::fine;
    const bool looks = verb->run && !(verb->acts && verb->acts(line.options));
    return looks ? on_machine(line.options, verb->run) : act(*verb, line.options);
  } catch (const Error& error) {
    std::cout << std::flush;
    std::cerr << "hostsplit: " << printable(error.what()) << "\n";
    if (error.kind() == Error::Kind::bad_input) return Exit::bad_usage;
  } catch (const std::exception& error) {
    std::cerr << "hostsplit: " << printable(error.what()) << "\n";
  }
  offer_snapshot(verb);
  return Exit::failed;
}

}  // namespace hostsplit
