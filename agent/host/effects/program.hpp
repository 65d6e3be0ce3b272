#pragma once
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace hostsplit {

/// Runs a program with arguments, no shell, and waits for it. It gets a process group of its own, /dev/null as input,
/// our standard error as both outputs and no other descriptor, a PATH of system directories and the C locale. Its own
/// exit status counts, even where a child of it lives on with the outputs open. When the deadline has passed the whole
/// group is ended, by SIGTERM and 5 s later by SIGKILL, so that it writes no more when the caller puts things back. So
/// it is when this process ends: locks on files that it holds stay taken until then. \throws Error unless it exits 0.
void run_program(const std::vector<std::string>& command, std::chrono::milliseconds deadline);

/// What a program answered.
struct ProgramOutput {
  int exit_code = 0;
  std::string out, err;  ///< what it wrote on standard output and standard error
};
/// How much of each it may write.
inline constexpr std::size_t longest_output = 1 << 20;

/// Runs a program to hear what it says, with all that run_program() guarantees; only its outputs come back instead of
/// going to our standard error. Whatever it exits with is an answer. \throws Error when it could not be run, was ended
/// because of the deadline or by a signal, or wrote more than `longest_output`: such a write fails in the program.
ProgramOutput program_output(const std::vector<std::string>& command, std::chrono::milliseconds deadline);

}  // namespace hostsplit
