#include "cli/command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "version.hpp"

namespace hostsplit::cli {
namespace {

/// An option with what its value is called. What the value must be, and what it excludes, says the sentence beside it
/// or the error.
class HelpText : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    if (is_positional) return option->get_name(true);
    std::vector<std::string> names;
    for (const auto& name : option->get_snames()) names.push_back("-" + name);
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    return fmt::format("{}", fmt::join(names, ", "));
  }

  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string value = option->get_type_name();
    const bool optional = value.starts_with('[');
    if (value.empty() || (option->get_type_size() == 0 && !optional)) return {};
    return (optional ? "" : " ") + value + (option->get_positional() && option->get_expected_max() > 2 ? " ..." : "");
  }
};

}  // namespace

CommandLine::CommandLine()
    : app("hostsplit splits one Proxmox VE workstation between several VMs and keeps it split.", "hostsplit") {
  app.set_version_flag("--version", std::string("hostsplit ") + version);
  app.add_option("--root", options.root.directory, "Look at a snapshot, or a recorded machine, instead of this one")
      ->type_name("FILE|DIR");
  app.footer(
      "Exit codes: 0 success, 1 failed, 2 wrong usage or bad configuration,\n"
      "3 findings of severity error, 4 (plan --check) there is something to do.\n"
      "Manual: man hostsplit\n");
  constexpr std::size_t widest_name = 16;
  app.formatter(std::make_shared<HelpText>());
  app.get_formatter()->column_width(widest_name);
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

const Verb* CommandLine::chosen(const CLI::App& below, const Verb* so_far) {
  for (const CLI::App* sub : below.get_subcommands()) {
    if (verbs.at(sub)->run == log_verb) options.words = sub->remaining();
    so_far = chosen(*sub, verbs.at(sub));
  }
  return so_far;
}

}  // namespace hostsplit::cli
