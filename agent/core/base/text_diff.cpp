#include "core/base/text_diff.hpp"

#include <algorithm>

#include "core/base/text.hpp"

namespace hostsplit {
namespace {

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) lines.push_back(cut(text, '\n'));
  return lines;
}

/// How many lines from (i, j) on can be the same, for every i and j.
class CommonLines {
 public:
  CommonLines(const Lines& a, const Lines& b) : width_(b.size() + 1), counts_((a.size() + 1) * width_) {
    for (std::size_t i = a.size(); i-- > 0;)
      for (std::size_t j = b.size(); j-- > 0;)
        counts_[i * width_ + j] = a[i] == b[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
  }
  std::size_t at(std::size_t i, std::size_t j) const { return counts_[i * width_ + j]; }

 private:
  std::size_t width_;
  std::vector<std::size_t> counts_;
};

}  // namespace

std::vector<DiffLine> line_diff(std::string_view before, std::string_view after) {
  const Lines a = lines_of(before), b = lines_of(after);
  const CommonLines common(a, b);
  std::vector<DiffLine> diff;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      diff.push_back({DiffLine::Kind::same, std::string(a[i])});
      ++i, ++j;
    } else if (i < a.size() && (j == b.size() || common.at(i + 1, j) >= common.at(i, j + 1))) {
      diff.push_back({DiffLine::Kind::removed, std::string(a[i++])});
    } else {
      diff.push_back({DiffLine::Kind::added, std::string(b[j++])});
    }
  }
  return diff;
}

}  // namespace hostsplit
