#pragma once
#include <cstddef>
#include <string>

#include "operations/report/colour.hpp"
#include "operations/request.hpp"

namespace hostsplit {

/// What a request would do, ready to be shown; made where all can be seen, so that a caller who may not read
/// everything is shown the same plan.
struct Preview {
  std::string text;  ///< as `hostsplit plan` prints it
  std::string json;  ///< as `hostsplit plan --json` prints it
  std::string token;
  std::size_t steps = 0;
  bool refused = false;  ///< errors among the findings
};

/// What `hostsplit apply --json` prints where nothing needs to be done.
std::string nothing_done(const Preview& preview);

/// \throws Error(bad_input) as plan_for().
Preview preview(const State& state, const Request& request, const Paint& paint);

}  // namespace hostsplit
