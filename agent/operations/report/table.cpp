#include "operations/report/table.hpp"

#include <algorithm>
#include <numeric>

#include "core/base/utf8.hpp"
#include "operations/report/wrap.hpp"

namespace hostsplit {
namespace {

using Row = std::vector<std::string>;
using Widths = std::vector<std::size_t>;

/// Columns between two cells.
constexpr std::size_t gap = 2;
/// What a column keeps where nothing else helps; words are parted then.
constexpr std::size_t narrowest = 4;
/// Words are parted rather than a column made wider than this.
constexpr std::size_t widest_word = 24;

std::size_t longest_word(const std::string& cell) {
  std::size_t longest = 0;
  for (std::size_t begin = 0; begin < cell.size();) {
    const auto end = std::min(cell.find(' ', begin), cell.size());
    longest = std::max(longest, display_width(std::string_view(cell).substr(begin, end - begin)));
    begin = end + 1;
  }
  return longest;
}

/// The widest column that can still be narrower gives up a column, until all fit or none can.
void narrow(Widths& widths, const Widths& least, std::size_t room) {
  while (std::accumulate(widths.begin(), widths.end(), std::size_t{0}) > room) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i)
      if (widths[i] > least[i] && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
    if (widest == widths.size()) return;
    --widths[widest];
  }
}

/// One row; as many lines as its tallest cell has.
std::string lines_of(const Row& row, const Widths& widths, std::size_t indent) {
  std::vector<std::vector<std::string>> cells;
  std::size_t height = 1;
  for (std::size_t i = 0; i < row.size(); ++i) {
    cells.push_back(broken(row[i], widths[i], true));
    height = std::max(height, cells.back().size());
  }
  std::string text;
  for (std::size_t at = 0; at < height; ++at) {
    std::string line(indent, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string part = at < cells[i].size() ? cells[i][at] : std::string();
      line += part + std::string(widths[i] - std::min(widths[i], display_width(part)) + gap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

}  // namespace

std::string Table::text(int indent, std::size_t width) const {
  Widths widths, least;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    least.resize(widths.size());
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max({widths[i], display_width(row[i]), std::size_t{1}});
      least[i] = std::max({least[i], std::min(longest_word(row[i]), widest_word), std::size_t{1}});
    }
  }
  const auto taken = static_cast<std::size_t>(indent) + gap * (widths.size() - 1);
  const std::size_t room = width > taken ? width - taken : 1;
  if (width != 0) narrow(widths, least, room);
  if (width != 0) narrow(widths, Widths(widths.size(), narrowest), room);
  std::string text;
  for (const auto& row : rows_) text += lines_of(row, widths, static_cast<std::size_t>(indent));
  return text;
}

}  // namespace hostsplit
