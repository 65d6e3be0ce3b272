#include "cli/command_line.hpp"

#include "version.hpp"

namespace hostsplit::cli {

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
