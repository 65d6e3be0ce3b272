#include <fmt/format.h>

#include "core/base/printable.hpp"
#include "operations/report/picture_report.hpp"

namespace hostsplit {
namespace {

constexpr double cell_width = 8, cell_height = 20;  // of a letter of 13 px with room around it

/// Colours of VMs that people with each kind of colour blindness tell apart, on white and on black (Okabe and Ito).
struct VmColour {
  const char* fill;
  const char* ink;  ///< of letters on it
};
constexpr VmColour palette[] = {{"#0072b2", "#ffffff"}, {"#e69f00", "#000000"}, {"#009e73", "#000000"},
                                {"#cc79a7", "#000000"}, {"#56b4e9", "#000000"}, {"#d55e00", "#000000"},
                                {"#f0e442", "#000000"}};

std::size_t shade(const Colour& colour) {
  return *colour % std::size(palette);
}

std::string style_sheet() {
  std::string style =
      "text{font:13px ui-monospace,'DejaVu Sans Mono','Liberation Mono',Menlo,Consolas,monospace;fill:#1b1f24}\n"
      ".strong{font-weight:bold}.muted{fill:#57606a}\n"
      ".sheet{fill:#ffffff}.section{fill:#f3f5f7;stroke:#c3cad1}.thing{fill:#ffffff;stroke:#8c959f}\n"
      ".others{fill:#8c959f}.spare{fill:#b5bcc4}.floor{fill:#d5dae0}.free{fill:#ffffff}.edge{fill:none;stroke:#8c959f}"
      "\n"
      ".dark{fill:#000000}.light{fill:#ffffff}\n"
      ".error{fill:#b3201f}.warning{fill:#f2cc60}.pill{font-weight:bold}\n";
  std::size_t number = 0;
  for (const auto& colour : palette) {
    style +=
        fmt::format(".vm{0}{{fill:{1}}}.line{0}{{stroke:{1}}}.ink{0}{{fill:{2}}}\n", number, colour.fill, colour.ink);
    ++number;
  }
  return style +
         "@media screen and (prefers-color-scheme:dark){text{fill:#e6e9ed}.muted{fill:#9aa4ae}.sheet{fill:#0f1317}\n"
         ".section{fill:#171c22;stroke:#3a434c}.thing{fill:#0f1317;stroke:#6b7580}.floor{fill:#3a434c}\n"
         ".free{fill:#0f1317}.spare{fill:#57606a}.dark{fill:#000000}.light{fill:#ffffff}\n" +
         [] {
           std::string inks;
           for (std::size_t i = 0; i < std::size(palette); ++i)
             inks += fmt::format(".ink{}{{fill:{}}}", i, palette[i].ink);
           return inks;
         }() +
         "}\n";
}

/// For element content and attributes. XML allows neither U+FFFE nor U+FFFF (XML 1.0, Char).
std::string escaped(const std::string& text) {
  std::string safe;
  const std::string shown = printable(text);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    switch (shown[i]) {
      case '&': safe += "&amp;"; break;
      case '<': safe += "&lt;"; break;
      case '>': safe += "&gt;"; break;
      case '"': safe += "&quot;"; break;
      default: safe += shown[i];
    }
  }
  for (const char* never : {"\xEF\xBF\xBE", "\xEF\xBF\xBF"})
    for (auto at = safe.find(never); at != std::string::npos; at = safe.find(never, at))
      safe.replace(at, 3, "\xEF\xBF\xBD");
  return safe;
}

std::string rect(double x, double y, double width, double height, const std::string& classes, double round = 0) {
  return fmt::format("<rect x=\"{:g}\" y=\"{:g}\" width=\"{:g}\" height=\"{:g}\"{} class=\"{}\"/>", x, y, width, height,
                     round > 0 ? fmt::format(" rx=\"{:g}\"", round) : "", classes);
}

std::string text_at(int x, int y, const std::string& text, const std::string& classes, const std::string& full = {}) {
  if (text.empty()) return {};
  return fmt::format("<text x=\"{:g}\" y=\"{:g}\"{}>{}{}</text>\n", x * cell_width, y * cell_height + 14,
                     classes.empty() ? "" : " class=\"" + classes + "\"",
                     full.empty() ? "" : "<title>" + escaped(full) + "</title>", escaped(text));
}

std::string drawn(const SheetBox& box) {
  const double x = box.x * cell_width + 2, y = box.y * cell_height;
  const double width = box.width * cell_width - 4, height = box.height * cell_height - 7;
  std::string svg = rect(x, y, width, height, box.section ? "section" : "thing", 4) + "\n";
  if (!box.colour) return svg;
  const auto number = shade(box.colour);
  svg += fmt::format("<g fill-opacity=\"0.14\">{}</g>", rect(x, y, width, height, fmt::format("vm{}", number), 4));
  svg += fmt::format(
      "<rect x=\"{:g}\" y=\"{:g}\" width=\"{:g}\" height=\"{:g}\" rx=\"4\" fill=\"none\" "
      "stroke-width=\"2\" class=\"line{}\"/>\n",
      x, y, width, height, number);
  return svg;
}

std::string drawn(const SheetText& text) {
  return text_at(text.x, text.y, text.text,
                 text.role == TextRole::strong  ? "strong"
                 : text.role == TextRole::muted ? "muted"
                                                : "",
                 text.full);
}

std::string drawn(const SheetMark& mark) {
  const double width = static_cast<double>(mark.text.size()) * cell_width;
  return rect(mark.x * cell_width - 2, mark.y * cell_height + 2, width + 4, cell_height - 4, to_string(mark.severity),
              3) +
         text_at(mark.x, mark.y, mark.text, mark.severity == Severity::error ? "pill light" : "pill dark", mark.full);
}

std::string drawn(const SheetBar& bar) {
  std::string svg;
  int x = bar.x;
  for (const auto& part : bar.parts) {
    const auto fill = part.colour ? fmt::format("vm{}", shade(part.colour)) : std::string(to_string(part.use));
    svg += rect(x * cell_width, bar.y * cell_height + 1, part.width * cell_width, cell_height - 3, fill);
    const int label = x + (part.width - static_cast<int>(part.label.size())) / 2;
    svg += text_at(label, bar.y, part.label,
                   part.colour                     ? fmt::format("ink{}", shade(part.colour))
                   : part.use == MemoryUse::others ? "dark"
                                                   : "");
    x += part.width;
  }
  return svg + rect(bar.x * cell_width, bar.y * cell_height + 1, bar.width * cell_width, cell_height - 3, "edge") +
         "\n";
}

/// A socket is drawn as one: wide and flat, filled when something is in it.
std::string drawn(const SheetDot& dot) {
  const double x = dot.x * cell_width - 2, y = dot.y * cell_height;
  const auto fill = dot.colour ? fmt::format("vm{}", shade(dot.colour)) : "others";
  if (dot.use)
    return rect(x + 1, y + 4, 10, 10, dot.colour ? fill : to_string(*dot.use), 2) +
           rect(x + 1, y + 4, 10, 10, "edge", 2) + "\n";
  return rect(x, y + 5, 12, 8, "edge", 1) + (dot.plugged ? rect(x + 2, y + 7, 8, 4, fill) : "") + "\n";
}

/// What of the sheet is between two lines.
std::string lines_of(const Sheet& sheet, int from, int to) {
  std::string svg;
  const auto add = [&](const auto& items) {
    for (const auto& item : items)
      if (item.y >= from && item.y < to) svg += drawn(item);
  };
  add(sheet.boxes);
  add(sheet.bars);
  add(sheet.dots);
  add(sheet.texts);
  add(sheet.marks);
  return svg;
}

std::string opening(const Sheet& sheet, int from, int to, const char* more) {
  const double width = sheet.width * cell_width, height = (to - from) * cell_height;
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:g}\" height=\"{1:g}\" viewBox=\"-8 {2:g} {0:g} {1:g}\"{3} "
      "role=\"img\" aria-label=\"{4}\">\n",
      width + 16, height + 16, from * cell_height - 8, more, escaped(sheet.title));
}

