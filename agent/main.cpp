#include "cli/cli.hpp"

int main(int argc, char** argv) { return hostsplit::run_command_line(argc, argv); }
