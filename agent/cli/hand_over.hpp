#pragma once

namespace hostsplit::cli {

/// Replaces this process by the acting executable with the same command line: ../libexec/hostsplit/hostsplit as seen
/// from this one, so that an installed program and one in a build tree both find their own. \throws Error when it
/// cannot be run.
[[noreturn]] void hand_over(char** argv);

}  // namespace hostsplit::cli
