#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "core/base/finding.hpp"
#include "core/picture/picture.hpp"

namespace hostsplit {

/// A drawing in cells: a cell is one column of a terminal wide and one line high. Terminal, SVG and HTML render the
/// same sheet. No two texts, bars, dots or marks share a cell, none is on the border of a box but those that say so,
/// boxes are apart or one is inside the other, and all is inside the sheet.

/// Place of a VM among all, which stands for its colour; empty: no colour.
using Colour = std::optional<std::size_t>;

/// Its border takes the outermost cells.
struct SheetBox {
  int x = 0, y = 0, width = 0, height = 0;
  bool section = false;  ///< holds other boxes
  Colour colour = {};
  bool operator==(const SheetBox&) const = default;
};

enum class TextRole { plain, strong, muted };

/// One line, display_width(text) cells wide.
struct SheetText {
  int x = 0, y = 0;
  std::string text;
  TextRole role = TextRole::plain;
  Colour colour = {};
  bool on_border = false;  ///< the title of a box, in the top line of its border
  std::string full = {};   ///< the whole text where `text` is its beginning
  bool operator==(const SheetText&) const = default;
};

/// "E1": points at a finding.
struct SheetMark {
  int x = 0, y = 0;
  std::string text;
  Severity severity = Severity::warning;
  bool on_border = false;
  std::string full = {};  ///< the finding's sentence
  bool operator==(const SheetMark&) const = default;
};

struct BarPart {
  int width = 0;
  MemoryUse use = MemoryUse::free;
  Colour colour = {};
  std::string label;  ///< what stands in it, narrower than the part; may be empty
  bool operator==(const BarPart&) const = default;
};

/// One line high; the parts fill it.
struct SheetBar {
  int x = 0, y = 0, width = 0;
  std::vector<BarPart> parts;
  bool operator==(const SheetBar&) const = default;
};

/// One cell: a socket, or the colour of a bar's part beside its name.
struct SheetDot {
  int x = 0, y = 0;
  std::optional<MemoryUse> use;  ///< empty: a socket
  bool plugged = false;          ///< of a socket
  Colour colour = {};
  bool operator==(const SheetDot&) const = default;
};

struct Sheet {
  int width = 0, height = 0;
  std::string title;
  std::vector<SheetBox> boxes;  ///< outer ones before those inside
  std::vector<SheetText> texts;
  std::vector<SheetMark> marks;
  std::vector<SheetBar> bars;
  std::vector<SheetDot> dots;
  std::vector<int> breaks;  ///< lines above which a page may end: nothing crosses
  /// The line where the list of findings begins, which is the last on the sheet; empty: it has none.
  std::optional<int> findings_from;
  bool operator==(const Sheet&) const = default;
};

inline constexpr int narrowest_sheet = 60;

/// The machine. \param width  cells, at least narrowest_sheet; the sheet is exactly that wide
Sheet draw_machine(const MachinePicture& picture, int width);

/// The panels of the case. \param width  cells that are there. Labels are parted into lines to fit, but a socket is
/// never narrower than a few cells: the sheet may be wider.
Sheet draw_panels(const MachinePicture& picture, int width);

}  // namespace hostsplit
