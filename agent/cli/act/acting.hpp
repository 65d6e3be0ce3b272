#pragma once
#include "cli/verb_table.hpp"

namespace hostsplit::cli {

/// Verbs that act. Each returns an Exit.
int learn_verb(const Options& options);
int setup_verb(const Options& options);
int apply_verb(const Options& options);
int undo_verb(const Options& options);
int take_verb(const Options& options);
int release_verb(const Options& options);
int boot_verb(const Options& options);
int hookscript_verb(const Options& options);
int daemon_verb(const Options& options);
int work_verb(const Options& options);
int mapping_verb(const Options& options);
int rename_verb(const Options& options);
int forget_verb(const Options& options);
int import_ports_verb(const Options& options);

/// Learns sockets on the terminal until Enter. \return false when it was ended by Ctrl-C; what was learned stays.
bool learn_sockets(const Root& root);

/// Runs the function of an acting verb. \pre `verb` is in the table and acts.
int act(const Verb& verb, const Options& options);

}  // namespace hostsplit::cli
