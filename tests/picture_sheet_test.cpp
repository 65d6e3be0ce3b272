// The picture of the machine on its sheet: the drawing holds together on machines of every size.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/utf8.hpp"
#include "core/picture/panels.hpp"
#include "core/picture/parts.hpp"
#include "core/picture/sheet.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;

struct Cells {
  int x, y, width, height;
  std::string what;
};

bool inside(const Cells& a, const Cells& b) {
  return a.x > b.x && a.y > b.y && a.x + a.width < b.x + b.width && a.y + a.height < b.y + b.height;
}

bool apart(const Cells& a, const Cells& b) {
  return a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
}

Cells cells(const SheetBox& box) {
  return {box.x, box.y, box.width, box.height, "box"};
}

std::vector<Cells> small_things(const Sheet& sheet) {
  std::vector<Cells> list;
  for (const auto& text : sheet.texts)
    if (!text.text.empty()) list.push_back({text.x, text.y, static_cast<int>(display_width(text.text)), 1, text.text});
  for (const auto& mark : sheet.marks)
    list.push_back({mark.x, mark.y, static_cast<int>(display_width(mark.text)), 1, mark.text});
  for (const auto& bar : sheet.bars) list.push_back({bar.x, bar.y, bar.width, 1, "bar"});
  for (const auto& dot : sheet.dots) list.push_back({dot.x, dot.y, 1, 1, "dot"});
  return list;
}

/// Which thing takes each cell of a sheet; things that are titles on a border are counted apart.
struct Grid {
  int width, height;
  std::vector<std::string> taken;
  std::vector<bool> title;

  explicit Grid(const Sheet& sheet)
      : width(sheet.width),
        height(sheet.height),
        taken(static_cast<std::size_t>(width * height)),
        title(taken.size()) {}
  std::size_t at(int x, int y) const { return static_cast<std::size_t>(y * width + x); }
};

void take(Grid& grid, const Cells& thing) {
  ASSERT_TRUE(thing.x >= 0 && thing.y >= 0 && thing.x + thing.width <= grid.width && thing.y < grid.height)
      << thing.what << " is outside";
  for (int x = thing.x; x < thing.x + thing.width; ++x) {
    auto& cell = grid.taken[grid.at(x, thing.y)];
    ASSERT_EQ(cell, "") << "under " << thing.what << " at " << x << "," << thing.y;
    cell = thing.what;
  }
}

void note_titles(const Sheet& sheet, Grid& grid) {
  for (const auto& text : sheet.texts)
    for (int x = 0; text.on_border && x < static_cast<int>(display_width(text.text)); ++x)
      grid.title[grid.at(text.x + x, text.y)] = true;
  for (const auto& mark : sheet.marks)
    for (int x = 0; mark.on_border && x < static_cast<int>(mark.text.size()); ++x)
      grid.title[grid.at(mark.x + x, mark.y)] = true;
}

/// The cells of a border are a box's own, but for titles in its top line, with a cell of border on either side.
void expect_clear_border(const SheetBox& box, const Grid& grid) {
  const int right = box.x + box.width - 1, bottom = box.y + box.height - 1;
  const auto clear = [&](int x, int y) {
    const auto at = grid.at(x, y);
    const bool may = y == box.y && x > box.x + 1 && x < right - 1 && grid.title[at];
    ASSERT_TRUE(grid.taken[at].empty() || may) << grid.taken[at] << " crosses a border at " << x << "," << y;
  };
  for (int x = box.x; x <= right; ++x)
    for (const int y : {box.y, bottom}) ASSERT_NO_FATAL_FAILURE(clear(x, y));
  for (int y = box.y; y <= bottom; ++y)
    for (const int x : {box.x, right}) ASSERT_NO_FATAL_FAILURE(clear(x, y));
}

void expect_boxes_apart(const Sheet& sheet, const Grid& grid) {
  for (std::size_t i = 0; i < sheet.boxes.size(); ++i) {
    const Cells box = cells(sheet.boxes[i]);
    ASSERT_TRUE(box.x >= 0 && box.y >= 0 && box.x + box.width <= sheet.width && box.y + box.height <= sheet.height);
    for (std::size_t other = 0; other < i; ++other)
      ASSERT_TRUE(apart(box, cells(sheet.boxes[other])) || inside(box, cells(sheet.boxes[other])))
          << "box " << i << " crosses box " << other;
    ASSERT_NO_FATAL_FAILURE(expect_clear_border(sheet.boxes[i], grid));
  }
}

