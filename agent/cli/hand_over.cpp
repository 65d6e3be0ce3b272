#include "cli/hand_over.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "core/base/error.hpp"

namespace hostsplit::cli {

void hand_over(char** argv) {
  std::error_code unreadable;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", unreadable);
  const auto other = (own.parent_path().parent_path() / "libexec/hostsplit/hostsplit").string();
  execv(other.c_str(), argv);
  throw Error("run", other, std::strerror(errno), "It is the part of hostsplit that acts: install the package again.");
}

}  // namespace hostsplit::cli
