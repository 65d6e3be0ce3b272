#pragma once
#include <cstdint>
#include <map>
#include <string>

#include "host/store/store.hpp"
#include "operations/carry_out.hpp"
#include "operations/status.hpp"

namespace hostsplit {

/// What node_exporter's textfile collector is given, in the Prometheus text format (docs/bus.md lists the names).
std::string metrics_text(const Status& status, std::uint64_t drift_repairs, const std::map<int, LastProof>& proofs);

/// Keeps the file up to date: written only when something changed, replaced in one go, and not at all on machines
/// without the collector's directory.
class Metrics {
 public:
  explicit Metrics(const Context& context) : context_(context) {}
  /// \throws Error when the file cannot be written; told once, until it can be again.
  void update(const State& state, const std::vector<Finding>& damaged, std::uint64_t drift_repairs);

 private:
  Context context_;
  std::string written_;
  bool failed_ = false;
};

}  // namespace hostsplit
