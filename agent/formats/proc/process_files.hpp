#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/size.hpp"

namespace hostsplit {

/// What the kernel tells of a process in /proc/PID (Documentation/filesystems/proc.rst).

/// Value of "Key:\tvalue" in /proc/PID/status, without leading blanks; empty when absent.
std::string_view status_value(std::string_view text, std::string_view key);
/// The same where the value is a size, "2097152 kB"; 0 for anything else.
Kib status_size(std::string_view text, std::string_view key);

/// A mapping of a file: its addresses, `end` behind its last byte, and the device of the file system, "fe:01".
struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::string device;
  bool operator==(const Mapping&) const = default;
};
/// The mappings in /proc/PID/maps that have a file. Lines that make no sense are left out.
std::vector<Mapping> parse_file_mappings(std::string_view text);

}  // namespace hostsplit
