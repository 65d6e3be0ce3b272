#pragma once
#include <string>

namespace hostsplit {

/// One word hostsplit puts on the kernel command line, and why.
struct BootWord {
  std::string word;    ///< "intel_iommu=on"; no blanks, no quotes
  std::string reason;  ///< sentence fragment
  bool first = false;  ///< goes before what others wrote: of the page counts of one size the kernel takes the first
  bool operator==(const BootWord&) const = default;
};

}  // namespace hostsplit
