#pragma once
#include <CLI/CLI.hpp>
#include <map>

#include "cli/verb_table.hpp"

namespace hostsplit::cli {

/// The parser as built from the table, and which verb each subcommand stands for.
struct CommandLine {
  CLI::App app;
  Options options;
  std::map<const CLI::App*, const Verb*> verbs;

  CommandLine();
  CommandLine(const CommandLine&) = delete;  // the parser writes into `options` of this one
  CommandLine& operator=(const CommandLine&) = delete;

  /// The innermost verb that was given; nullptr when none was.
  const Verb* chosen(const CLI::App& below, const Verb* so_far = nullptr);
};

}  // namespace hostsplit::cli
