#pragma once
#include <fmt/format.h>

#include <cstddef>
#include <string>

namespace hostsplit {

/// A file in /proc/PID, relative to a Root.
inline std::string process_path(int pid, const char* file) {
  return fmt::format("proc/{}/{}", pid, file);
}

/// More than the mappings of any process take.
inline constexpr std::size_t largest_process_file = 64 << 20;

}  // namespace hostsplit
