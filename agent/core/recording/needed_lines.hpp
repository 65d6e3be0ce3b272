#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace hostsplit {

/// What of a file's content readers look at; lines that are left out become empty ones, so that the others keep their
/// numbers. Comments are always left out. \return empty for a file below etc/ that has no rule: nothing of it may be
/// shown.
std::optional<std::string> needed_lines(const std::string& path, const std::string& content);

/// The line with the value of everything that is called like a password or token replaced.
std::string without_secrets(std::string_view line);

}  // namespace hostsplit
