#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// One line broken at blanks into lines of at most `width` columns; wide characters may be parted anywhere. Colours end
/// with each line and begin again on the next.
/// \param parts_words  a word longer than the width is parted too, so that a column of a table keeps its width;
///   otherwise it stays whole, so that it can be copied
/// \param first  columns of the first line; 0: as the others
std::vector<std::string> broken(std::string_view line, std::size_t width, bool parts_words, std::size_t first = 0);

/// The text with every line broken to the width, what belongs to a line indented below it. \param width 0: as it is
std::string fit(const std::string& text, std::size_t width);

}  // namespace hostsplit
