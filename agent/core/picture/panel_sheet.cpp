#include <fmt/format.h>

#include <algorithm>

#include "core/base/columns.hpp"
#include "core/base/utf8.hpp"
#include "core/picture/pieces.hpp"
#include "core/picture/sheet.hpp"

namespace hostsplit {
namespace {

using namespace pieces;

constexpr int border = 4;  // both sides with a blank each
constexpr int narrowest = 8, widest = 30;

int columns_of(const std::string& text) {
  return static_cast<int>(display_width(text));
}

std::vector<std::string> lines_of(const std::string& text, int width) {
  return wrapped(text, static_cast<std::size_t>(width));
}

/// One measure for all sockets of a panel, as they are on the case.
struct Measure {
  int width = 0;
  int name_lines = 1, owner_lines = 1;
  int height() const { return 2 + name_lines + owner_lines; }
};

Measure measure(const MachinePicture& picture, const PanelPicture& panel, int width) {
  int longest = narrowest;
  std::size_t places = 1;
  for (const auto& row : panel.rows) {
    places = std::max(places, row.size());
    for (const auto& socket : row)
      if (socket)
        longest =
            std::max({longest, columns_of(socket->name()) + border, columns_of(picture.owner(socket->vm)) + border});
  }
  const int room = column_width(width, static_cast<int>(places));
  Measure measure{std::clamp(longest, narrowest, std::clamp(room, narrowest, widest)), 1, 1};
  for (const auto& row : panel.rows)
    for (const auto& socket : row)
      if (socket) {
        const int inner = measure.width - border;
        measure.name_lines = std::max(measure.name_lines, static_cast<int>(lines_of(socket->name(), inner).size()));
        measure.owner_lines =
            std::max(measure.owner_lines, static_cast<int>(lines_of(picture.owner(socket->vm), inner).size()));
      }
  return measure;
}

Sheet draw_socket(const MachinePicture& picture, const SocketPicture& socket, const Measure& measure) {
  Sheet sheet;
  sheet.width = measure.width;
  sheet.height = measure.height();
  const Colour colour = picture.colour_of(socket.vm);
  sheet.boxes.push_back({0, 0, measure.width, measure.height(), false, colour});
  const auto centred = [&](const std::vector<std::string>& lines, int y, TextRole role, Colour in) {
    for (const auto& line : lines) sheet.texts.push_back({(measure.width - columns_of(line)) / 2, y++, line, role, in});
  };
  const int inner = measure.width - border;
  centred(lines_of(socket.name(), inner), 1, socket.label.empty() ? TextRole::muted : TextRole::strong, {});
  centred(lines_of(picture.owner(socket.vm), inner), 1 + measure.name_lines, TextRole::plain, colour);
  return sheet;
}

Sheet draw_panel(const MachinePicture& picture, const PanelPicture& panel, int width) {
  const Measure all = measure(picture, panel, width - border);
  std::size_t places = 1;
  for (const auto& row : panel.rows) places = std::max(places, row.size());
  const int inner = static_cast<int>(places) * (all.width + gap) - gap;
  Box box(picture, std::max(inner + border, columns_of(panel.title) + border), panel.title, {}, {});
  for (const auto& row : panel.rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      if (row[i])
        place(box.sheet(), draw_socket(picture, *row[i], all), box.left() + static_cast<int>(i) * (all.width + gap),
              box.next_line());
    box.skip(all.height());
  }
  return box.done(true);
}

const char* source_text(PanelSource source) {
  switch (source) {
    case PanelSource::config: return "Places as in hostsplit.toml.";
    case PanelSource::firmware: return "Places as the firmware of this machine tells them.";
    case PanelSource::controllers: return "Places are unknown: draw them under [panel] in hostsplit.toml(5).";
  }
  return "";
}

}  // namespace

Sheet draw_panels(const MachinePicture& picture, int width) {
  Sheet sheet;
  sheet.title = "hostsplit: the sockets of the case";
  const int narrow = std::max(width, narrowest_sheet);
  std::vector<Sheet> panels;
  for (const auto& panel : picture.panels) panels.push_back(draw_panel(picture, panel, narrow));
  sheet.width = narrowest_sheet;
  for (const auto& panel : panels) sheet.width = std::max(sheet.width, panel.width);
  for (const auto& panel : panels) {
    place(sheet, panel, 0, sheet.height);
    sheet.height += panel.height;
    sheet.breaks.push_back(sheet.height);
  }
  const std::string note =
      panels.empty() ? "No socket has a name yet. Learn them: hostsplit learn" : source_text(picture.panels_from);
  for (auto& line : wrapped(note, static_cast<std::size_t>(sheet.width)))
    sheet.texts.push_back({0, sheet.height++, std::move(line), TextRole::muted, {}});
  sheet.breaks.push_back(sheet.height);
  return sheet;
}

}  // namespace hostsplit
