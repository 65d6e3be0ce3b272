#pragma once

namespace hostsplit {

/// Runs the verb of a command line. \return the exit code: 0 fine, 1 failed, 2 wrong usage or bad configuration,
/// 3 findings of severity error, 4 (plan --check) there is something to do.
int run_command_line(int argc, char** argv);

}  // namespace hostsplit
