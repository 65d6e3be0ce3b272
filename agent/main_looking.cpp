#include "cli/cli.hpp"
#include "cli/hand_over.hpp"

// /usr/sbin/hostsplit: looks by itself, and becomes the acting executable for everything else.
int main(int argc, char** argv) {
  return hostsplit::run_command_line(argc, argv,
                                     [&](const auto&, const auto&) -> int { hostsplit::cli::hand_over(argv); });
}
