#pragma once
#include <string>

#include "operations/doctor.hpp"
#include "operations/report/colour.hpp"

namespace hostsplit {

/// What `doctor` found, for people and for programs (docs/json.md). For people: what is wrong, then what could not be
/// checked, then notes. \param verbose  also each check that is ok; otherwise they are counted
std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint, bool verbose);
std::string diagnosis_json(const Diagnosis& diagnosis);

}  // namespace hostsplit
