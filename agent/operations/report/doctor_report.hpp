#pragma once
#include <string>

#include "operations/doctor.hpp"
#include "operations/report/colour.hpp"

namespace hostsplit {

/// What `doctor` found, for people and for programs (docs/json.md).
std::string diagnosis_text(const Diagnosis& diagnosis, const Paint& paint);
std::string diagnosis_json(const Diagnosis& diagnosis);

}  // namespace hostsplit
