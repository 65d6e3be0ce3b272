#pragma once
#include <map>
#include <string>
#include <vector>

#include "host/system/root.hpp"

namespace hostsplit {

/// What an initramfs image holds.
struct ImageContent {
  std::vector<std::string> names;              ///< of all files, without leading "./" or "/"
  std::map<std::string, std::string> content;  ///< of those that were asked for and are there
};

/// Reads a whole image: one or more cpio archives of the "newc" form, the last of which may be compressed
/// (Documentation/driver-api/early-userspace/buffer-format.rst). Decompresses with the program that made it.
/// \throws Error when the image cannot be read to its end: then it would not boot either.
ImageContent read_image(const Root& root, const std::string& path, const std::vector<std::string>& wanted);

}  // namespace hostsplit