std::string page_style() {
  return "body{margin:0 auto;max-width:1100px;padding:16px;font:15px/1.45 system-ui,sans-serif;background:#ffffff;"
         "color:#1b1f24}\nsvg{display:block;width:100%;height:auto}\nh1{font-size:20px}h2{font-size:17px}\n"
         "dt{font-weight:bold;margin-top:10px}dd{margin:0}\n"
         "@media screen and (prefers-color-scheme:dark){body{background:#0f1317;color:#e6e9ed}}\n"
         "@media print{@page{margin:12mm}body{max-width:none;padding:0;font-size:10pt}svg{break-inside:avoid}"
         "dt{break-after:avoid}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";
}

std::string findings_part(const std::vector<MarkedFinding>& findings) {
  if (findings.empty()) return {};
  std::string html = "<h2>Findings</h2>\n<dl>\n";
  for (const auto& [mark, finding] : findings) {
    html += fmt::format("<dt>{} ({}) {}</dt>\n<dd>{}</dd>\n", mark, to_string(finding.severity),
                        escaped(finding.subject), escaped(finding.message));
    if (!finding.remedy.empty()) html += "<dd>What to do: " + escaped(finding.remedy) + "</dd>\n";
  }
  return html + "</dl>\n";
}

}  // namespace

std::string sheet_svg(const Sheet& sheet) {
  std::string svg = fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- {} -->\n", picture_mark);
  svg += opening(sheet, 0, sheet.height, "");
  svg += "<title>" + escaped(sheet.title) + "</title>\n<style>\n" + style_sheet() + "</style>\n";
  svg += rect(-8, -8, sheet.width * cell_width + 16, sheet.height * cell_height + 16, "sheet") + "\n";
  return svg + lines_of(sheet, 0, sheet.height) + "</svg>\n";
}

std::string sheet_html(const Sheet& sheet, const std::vector<MarkedFinding>& findings) {
  std::string html = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"generator\" "
      "content=\"{}\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n"
      "<style>\n{}{}</style>\n</head>\n<body>\n<h1>{}</h1>\n",
      picture_mark, escaped(sheet.title), page_style(), style_sheet(), escaped(sheet.title));
  int from = 0;
  for (const int to : sheet.breaks) {
    const bool listed_below = !findings.empty() && sheet.findings_from && from >= *sheet.findings_from;
    if (to <= from || listed_below) continue;
    html += opening(sheet, from, to, "") + lines_of(sheet, from, to) + "</svg>\n";
    from = to;
  }
  return html + findings_part(findings) + "</body>\n</html>\n";
}

}  // namespace hostsplit
