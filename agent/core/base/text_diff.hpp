#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// A line of two texts held against each other.
struct DiffLine {
  enum class Kind { same, removed, added };
  Kind kind = Kind::same;
  std::string text;  ///< without its newline
  bool operator==(const DiffLine&) const = default;
};

/// All lines of both texts in order, with as many the same as possible; what was removed stands before what was added.
/// For texts a person writes: time and memory grow with the product of their lines.
std::vector<DiffLine> line_diff(std::string_view before, std::string_view after);

}  // namespace hostsplit