void expect_sound(const Sheet& sheet) {
  Grid grid(sheet);
  for (const auto& thing : small_things(sheet)) ASSERT_NO_FATAL_FAILURE(take(grid, thing));
  note_titles(sheet, grid);
  ASSERT_NO_FATAL_FAILURE(expect_boxes_apart(sheet, grid));
  for (const auto& bar : sheet.bars) {
    int width = 0;
    for (const auto& part : bar.parts) {
      width += part.width;
      EXPECT_GT(part.width, 0);
      EXPECT_LT(static_cast<int>(display_width(part.label)), part.width);
    }
    EXPECT_EQ(width, bar.width);
  }
  for (const int line : sheet.breaks)
    for (const auto& box : sheet.boxes) EXPECT_TRUE(line <= box.y || line >= box.y + box.height) << "a page cuts a box";
}

const std::string chinese =
    "前面板左侧第一个蓝色接口前面板左侧第一个蓝色接口前面板左侧第一个蓝色接口前面板左侧第一个蓝色接口前面板";

std::string label_number(std::size_t number) {
  switch (number % 4) {
    case 0: return "front-" + std::to_string(number);
    case 1: return std::string(60, 'W') + std::to_string(number % 10000);
    case 2: return chinese + std::to_string(number);
    default: return "two words " + std::to_string(number);
  }
}

SocketPicture drawn_socket(std::size_t number, const std::optional<int>& vm, const PciAddress& controller) {
  SocketPicture socket{label_number(number), controller, "1", "1", "", vm};
  if (number % 3 == 0) socket.device = number % 2 ? "DataTraveler" : std::string(90, 'D') + "键盘";
  for (std::size_t i = 0; i < number % 5; ++i) socket.marks.push_back(i);
  return socket;
}

/// Everything that can be long is, somewhere.
MachinePicture machine(int nodes, std::size_t ports, int vms) {
  MachinePicture picture;
  picture.configured = vms != 0;
  std::vector<Finding> findings;
  for (int i = 0; i < 40; ++i)
    findings.push_back({"c", i % 2 ? Severity::error : Severity::warning, "node " + std::to_string(i),
                        std::string(static_cast<std::size_t>(i) * 7, 'x') + " is wrong with 这台机器", ""});
  picture.findings = marked(findings);
  Marks all;
  for (std::size_t i = 0; i < picture.findings.size(); ++i) all.push_back(i);
  for (int vm = 0; vm < vms; ++vm)
    picture.vms.push_back({101 + vm,
                           vm % 2 ? chinese : "fluent-a",
                           {{vm % nodes, 8 * kib_per_gib}},
                           *parse_cpu_set("0,2,4,6,8,10,12,14,16,18,20,22,24,26,28,30,32-63,96-127"),
                           {},
                           vm % 3 ? Marks{} : all});
  for (int node = 0; node < nodes; ++node) {
    NodePicture drawn{node, 64 * kib_per_gib, {{std::nullopt, {node}}}, {}, {{2048, 1, 512}}, node % 2 ? all : Marks{}};
    for (int vm = 0; vm < vms; ++vm) drawn.memory_parts.push_back({MemoryUse::vm, 101 + vm, 1 + kib_per_gib * vm});
    drawn.memory_parts.push_back({MemoryUse::floor, std::nullopt, 1});
    drawn.memory_parts.push_back({MemoryUse::free, std::nullopt, 40 * kib_per_gib});
    picture.nodes.push_back(std::move(drawn));
  }
  std::vector<SocketPicture> sockets;
  for (std::size_t port = 0; port < ports; ++port) {
    const auto number = static_cast<std::uint8_t>(port / 7);
    const PciAddress address{0, number, 0, 3};
    const std::optional<int> vm = port % 2 && vms ? std::optional(101 + number % vms) : std::nullopt;
    if (port % 7 == 0) {
      ControllerPicture controller;
      controller.address = address;
      controller.kind = "xhci";
      controller.name = number % 2 ? std::string(120, 'N') : "Starship USB 3.0 Host Controller";
      controller.ids = "1022:148c";
      controller.driver = "xhci_hcd";
      controller.wanted_driver = number % 3 ? "vfio-pci" : "xhci_hcd";
      controller.group = number % 5 ? std::optional<int>(number) : std::nullopt;
      controller.node = number % 4 ? std::optional<int>(number % (nodes + 1)) : std::nullopt;
      controller.vm = vm;
      controller.unnamed = number;
      controller.marks = number % 6 ? Marks{} : all;
      picture.controllers.push_back(std::move(controller));
    }
    sockets.push_back(drawn_socket(port, vm, address));
    picture.controllers.back().sockets.push_back(sockets.back());
  }
  if (ports > 10) picture.lost.push_back(sockets[2]);
  picture.panels = panels_of({}, sockets, {}, picture.panels_from);
  PanelPicture wide{"back", {{}, {}}};
  for (std::size_t i = 0; i < std::min<std::size_t>(sockets.size(), 32); ++i) {
    wide.rows[i % 2].emplace_back(sockets[i]);
    wide.rows[i % 2].emplace_back(std::nullopt);
  }
  picture.panels.push_back(std::move(wide));
  return picture;
}

