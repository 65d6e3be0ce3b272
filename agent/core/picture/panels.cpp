#include "core/picture/panels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "core/base/error.hpp"
#include "core/base/suggestion.hpp"

namespace hostsplit {
namespace {

constexpr std::size_t most_in_a_row = 8;  // no panel has more side by side
constexpr std::size_t unplaced_in_a_row = 4;

using Row = std::vector<std::optional<SocketPicture>>;

std::string remedy_for(const std::string& label, const PortMap& ports) {
  std::vector<std::string> known;
  for (const auto& port : ports.ports) known.push_back(port.label);
  if (const auto meant = nearest(label, known)) return "Did you mean \"" + *meant + "\"?";
  if (known.empty()) return "Learn it first: hostsplit learn.";
  return "hostsplit ports lists the labels there are; hostsplit learn adds one.";
}

/// Sockets whose places nobody knows.
std::vector<Row> in_rows(const std::vector<SocketPicture>& sockets) {
  std::vector<Row> rows;
  for (const auto& socket : sockets) {
    if (rows.empty() || rows.back().size() == unplaced_in_a_row) rows.emplace_back();
    rows.back().emplace_back(socket);
  }
  return rows;
}

void add_panel(std::vector<PanelPicture>& panels, std::string title, const std::vector<SocketPicture>& sockets) {
  if (!sockets.empty()) panels.push_back({std::move(title), in_rows(sockets)});
}

std::vector<SocketPicture> named(const std::vector<SocketPicture>& sockets) {
  std::vector<SocketPicture> list;
  for (const auto& socket : sockets)
    if (!socket.label.empty()) list.push_back(socket);
  return list;
}

std::vector<PanelPicture> drawn_by_hand(const std::vector<PanelRows>& by_hand,
                                        const std::vector<SocketPicture>& sockets) {
  std::vector<PanelPicture> panels;
  std::set<std::string> placed;
  for (const auto& panel : by_hand) {
    PanelPicture picture{panel.name, {}};
    for (const auto& labels : panel.rows) {
      Row row;
      for (const auto& label : labels) {
        const auto at = std::find_if(sockets.begin(), sockets.end(), [&](const SocketPicture& socket) {
          return !label.text.empty() && socket.label == label.text;
        });
        row.push_back(at == sockets.end() ? std::nullopt : std::optional(*at));
        placed.insert(label.text);
      }
      picture.rows.push_back(std::move(row));
    }
    panels.push_back(std::move(picture));
  }
  std::vector<SocketPicture> rest = named(sockets);
  std::erase_if(rest, [&](const SocketPicture& socket) { return placed.contains(socket.label); });
  add_panel(panels, "on no panel", rest);
  return panels;
}

const PortPlace* place_of(const SocketPicture& socket, const PortPlaces& places) {
  if (!socket.controller) return nullptr;
  for (const auto& [half, path] : {std::pair(UsbHalf::usb3, socket.usb3), std::pair(UsbHalf::usb2, socket.usb2)})
    if (path)
      if (const auto at = places.find({*socket.controller, half, *path}); at != places.end()) return &at->second;
  return nullptr;
}

std::size_t rank(const std::string& word, std::initializer_list<const char*> order) {
  return static_cast<std::size_t>(std::find(order.begin(), order.end(), word) - order.begin());
}

/// Firmware knows thirds of a panel, not columns: sockets of one third stand in the order of their controllers.
std::vector<PanelPicture> placed_by_firmware(const std::vector<SocketPicture>& sockets, const PortPlaces& places) {
  struct Placed {
    std::size_t panel, vertical, horizontal;
    const SocketPicture* socket;
    std::string name;
  };
  std::vector<Placed> list;
  std::vector<SocketPicture> rest;
  for (const auto& socket : sockets) {
    if (const PortPlace* place = place_of(socket, places))
      list.push_back({rank(place->panel, {"front", "back", "top", "left", "right", "bottom"}),
                      rank(place->vertical, {"upper", "center", "lower"}),
                      rank(place->horizontal, {"left", "center", "right"}), &socket, place->panel});
    else if (!socket.label.empty())
      rest.push_back(socket);
  }
  std::stable_sort(list.begin(), list.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.panel, a.vertical, a.horizontal) < std::tie(b.panel, b.vertical, b.horizontal);
  });
  std::vector<PanelPicture> panels;
  for (const auto& one : list) {
    const bool new_panel = panels.empty() || panels.back().title != one.name;
    if (new_panel) panels.push_back({one.name, {}});
    auto& rows = panels.back().rows;
    const bool new_row = new_panel || (&one != list.data() && (&one - 1)->vertical != one.vertical);
    if (new_row || rows.back().size() == most_in_a_row) rows.emplace_back();
    rows.back().emplace_back(*one.socket);
  }
  add_panel(panels, "on no panel", rest);
  return panels;
}

std::vector<PanelPicture> by_controller(const std::vector<SocketPicture>& sockets) {
  std::map<std::optional<PciAddress>, std::vector<SocketPicture>> of;
  for (const auto& socket : named(sockets)) of[socket.controller].push_back(socket);
  std::vector<PanelPicture> panels;
  for (const auto& [controller, list] : of)
    add_panel(panels, controller ? "controller " + to_string(*controller) : "controller not found", list);
  return panels;
}

}  // namespace

void check_panels(const Config& config, const PortMap& ports) {
  for (const auto& panel : config.panels)
    for (const auto& row : panel.rows)
      for (const auto& label : row)
        if (!label.text.empty() && !ports.find(label.text))
          throw bad_line(config.file, label.line, fmt::format("panel.{}.rows", panel.name),
                         fmt::format("no socket is called \"{}\"", label.text), remedy_for(label.text, ports));
}

std::vector<PanelPicture> panels_of(const std::vector<PanelRows>& by_hand, const std::vector<SocketPicture>& sockets,
                                    const PortPlaces& places, PanelSource& source) {
  source = PanelSource::config;
  if (!by_hand.empty()) return drawn_by_hand(by_hand, sockets);
  source = PanelSource::firmware;
  const bool tells = std::any_of(sockets.begin(), sockets.end(),
                                 [&](const SocketPicture& socket) { return place_of(socket, places) != nullptr; });
  if (tells) return placed_by_firmware(sockets, places);
  source = PanelSource::controllers;
  return by_controller(sockets);
}

}  // namespace hostsplit
