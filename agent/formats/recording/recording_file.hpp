#pragma once
#include <string>
#include <string_view>

#include "core/recording/recording.hpp"

namespace hostsplit {

/// What `hostsplit snapshot` writes: docs/snapshot.md.
std::string to_text(const Recording& recording);

/// The same back. Nothing of it is trusted: a path or a link that leads out of the machine, an entry that is there
/// twice or below something that is no directory, a set-user-id mode, sizes beyond reason.
/// \throws Error(bad_input) naming file and line; for a version other than 1 saying that it is newer.
Recording parse_recording(std::string_view text, const std::string& file);

/// Larger files are not read at all: 64 MiB.
inline constexpr std::size_t largest_recording = 64u << 20;

}  // namespace hostsplit
