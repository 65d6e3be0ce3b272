#pragma once
#include <string>

#include "host/root.hpp"
#include "service/diagnostics.hpp"

namespace hostsplit {

struct DaemonOptions {
  LogTarget log_target = LogTarget::automatic;
  std::string log_level = "info";
};

/// Runs the service until SIGTERM or SIGINT: looks whenever something changes, keeps true what was applied, answers
/// on the bus. \return exit status of the process. \throws Error if it cannot start, e.g. `root` is not the live
/// machine.
int run_daemon(const Root& root, const DaemonOptions& options);

}  // namespace hostsplit
