#pragma once
#include <string>

#include "operations/plug_proof.hpp"
#include "operations/report/colour.hpp"
#include "operations/verify.hpp"

namespace hostsplit {

/// One line per verdict, remedies below.
std::string proof_text(const Proof& proof, const Paint& paint);
std::string proof_json(const Proof& proof);

/// Of `verify --plug`: the same lines, and in one sentence what they prove.
std::string plug_text(const PlugProof& proof, const Paint& paint);
std::string plug_json(const PlugProof& proof);

}  // namespace hostsplit
