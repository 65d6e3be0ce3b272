#include "formats/proc/process_files.hpp"

#include <algorithm>
#include <optional>

#include "core/base/number.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

/// "7f4240000000-7f42c0000000 rw-s 00000000 00:14 42 /run/hugepages/..."; inode 0 means no file.
std::optional<Mapping> parse_file_mapping(std::string_view line) {
  const auto start = parse_number<std::uint64_t>(cut(line, '-'), 16);
  const auto end = parse_number<std::uint64_t>(cut(line, ' '), 16);
  for (int skipped = 0; skipped < 2; ++skipped) cut(line, ' ');
  const auto device = cut(line, ' ');
  const auto inode = parse_number<std::uint64_t>(cut(line, ' '));
  if (!start || !end || *start >= *end || inode.value_or(0) == 0) return {};
  return Mapping{*start, *end, std::string(device)};
}

}  // namespace

std::string_view status_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    auto line = cut(text, '\n');
    if (cut(line, ':') != key) continue;
    return line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
  }
  return {};
}

Kib status_size(std::string_view text, std::string_view key) {
  auto value = status_value(text, key);
  const auto size = parse_number<Kib>(cut(value, ' '));
  return value == "kB" ? size.value_or(0) : 0;
}

std::vector<Mapping> parse_file_mappings(std::string_view text) {
  std::vector<Mapping> mappings;
  while (!text.empty())
    if (const auto mapping = parse_file_mapping(cut(text, '\n'))) mappings.push_back(*mapping);
  return mappings;
}

}  // namespace hostsplit
