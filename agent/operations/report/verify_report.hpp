#pragma once
#include <string>

#include "operations/report/colour.hpp"
#include "operations/verify.hpp"

namespace hostsplit {

/// One line per verdict, remedies below.
std::string proof_text(const Proof& proof, const Paint& paint);
std::string proof_json(const Proof& proof);

}  // namespace hostsplit
