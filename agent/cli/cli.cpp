#include "cli/cli.hpp"

#include <algorithm>
#include <iostream>
#include <optional>
#include <sstream>

#include "cli/command_line.hpp"
#include "cli/complete.hpp"
#include "cli/recorded_machine.hpp"
#include "cli/screen.hpp"
#include "core/base/error.hpp"
#include "core/base/printable.hpp"
#include "core/base/suggestion.hpp"
#include "operations/report/error_report.hpp"

namespace hostsplit {
namespace {

using namespace cli;

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

/// Asked of the words themselves: a command line that cannot be parsed may have it, too.
bool wants_json(int argc, char** argv) {
  return std::any_of(argv + std::min(argc, 1), argv + argc,
                     [](const char* word) { return std::string(word) == "--json"; });
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
  const auto meant = meant_by(app, argc, argv);
  std::cerr << "hostsplit: " << printable(error.what()) << "\n";
  if (meant) std::cerr << "Did you mean: " << *meant << "?\n";
  std::cerr << "See hostsplit --help.\n";
  if (wants_json(argc, argv))
    std::cout << error_json(Error("use", "the command line", error.what(),
                                  meant ? "Did you mean: " + *meant + "?" : "See hostsplit --help."),
                            "usage");
  return with_output_written(Exit::bad_usage);
}

/// On standard error for people, with --json also as the one document that a program waits for.
int error_exit(const Error& error, bool json) {
  if (json) std::cout << error_json(error);
  std::cout << std::flush;
  std::cerr << "hostsplit: " << printable(error.what()) << "\n";
  return with_output_written(error.kind() == Error::Kind::bad_input ? Exit::bad_usage : Exit::failed);
}

/// For whoever reports what was not to be expected. Units and scripts have nobody to offer it to.
void offer_snapshot(const Verb* verb) {
  if (!verb || verb->internal || verb->run == snapshot_verb) return;
  std::cerr << "For a bug report, sudo hostsplit snapshot writes what hostsplit sees into one file, without names and "
               "addresses.\n";
}

}  // namespace

int run_command_line(int argc, char** argv, const std::function<int(const Verb&, const Options&)>& act) {
  const auto words = as_in_the_table(argc, argv);
  if (!words.empty() && words[0] == "complete")
    return with_output_written(complete_words({words.begin() + 1, words.end()}));
  const Verb* verb = nullptr;
  try {
    CommandLine line;
    try {
      line.app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // last first, as CLI11 takes them
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success))
        return usage_error(line.app, error, argc, argv);
      std::ostringstream help;
      line.app.exit(error, help, std::cerr);
      show(help.str());
      return with_output_written(Exit::fine);
    }
    verb = line.chosen(line.app);
    if (!verb) return show(line.app.help()), with_output_written(Exit::fine);
    const bool looks = verb->run && !(verb->acts && verb->acts(line.options));
    return with_output_written(looks ? on_machine(line.options, verb->run) : act(*verb, line.options));
  } catch (const Error& error) {
    const int code = error_exit(error, wants_json(argc, argv));
    if (error.kind() != Error::Kind::bad_input) offer_snapshot(verb);
    return code;
  } catch (const std::exception& error) {
    const int code = error_exit(Error(Error::Told{error.what()}), wants_json(argc, argv));
    offer_snapshot(verb);
    return code;
  }
}

}  // namespace hostsplit
