#pragma once
#include <functional>

namespace hostsplit {

namespace cli {
struct Options;
struct Verb;
}  // namespace cli

/// Runs the verb of a command line, an acting one by `act`. \return the exit code: 0 fine, 1 failed, 2 wrong usage or
/// bad configuration, 3 findings of severity error, 4 (plan --check) there is something to do.
int run_command_line(int argc, char** argv, const std::function<int(const cli::Verb&, const cli::Options&)>& act);

}  // namespace hostsplit
