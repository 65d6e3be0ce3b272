#include "cli/act/acting.hpp"
#include "cli/cli.hpp"

// /usr/libexec/hostsplit/hostsplit: every verb, and the libraries that acting needs.
int main(int argc, char** argv) {
  return hostsplit::run_command_line(argc, argv, hostsplit::cli::act);
}
