#pragma once
#include "operations/request.hpp"

namespace hostsplit {

/// The plan that moves what the targets name, each with its whole IOMMU group, because a group that is split between
/// host and VM is of use to nobody. What stands in the way is an error finding: a VM that holds the group
/// (`group-in-use`), something the host uses (`group-lifeline`), a controller that was not applied to any VM
/// (`not-assigned`). \throws Error(bad_input) for a target that names nothing here.
Plan transfer_plan(const State& state, const Transfer& transfer);

}  // namespace hostsplit
