#pragma once
#include "cli/verb_table.hpp"

namespace hostsplit::cli {

/// True for a file: `hostsplit snapshot` made it, or it is refused.
bool is_snapshot(const RootPlace& place);

/// Runs a verb, on what is in the snapshot where --root names one. \throws Error as the verb does;
/// Error(bad_input) for a file that is no good snapshot.
int on_machine(const Options& options, Run run);

}  // namespace hostsplit::cli
