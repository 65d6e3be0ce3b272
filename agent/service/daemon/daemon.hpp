#pragma once
#include <string>

#include "host/system/root.hpp"

namespace hostsplit {

/// Runs the service until SIGTERM or SIGINT: looks whenever something changes, keeps true what was applied, answers
/// on the bus. \param log_level as for set_up_log(). \return exit status of the process. \throws Error if it cannot
/// start, e.g. `root` is not the live machine.
int run_daemon(const Root& root, const std::string& log_level);

}  // namespace hostsplit
