#pragma once
#include <string>

namespace hostsplit {

enum class LogTarget {
  automatic,  ///< the journal when systemd gave us one as standard error (JOURNAL_STREAM), otherwise standard error
  journal,
  standard_error
};

/// Points the process's log (spdlog's default logger) somewhere. Call once, before the first line.
/// \param level "trace", "debug", "info", "warning", "error" or "off". \throws Error(bad_input) for another word.
void set_up_diagnostics(LogTarget target, const std::string& level);

}  // namespace hostsplit
