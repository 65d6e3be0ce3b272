#pragma once
#include <string>

namespace hostsplit::cli {

/// Prints a text of operations/report on standard output, broken to the columns there are.
void show(const std::string& text);

/// The exit code of a verb whose output was `code`: `failed`, and a line on standard error, where standard output did
/// not take all that was printed (a full disk).
int with_output_written(int code);

}  // namespace hostsplit::cli
