#pragma once
#include <chrono>
#include <string>
#include <vector>

namespace hostsplit {

/// Runs a program with arguments, no shell, and waits for it. It gets a process group of its own, /dev/null as input,
/// our standard error as both outputs and no other descriptor, a PATH of system directories and the C locale. Its own
/// exit status counts, even where a child of it lives on with the outputs open. When the deadline has passed the whole
/// group is ended, by SIGTERM and 5 s later by SIGKILL, so that it writes no more when the caller puts things back. So
/// it is when this process ends: locks on files that it holds stay taken until then. \throws Error unless it exits 0.
void run_program(const std::vector<std::string>& command, std::chrono::milliseconds deadline);

}  // namespace hostsplit
