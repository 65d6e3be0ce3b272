#pragma once
#include <set>
#include <string>
#include <string_view>

namespace hostsplit {

/// True for a line of sysctl.conf(5), of a unit, a script ... that sets huge page counts; one that is not understood
/// counts, one that only reads them or names them does not.
bool sets_pages(std::string_view line);

/// Adds scripts of the owner that a line runs: paths below /usr/local, /opt, /root and /etc that are not written to.
void add_scripts(std::string_view line, std::set<std::string>& scripts);

/// Names that run-parts(8) and cron(8) do not pass over: letters, digits, "_" and "-".
bool is_run_parts_name(std::string_view name);

}  // namespace hostsplit
