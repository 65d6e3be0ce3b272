#pragma once
#include <string>
#include <string_view>

namespace hostsplit {

/// Writes a file a person asked for, outside every root: beside it, then renamed, so that a reader sees the old one or
/// the new one whole. \param path  as the person wrote it, below the working directory unless it begins with "/"
/// \param mark  what a file of this kind has in its first lines: one that is there and has it may be replaced
/// \param overwrite  so may any other regular file
/// \throws Error when it must not be replaced (bad_input; a symbolic link, device or directory never is), or cannot be
/// written; what was there is then still there.
void write_output(const std::string& path, std::string_view content, std::string_view mark, bool overwrite);

/// Writes a new file a person asked for. One that is there is not written over. \param for_everybody  who may read it
/// \throws Error(bad_input) where it is there or cannot be made; Error where it cannot be written.
void write_new_file(const std::string& file, const std::string& text, bool for_everybody);

}  // namespace hostsplit
