#pragma once
#include <string>
#include <vector>

#include "core/doctor.hpp"
#include "core/page_recipe.hpp"
#include "host/root.hpp"
#include "text/paint.hpp"

namespace hostsplit {

/// What `doctor` has to say.
struct Diagnosis {
  std::vector<Checkup> checkups;
  std::vector<Finding> findings;     ///< of all checks, of the plan and of the inventory, each once
  std::optional<PageRecipe> recipe;  ///< where the pages of the configuration best come from; empty: nothing reserved
};

/// Runs every check. A damaged configuration becomes a finding: the doctor is for hosts on which something is wrong.
Diagnosis diagnose(const Root& root);

std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint);
std::string diagnosis_json(const Diagnosis& diagnosis);

}  // namespace hostsplit
