#pragma once
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/checks/verify.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// What `verify` has to say about one guest.
struct GuestProof {
  int vm = 0;
  std::string name;
  std::optional<int> pid;
  std::vector<Verdict> verdicts = {};
  bool wanted = true;  ///< it is configured, applied for or asked about, not only left behind as a pid file
};

struct Proof {
  std::vector<GuestProof> guests;
  std::vector<Verdict> pools;
  std::vector<Finding> findings;  ///< files that could not be read; verified against the rest
  /// No verdict is wrong.
  bool ok() const;
};

/// Looks at guests and says for each check whether it is as wanted. Reads only what it needs: no USB, no whole
/// inventory. \param vms which; empty: all that are configured, applied for or running \param force read the pages of
/// guests outside of huge pages as well. A damaged configuration or boot plan is a finding. \throws Error(bad_input)
/// for a VM nobody knows
Proof verify(const Root& root, const std::vector<int>& vms, bool force);

}  // namespace hostsplit
