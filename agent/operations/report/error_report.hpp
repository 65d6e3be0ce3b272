#pragma once
#include <string>

#include "core/base/error.hpp"

namespace hostsplit {

/// What a verb with --json prints when it cannot go on (docs/json.md). \param kind  "usage" for a command line that is
/// wrong; nullptr: as the error says
std::string error_json(const Error& error, const char* kind = nullptr);

}  // namespace hostsplit
