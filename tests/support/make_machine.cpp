#include <cstdio>
#include <exception>
#include <filesystem>

#include "support/machine_file.hpp"

/// hostsplit-machine FILE.toml DIR: builds a described machine as a directory for `hostsplit --root DIR`.
int main(int count, char** arguments) {
  namespace fs = std::filesystem;
  if (count != 3) {
    std::fprintf(stderr, "usage: hostsplit-machine FILE.toml DIR\n");
    return 2;
  }
  try {
    const fs::path directory = arguments[2];
    if (fs::exists(directory) && (!fs::is_directory(directory) || !fs::is_empty(directory))) {
      std::fprintf(stderr, "hostsplit-machine: %s is there already and not an empty directory. Name another one.\n",
                   arguments[2]);
      return 2;
    }
    fs::create_directories(directory);
    hostsplit::testing::FakeHost host(fs::canonical(directory).string());
    hostsplit::testing::build_machine(host, arguments[1]);
    return 0;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "hostsplit-machine: %s\n", problem.what());
    return 1;
  }
}
