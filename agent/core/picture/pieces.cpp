#include "core/picture/pieces.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/columns.hpp"
#include "core/base/utf8.hpp"

namespace hostsplit::pieces {
namespace {

int columns_of(std::string_view text) {
  return static_cast<int>(display_width(text));
}

SheetText cut_text(int x, int y, const std::string& text, int width, TextRole role, const Colour& colour) {
  SheetText shown{x, y, cut_to(text, static_cast<std::size_t>(std::max(width, 0))), role, colour};
  if (shown.text != text) shown.full = text;
  return shown;
}

template <typename Item>
void append(std::vector<Item>& to, const std::vector<Item>& items, int x, int y) {
  for (Item item : items) {
    item.x += x;
    item.y += y;
    to.push_back(std::move(item));
  }
}

}  // namespace

void place(Sheet& sheet, const Sheet& piece, int x, int y) {
  append(sheet.boxes, piece.boxes, x, y);
  append(sheet.texts, piece.texts, x, y);
  append(sheet.marks, piece.marks, x, y);
  append(sheet.bars, piece.bars, x, y);
  append(sheet.dots, piece.dots, x, y);
}

int place_in_columns(Sheet& sheet, const std::vector<Sheet>& drawn, int x, int y, int columns) {
  std::vector<int> heights(static_cast<std::size_t>(columns), 0);
  for (const auto& piece : drawn) {
    const auto shortest = std::min_element(heights.begin(), heights.end());
    const int column = static_cast<int>(shortest - heights.begin());
    place(sheet, piece, x + column * (piece.width + gap), y + *shortest);
    *shortest += piece.height;
  }
  return heights.empty() ? 0 : *std::max_element(heights.begin(), heights.end());
}

int columns_in(int width, int narrowest, std::size_t boxes) {
  return std::clamp((width + gap) / (narrowest + gap), 1, std::max(static_cast<int>(boxes), 2));
}

int column_width(int width, int columns) {
  return (width - gap * (columns - 1)) / columns;
}

int draw_marks(Sheet& sheet, const MachinePicture& picture, const Marks& marks, int end, int y, int most,
               bool on_border) {
  std::size_t shown = 0;
  int width = 0;
  const auto room_for_rest = [&](std::size_t left) { return left == 0 ? 0 : 1 + columns_of(fmt::format("+{}", left)); };
  for (; shown < marks.size(); ++shown) {
    const int more = 1 + columns_of(picture.findings[marks[shown]].mark);
    if (width + more + room_for_rest(marks.size() - shown - 1) > most) break;
    width += more;
  }
  const std::size_t rest = marks.size() - shown;
  const int all = width + room_for_rest(rest);
  int x = end - all;
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& marked = picture.findings[marks[i]];
    sheet.marks.push_back({x + 1, y, marked.mark, marked.finding.severity, on_border,
                           marked.finding.subject + ": " + marked.finding.message});
    x += 1 + columns_of(marked.mark);
  }
  if (rest != 0) {
    const auto& next = picture.findings[marks[shown]];
    sheet.marks.push_back({x + 1, y, fmt::format("+{}", rest), next.finding.severity, on_border, {}});
  }
  return all;
}

Box::Box(const MachinePicture& picture, int width, const std::string& title, const Marks& marks, Colour colour)
    : picture_(picture),
      colour_(colour) {
  sheet_.width = width;
  const int marked = draw_marks(sheet_, picture, marks, width - 2, 0, width / 3, true);
  SheetText shown = cut_text(left(), 0, title, inner() - marked - (marked ? 1 : 0), TextRole::strong, colour);
  shown.on_border = true;
  sheet_.texts.push_back(std::move(shown));
}

void Box::text(std::string_view text, TextRole role, Colour colour, int indent) {
  for (auto& line : wrapped(text, static_cast<std::size_t>(inner() - indent)))
    sheet_.texts.push_back({left() + indent, next_++, std::move(line), role, colour});
}

void Box::sockets(const std::vector<SocketPicture>& sockets, const Colour& colour) {
  constexpr int widest_column = 20;  // of names; longer ones push what is plugged in aside
  int column = 0;
  for (const auto& one : sockets)
    if (const int width = columns_of(one.name()); width <= widest_column) column = std::max(column, width);
  for (const auto& one : sockets) socket(one, colour, column);
}

void Box::socket(const SocketPicture& socket, const Colour& colour, int column) {
  constexpr int dot = 2, between = 2;
  sheet_.dots.push_back({left(), next_, std::nullopt, !socket.device.empty(), colour});
  const int marked = draw_marks(sheet_, picture_, socket.marks, left() + inner(), next_, inner() / 3);
  const int room = inner() - dot - marked - (marked ? 1 : 0);
  const auto role = socket.label.empty() ? TextRole::muted : TextRole::strong;
  SheetText name = cut_text(left() + dot, next_, socket.name(), room, role, {});
  const int taken = std::max(columns_of(name.text), std::min(column, room / 2)) + between;
  sheet_.texts.push_back(std::move(name));
  if (!socket.device.empty()) {
    const bool beside = taken + columns_of(socket.device) <= room;
    if (!beside) ++next_;
    const int x = left() + dot + (beside ? taken : between);
    sheet_.texts.push_back(
        cut_text(x, next_, socket.device, beside ? room - taken : inner() - dot - between, TextRole::plain, {}));
  }
  ++next_;
}

void Box::bar(SheetBar bar) {
  bar.x = left();
  bar.y = next_++;
  bar.width = inner();
  sheet_.bars.push_back(std::move(bar));
}

Sheet Box::done(bool section) {
  sheet_.height = next_ + 1;
  sheet_.boxes.insert(sheet_.boxes.begin(), {0, 0, sheet_.width, sheet_.height, section, colour_});
  return std::move(sheet_);
}

}  // namespace hostsplit::pieces