TEST(PictureSheet, NothingOverlapsOnMachinesOfEverySize) {
  for (const int nodes : {1, 2, 5, 16})
    for (const std::size_t ports : {0, 1, 12, 200})
      for (const int vms : {0, 1, 9, 100})
        for (const int width : {60, 80, 200}) {
          SCOPED_TRACE(fmt::format("{} nodes, {} ports, {} VMs, {} columns", nodes, ports, vms, width));
          const auto picture = machine(nodes, ports, vms);
          const Sheet sheet = draw_machine(picture, width);
          EXPECT_EQ(sheet.width, width);
          ASSERT_NO_FATAL_FAILURE(expect_sound(sheet));
          ASSERT_NO_FATAL_FAILURE(expect_sound(draw_panels(picture, width)));
        }
}

TEST(PictureSheet, EveryVmSocketAndFindingIsNamedInText) {
  const auto picture = machine(2, 14, 2);
  const Sheet sheet = draw_machine(picture, 120);
  std::string all;
  for (const auto& text : sheet.texts) all += text.full.empty() ? text.text + "\n" : text.full + "\n";
  for (const auto& vm : picture.vms) EXPECT_THAT(all, HasSubstr(vm.title()));
  for (const auto& controller : picture.controllers) {
    EXPECT_THAT(all, HasSubstr(to_string(controller.address)));
    for (const auto& socket : controller.sockets) EXPECT_THAT(all, HasSubstr(socket.label));
  }
  for (const auto& finding : picture.findings) {
    const auto has = [&](const SheetMark& mark) { return mark.text == finding.mark && mark.x == 0; };
    EXPECT_TRUE(std::any_of(sheet.marks.begin(), sheet.marks.end(), has)) << finding.mark << " is in the list";
  }
}

TEST(PictureSheet, TheBarIsInProportion) {
  MachinePicture picture;
  picture.vms.push_back({101, "a", {}, {}, {}});
  picture.nodes.push_back({0,
                           100 * kib_per_gib,
                           {},
                           {{MemoryUse::vm, 101, 50 * kib_per_gib},
                            {MemoryUse::floor, std::nullopt, 1},
                            {MemoryUse::free, std::nullopt, 50 * kib_per_gib}},
                           {}});
  const Sheet sheet = draw_machine(picture, 104);
  ASSERT_EQ(sheet.bars.size(), 1u);
  const auto& parts = sheet.bars[0].parts;
  ASSERT_EQ(parts.size(), 3u);
  EXPECT_NEAR(parts[0].width, 50, 1);
  EXPECT_EQ(parts[1].width, 1) << "small, but there";
  EXPECT_NEAR(parts[2].width, 50, 1);
  EXPECT_EQ(parts[0].label, "101");
  EXPECT_EQ(parts[1].label, "");
}

}  // namespace
}  // namespace hostsplit
