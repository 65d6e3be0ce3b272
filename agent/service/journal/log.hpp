#pragma once
#include <string>

namespace hostsplit {

/// What the service and its worker say about themselves; what they do is an AuditRecord. spdlog stays behind this.
enum class LogLevel { debug, info, warning, error };

/// Points the log at the journal where systemd gave us one as standard error (JOURNAL_STREAM), otherwise at standard
/// error. Call once, before the first line.
/// \param level "trace", "debug", "info", "warning", "error" or "off". \throws Error(bad_input) for another word.
void set_up_log(const std::string& level);

/// True when lines of that level are written: to save making them.
bool logs(LogLevel level);
void log(LogLevel level, const std::string& line);

}  // namespace hostsplit
