#include <algorithm>
#include <cstdlib>
#include <deque>
#include <string_view>

#include "core/base/columns.hpp"
#include "core/base/utf8.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/picture_report.hpp"

namespace hostsplit {
namespace {

/// Of the 256 colours of terminals those nearest to the palette of the SVG, readable on black and on white.
constexpr const char* many[] = {"38;5;32", "38;5;172", "38;5;36", "38;5;175", "38;5;74", "38;5;166", "38;5;178"};
/// Red and yellow are for findings.
constexpr const char* few[] = {"34", "36", "35", "32", "94", "96", "95"};

/// What one cell of a terminal shows.
struct Cell {
  std::string_view glyph = " ";
  std::string style;
};

/// Characters that stand for things, in both ways of drawing.
struct Glyphs {
  std::string_view across, down, upper_left, upper_right, lower_left, lower_right;
  std::string_view vm_even, vm_odd, others, floor, free, plugged, empty;
};
constexpr Glyphs with_boxes{"─", "│", "┌", "┐", "└", "┘", "█", "▓", "▒", "░", "·", "■", "□"};
constexpr Glyphs plain_glyphs{"-", "|", "+", "+", "+", "+", "#", "=", "%", ":", ".", "*", "o"};

/// Names without the characters a terminal cannot show, in as many columns.
std::string plain_letters(std::string_view text) {
  std::string plain;
  for (const auto character : characters(text)) {
    if (character.size() == 1)
      plain += character;
    else
      plain.append(character == "…" ? 1 : display_width(character), character == "…" ? '~' : '?');
  }
  return plain;
}

class Canvas {
 public:
  Canvas(const Sheet& sheet, const TerminalLook& look)
      : look_(look),
        glyphs_(look.boxes ? with_boxes : plain_glyphs),
        lines_(static_cast<std::size_t>(sheet.height), std::vector<Cell>(static_cast<std::size_t>(sheet.width))) {}

  void draw(const SheetBox& box) {
    const auto style = colour(box.colour);
    const int right = box.x + box.width - 1, bottom = box.y + box.height - 1;
    for (int x = box.x; x <= right; ++x)
      for (const int y : {box.y, bottom}) put(x, y, glyphs_.across, style);
    for (int y = box.y; y <= bottom; ++y)
      for (const int x : {box.x, right}) put(x, y, glyphs_.down, style);
    put(box.x, box.y, glyphs_.upper_left, style);
    put(right, box.y, glyphs_.upper_right, style);
    put(box.x, bottom, glyphs_.lower_left, style);
    put(right, bottom, glyphs_.lower_right, style);
  }

  void draw(const SheetText& text) {
    std::string style = colour(text.colour);
    if (look_.colour && text.role != TextRole::plain)
      style = (text.role == TextRole::strong ? "1" : "2") + (style.empty() ? "" : ";" + style);
    write(text.x, text.y, text.text, style, text.on_border);
  }

  void draw(const SheetMark& mark) {
    const char* style = mark.severity == Severity::error ? "1;31" : "1;33";
    write(mark.x, mark.y, mark.text, look_.colour ? style : "", mark.on_border);
  }

  void draw(const SheetBar& bar) {
    int x = bar.x;
    for (const auto& part : bar.parts) {
      const auto style = colour(part.colour);
      for (int i = 0; i < part.width; ++i) put(x + i, bar.y, fill(part.use, part.colour), style);
      if (!part.label.empty()) {
        const int width = static_cast<int>(display_width(part.label)) + 2;
        write(x + (part.width - width) / 2, bar.y, " " + part.label + " ", style, false);
      }
      x += part.width;
    }
  }

  void draw(const SheetDot& dot) {
    const auto glyph = dot.use ? fill(*dot.use, dot.colour) : dot.plugged ? glyphs_.plugged : glyphs_.empty;
    put(dot.x, dot.y, glyph, colour(dot.colour));
  }

  std::string text() const {
    std::string text;
    for (const auto& line : lines_) text += line_text(line) + "\n";
    return text;
  }

 private:
  std::string colour(const Colour& colour) const {
    if (!look_.colour || !colour) return {};
    return look_.many_colours ? many[*colour % std::size(many)] : few[*colour % std::size(few)];
  }

  std::string_view fill(MemoryUse use, const Colour& colour) const {
    switch (use) {
      case MemoryUse::vm: return colour.value_or(0) % 2 == 0 ? glyphs_.vm_even : glyphs_.vm_odd;
      case MemoryUse::others:
      case MemoryUse::spare: return glyphs_.others;
      case MemoryUse::floor: return glyphs_.floor;
      case MemoryUse::free: return glyphs_.free;
    }
    return " ";
  }

  void put(int x, int y, std::string_view glyph, const std::string& style) {
    lines_.at(static_cast<std::size_t>(y)).at(static_cast<std::size_t>(x)) = {glyph, style};
  }

  /// \param apart  blanks part it from the border it stands in
  void write(int x, int y, const std::string& text, const std::string& style, bool apart) {
    if (apart && !text.empty()) put(x - 1, y, " ", {});
    texts_.push_back(look_.utf8 ? text : plain_letters(text));
    for (const auto character : characters(texts_.back())) {
      const auto width = static_cast<int>(display_width(character));
      if (width == 0) continue;
      put(x, y, character, style);
      for (int i = 1; i < width; ++i) put(x + i, y, {}, style);  // the second half of a wide one
      x += width;
    }
    if (apart && !text.empty()) put(x, y, " ", {});
  }

  static std::string line_text(const std::vector<Cell>& line) {
    auto end = line.size();
    while (end != 0 && line[end - 1].glyph == " ") --end;
    std::string text, style;
    for (std::size_t i = 0; i < end; ++i) {
      const auto& cell = line[i];
      if (cell.style != style) {
        if (!style.empty()) text += "\033[0m";
        if (!cell.style.empty()) text += "\033[" + cell.style + "m";
        style = cell.style;
      }
      text += cell.glyph;
    }
    return style.empty() ? text : text + "\033[0m";
  }

  const TerminalLook look_;
  const Glyphs& glyphs_;
  std::vector<std::vector<Cell>> lines_;
  std::deque<std::string> texts_;  ///< what glyphs of cells are parts of; never moves
};

bool names_utf8(std::string_view locale) {
  std::string lower;
  for (const char c : locale)
    if (c != '-') lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower.find("utf8") != std::string::npos;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

TerminalLook TerminalLook::for_stdout() {
  TerminalLook look;
  const auto terminal = variable("TERM");
  std::string_view locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})  // as setlocale(3) looks for it
    if (locale = variable(name); !locale.empty()) break;
  look.utf8 = names_utf8(locale);
  look.boxes = look.utf8 && terminal != "dumb";
  look.colour = Paint::for_stdout().colour;
  look.many_colours = terminal.find("256color") != std::string_view::npos || !variable("COLORTERM").empty();
  return look;
}

std::string sheet_text(const Sheet& sheet, const TerminalLook& look) {
  Canvas canvas(sheet, look);
  for (const auto& box : sheet.boxes) canvas.draw(box);
  for (const auto& bar : sheet.bars) canvas.draw(bar);
  for (const auto& dot : sheet.dots) canvas.draw(dot);
  for (const auto& text : sheet.texts) canvas.draw(text);
  for (const auto& mark : sheet.marks) canvas.draw(mark);
  return canvas.text();
}

}  // namespace hostsplit
