#include "cli/recorded_machine.hpp"

#include <filesystem>

#include "host/recording/unpacked.hpp"

namespace hostsplit::cli {

bool is_snapshot(const RootPlace& place) {
  std::error_code unreadable;
  return std::filesystem::is_regular_file(place.directory, unreadable);
}

int on_machine(const Options& options, Run run) {
  if (!is_snapshot(options.root)) return run(options);
  const UnpackedMachine machine(options.root.directory);
  Options inside = options;
  inside.root = {machine.directory(), options.root.directory};
  return run(inside);
}

}  // namespace hostsplit::cli
