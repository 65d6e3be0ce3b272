#pragma once
#include <set>
#include <string>
#include <vector>

#include "operations/operations.hpp"

namespace hostsplit {

/// Which way a controller is flipped.
enum class Flip {
  release,  ///< from its VM to the host, until the next boot or `take`
  take      ///< from the host back to the VM it was given to
};

/// The plan that flips what `words` name (labels of ports or PCI addresses), each with its whole IOMMU group, because a
/// group with one foot on each side is of use to nobody. What stands in the way is an error finding: a VM that holds
/// the group (`group-in-use`), something the host uses (`group-lifeline`), a controller that was not applied to any
/// VM (`not-assigned`). \throws Error(bad_input) for a word that names nothing here.
Plan flip_plan(const View& view, Flip flip, const std::vector<std::string>& words);

/// Runs it under the lock, after checking that the machine still is as planned. \throws Error as apply().
Outcome flip(const Actor& actor, Flip flip, const std::vector<std::string>& words, const Plan& shown,
             const Progress& progress = {});

}  // namespace hostsplit
