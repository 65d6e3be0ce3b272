#pragma once
#include <span>

#include "cli/verbs.hpp"

namespace CLI {
class App;
}

namespace hostsplit::cli {

using Run = int (*)(const Options&);

/// One verb: its words, its sentence, what it accepts and what it does. Parsing and help are made from the table.
struct Verb {
  const char* name;
  const char* parent;  ///< verb it belongs to ("ports" for "ports rename"); nullptr at top level
  const char* sentence;
  Run run;  ///< nullptr: it acts, which the acting executable does
  void (*declare)(CLI::App&, Options&);
  bool (*acts)(const Options&) = nullptr;  ///< with these options it acts, although it has a function for others
  bool internal = false;                   ///< run by units and scripts of the package: not in the help
};

std::span<const Verb> verb_table();

}  // namespace hostsplit::cli
