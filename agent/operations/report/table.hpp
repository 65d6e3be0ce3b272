#pragma once
#include <string>
#include <vector>

namespace hostsplit {

/// Rows of cells in aligned columns, two blanks apart, no blanks at line ends. Width counts UTF-8 characters and
/// leaves colour codes out.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  /// \param indent blanks before each line
  std::string text(int indent = 2) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hostsplit
