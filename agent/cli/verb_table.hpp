#pragma once
#include <span>

#include "cli/verbs.hpp"

namespace CLI {
class App;
}

namespace hostsplit::cli {

/// One verb: its words, its sentence, what it accepts and what it does. Parsing and help are made from the table.
struct Verb {
  const char* name;
  const char* parent;  ///< verb it belongs to ("ports" for "ports rename"); nullptr at top level
  const char* sentence;
  int (*run)(const Options&);
  void (*declare)(CLI::App&, Options&);
};

std::span<const Verb> verb_table();

}  // namespace hostsplit::cli
