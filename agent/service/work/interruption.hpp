#pragma once

namespace hostsplit {

/// From now on this process finishes the step it is at. SIGTERM and the first SIGINT are only remembered; a terminal or
/// a reader that goes away (SIGHUP, SIGPIPE) changes nothing: the work is done to its end, and the journal has it.
void finish_steps();

/// Somebody wants the steps left that have not begun.
bool interrupted();

}  // namespace hostsplit
