#include "operations/report/phone_code.hpp"

#include "core/base/columns.hpp"
#include "core/base/utf8.hpp"

namespace hostsplit {
namespace {

using Style = LearnSpan::Style;

/// Cameras find the code with less of an edge than the standard asks for, and small terminals have no more room.
constexpr std::size_t edge = 2;

bool light(const QrCode& code, std::size_t row, std::size_t column) {
  if (row < edge || column < edge || row >= edge + code.side || column >= edge + code.side) return true;
  return !code.dark(row - edge, column - edge);
}

}  // namespace

std::vector<std::string> half_blocks(const QrCode& code) {
  std::vector<std::string> lines;
  if (code.side == 0) return lines;
  const std::size_t all = code.side + 2 * edge;
  for (std::size_t row = 0; row < all; row += 2) {
    std::string line;
    for (std::size_t column = 0; column < all; ++column) {
      const bool upper = light(code, row, column);
      // The side is odd: behind the last row there is none.
      const bool lower = row + 1 < all && light(code, row + 1, column);
      line += upper ? (lower ? "█" : "▀") : (lower ? "▄" : " ");
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

LearnPage phone_code_page(const QrCode& code, const std::string& url, int width, int height) {
  const auto wide = static_cast<std::size_t>(width), high = static_cast<std::size_t>(height);
  LearnPage page;
  auto& lines = page.lines;
  const std::string title = " hostsplit learn: open this page on a phone in the same network";
  lines.push_back({{cut_to(title, wide), Style::bar}});
  const auto address = wrapped(url, wide);
  for (const auto& line : address) lines.push_back({{line, Style::strong}});
  const auto blocks = half_blocks(code);
  if (!blocks.empty() && display_width(blocks.front()) <= wide && lines.size() + blocks.size() + 1 <= high)
    for (const auto& line : blocks) lines.push_back({{line, Style::code}});
  else
    lines.push_back(
        {{cut_to("(No code: the window is too small, or its characters are not UTF-8.)", wide), Style::faint}});
  lines.push_back(
      {{cut_to(" The first who opens it has it. Any key: the sockets   Ctrl-P: here again", wide), Style::faint}});
  if (lines.size() > high) lines.erase(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(lines.size() - high));
  return page;
}

}  // namespace hostsplit
