#pragma once
#include <string>
#include <vector>

#include "core/checks/doctor.hpp"
#include "core/memory/page_source.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// What `doctor` has to say.
struct Diagnosis {
  std::vector<Checkup> checkups;
  std::vector<Finding> findings;     ///< of all checks, of the plan and of the inventory, each once
  std::optional<PageRecipe> recipe;  ///< where the pages of the configuration best come from; empty: nothing reserved
};

/// Runs every check. A damaged configuration becomes a finding: the doctor is for hosts on which something is wrong.
Diagnosis diagnose(const Root& root);

}  // namespace hostsplit
