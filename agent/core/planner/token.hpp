#pragma once
#include <string>

#include "core/planner/plan.hpp"

namespace hostsplit {

/// A short name for exactly these steps, with all they would do and write, and why: whoever was shown a plan backend it
/// in with the wish to have it done, so that another plan than the shown one is refused. 16 hex digits; not secret, not
/// a safeguard against somebody who wants two plans to look alike.
std::string plan_token(const Plan& plan);

}  // namespace hostsplit
