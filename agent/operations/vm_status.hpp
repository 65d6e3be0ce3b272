#pragma once
#include <vector>

#include "operations/status.hpp"

namespace hostsplit {

/// Each VM of the configuration, or where there is none, of what was applied. \param so_far  has controllers, ports and
/// pools
std::vector<VmStatus> vm_statuses(const State& state, const BootPlan& target, const Status& so_far);

}  // namespace hostsplit
