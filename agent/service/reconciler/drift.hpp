#pragma once
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/steps/step.hpp"
#include "host/act/audit.hpp"

namespace hostsplit {

/// The record of one thing that is not as applied: event "drift", what was found, what belongs there, and why.
/// Empty for steps that merely prepare others (loading a module).
std::optional<AuditRecord> drift_record(const Step& step, const std::string& result);

/// Remembers which drifts were told, so that each is told once while it persists.
class DriftLog {
 public:
  /// \return the steps not told yet; forgets those that are no longer there.
  std::vector<Step> news(const std::vector<Step>& steps);
  /// It was repaired: the next time is a new drift.
  void repaired(const Step& step);

 private:
  std::set<std::string> told_;
};

}  // namespace hostsplit
