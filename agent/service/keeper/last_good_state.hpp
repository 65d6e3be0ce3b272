#pragma once
#include <string>
#include <vector>

#include "operations/operations.hpp"

namespace hostsplit {

/// look() for a program that must go on: a damaged file keeps its last good value and becomes a finding.
class SteadyLook {
 public:
  /// Never throws Error(bad_input).
  View look(const Root& root);
  /// The damaged files of the last look.
  const std::vector<Finding>& problems() const { return problems_; }
  /// ports.toml was read well in the last look; only then may it be written again.
  bool ports_good() const { return ports_good_; }

 private:
  template <class Load, class Value>
  bool refresh(const char* code, const std::string& file, Value& last_good, Load load);

  View last_good_;
  std::vector<Finding> problems_;
  bool ports_good_ = false;
};

}  // namespace hostsplit
