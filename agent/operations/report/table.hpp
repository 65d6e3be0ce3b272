#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace hostsplit {

/// Rows of cells in aligned columns, two blanks apart, no blanks at line ends. Width counts columns of the terminal
/// (wide characters take two) and leaves colour codes out.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.size() == 1; }
  /// \param indent blanks before each line
  /// \param width  columns there are; where rows are wider, cells are broken at blanks. 0: no limit
  std::string text(int indent, std::size_t width) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace hostsplit
