#pragma once
#include <string>

#include "core/picture/sheet.hpp"

namespace hostsplit {

/// How a terminal shows a sheet.
struct TerminalLook {
  bool colour = false;
  bool many_colours = false;  ///< 256 of them; otherwise the 16 every terminal has
  bool boxes = true;          ///< draws with box characters; otherwise with "+", "-" and "|"
  bool utf8 = true;           ///< shows names in other than plain letters; otherwise with "?"

  /// For standard output now: the locale says whether it takes UTF-8, TERM=dumb takes no box characters.
  static TerminalLook for_stdout();
};

/// Stands in the first lines of every SVG and HTML document.
inline constexpr auto picture_mark = "made by hostsplit map";

std::string sheet_text(const Sheet& sheet, const TerminalLook& look);

/// A document of its own: no scripts, nothing from elsewhere; light, and dark where the reader prefers it.
std::string sheet_svg(const Sheet& sheet);
/// The same in a page that can be printed, with findings and their remedies below the machine.
std::string sheet_html(const Sheet& sheet, const std::vector<MarkedFinding>& findings);

/// What the pictures show, see docs/json.md.
std::string picture_json(const MachinePicture& picture);

}  // namespace hostsplit
