#pragma once
#include <string>

#include "support/fake_host.hpp"

namespace hostsplit::testing {

/// Builds the machine that a description in tests/machines/ tells of (its README says what may stand there).
/// \throws Error(bad_input) naming file, line and key.
void build_machine(FakeHost& host, const std::string& file);

/// Unpacks what `hostsplit snapshot` made into an existing directory. \throws Error.
void unpack_machine(const std::string& snapshot, const std::string& directory);

/// "<repo>/tests/machines/<name>".
std::string machine_path(const std::string& name);

}  // namespace hostsplit::testing
