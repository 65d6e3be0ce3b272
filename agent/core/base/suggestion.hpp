#pragma once
#include <optional>
#include <string>
#include <vector>

namespace hostsplit {

/// The known word a person probably meant: at most a third of its letters away, but always one
/// (edit distance). Empty when none is.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace hostsplit
