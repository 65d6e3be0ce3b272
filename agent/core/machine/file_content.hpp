#pragma once
#include <string>

namespace hostsplit {

/// A small text file as it stands.
struct FileNow {
  std::string content;
  unsigned mode = 0644;  ///< permission bits
  bool operator==(const FileNow&) const = default;
};

}  // namespace hostsplit
