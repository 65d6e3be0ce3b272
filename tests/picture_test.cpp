// The picture of the machine: what is in it, and that the drawing holds together on machines of every size.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/columns.hpp"
#include "core/base/error.hpp"
#include "core/base/utf8.hpp"
#include "core/picture/panels.hpp"
#include "core/picture/parts.hpp"
#include "core/picture/sheet.hpp"
#include "formats/pci/pci_ids.hpp"
#include "formats/toml/documents.hpp"

namespace hostsplit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Columns

TEST(Columns, ACutTextEndsWithAnEllipsisAndNeverInTheMiddleOfAWideCharacter) {
  EXPECT_EQ(cut_to("front-1", 7), "front-1");
  EXPECT_EQ(cut_to("front-1", 6), "front…");
  EXPECT_EQ(cut_to("前面板1号口", 11), "前面板1号口");
  EXPECT_EQ(cut_to("前面板1号口", 6), "前面…");
  EXPECT_EQ(cut_to("前面板1号口", 5), "前面…");
  EXPECT_EQ(cut_to("abc", 1), "…");
  EXPECT_EQ(cut_to("abc", 0), "");
}

TEST(Columns, LinesPartAtBlanksAndLongWordsBetweenCharacters) {
  EXPECT_THAT(wrapped("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(wrapped("a  b", 3), ElementsAre("a b"));
  EXPECT_THAT(wrapped("abcdefgh ij", 3), ElementsAre("abc", "def", "gh", "ij"));
  EXPECT_THAT(wrapped("abcdef", 3), ElementsAre("abc", "def"));
  EXPECT_THAT(wrapped("前面板1号口", 5), ElementsAre("前面", "板1号", "口"));
  EXPECT_THAT(wrapped("", 3), ElementsAre(""));
  EXPECT_THAT(wrapped("前", 1), ElementsAre("前")) << "never an endless loop";
}

TEST(Columns, MarksStayWithTheirLetters) {
  EXPECT_THAT(wrapped("e\u0301e\u0301e\u0301", 2), ElementsAre("e\u0301e\u0301", "e\u0301"));
}

// Parts of a node

Config two_vms() {
  Config config;
  for (const auto& [id, cpus] : {std::pair(101, CpuSet{0, 1}), std::pair(102, CpuSet{3})}) {
    config.vms[id].id = id;
    config.vms[id].cpus = cpus;
  }
  return config;
}

NumaNode node_with(int id, CpuSet cpus, Kib memory = 0) {
  NumaNode node;
  node.id = id;
  node.cpus = std::move(cpus);
  node.memory = memory;
  return node;
}

TEST(PictureParts, CpusOfANodeAreThoseOfVmsAndTheRest) {
  std::map<int, NumaNode> nodes;
  nodes[0] = node_with(0, {0, 1, 2, 3});
  nodes[1] = node_with(1, {4});
  EXPECT_THAT(cpu_parts(nodes[0], nodes, two_vms()),
              ElementsAre(CpuPart{101, {0, 1}}, CpuPart{102, {3}}, CpuPart{std::nullopt, {2}}));
  EXPECT_THAT(cpu_parts(nodes[1], nodes, two_vms()), ElementsAre(CpuPart{std::nullopt, {4}}));
}

TEST(PictureParts, MemoryOfANodeAddsUp) {
  NumaNode node = node_with(0, {}, 32 * kib_per_gib);
  node.pools = {{2048, 512, 512, 0}, {kib_per_gib, 24, 4, 0}};
  BootPlan target;
  target.reservations = {{0, kib_per_gib, 20, {101, 102}, {{101, 8}, {102, 10}}, {{114, 2}}},
                         {1, kib_per_gib, 50, {103}, {{103, 50}}}};
  const auto parts = memory_parts(node, target, 4 * kib_per_gib);
  EXPECT_THAT(parts, ElementsAre(MemoryPart{MemoryUse::vm, 101, 8 * kib_per_gib},
                                 MemoryPart{MemoryUse::vm, 102, 10 * kib_per_gib},
                                 MemoryPart{MemoryUse::others, std::nullopt, 2 * kib_per_gib},
                                 MemoryPart{MemoryUse::spare, std::nullopt, 5 * kib_per_gib},
                                 MemoryPart{MemoryUse::floor, std::nullopt, 4 * kib_per_gib},
                                 MemoryPart{MemoryUse::free, std::nullopt, 3 * kib_per_gib}));
  EXPECT_THAT(wanted_pools(node, target), ElementsAre(PoolPicture{kib_per_gib, 24, 20}));
}

TEST(PictureParts, MoreThanThereIsLeavesNothingFree) {
  const NumaNode node = node_with(0, {}, 8 * kib_per_gib);
  BootPlan target;
  target.reservations = {{0, kib_per_gib, 16, {101}, {{101, 16}}}};
  EXPECT_THAT(memory_parts(node, target, std::nullopt), ElementsAre(MemoryPart{MemoryUse::vm, 101, 16 * kib_per_gib}));
}

TEST(PictureParts, SizesArePrintedInTheUnitPeopleCompare) {
  EXPECT_EQ(rounded_size(4 * kib_per_gib), "4 GiB");
  EXPECT_EQ(rounded_size(4 * kib_per_gib - 100), "4 GiB");
  EXPECT_EQ(rounded_size(kib_per_gib * 39 / 10), "3.9 GiB");
  EXPECT_EQ(rounded_size(1536), "1.5 MiB");
  EXPECT_EQ(rounded_size(12), "12 KiB");
}

// Findings

TEST(PictureMarks, AreNumberedBySeverityAndPointAtTheirSubject) {
  const auto findings = marked({{"a", Severity::warning, "node 10", "m", ""},
                                {"b", Severity::info, "node 1", "is not drawn", ""},
                                {"c", Severity::error, "VM 101 (fluent-a)", "m\x1b", "r"},
                                {"d", Severity::error, "front", "m", ""},
                                {"e", Severity::warning, "front 2", "m", ""}});
  ASSERT_EQ(findings.size(), 4u);
  EXPECT_EQ(findings[0].mark, "E1");
  EXPECT_EQ(findings[0].finding.message, "m\uFFFD");
  EXPECT_EQ(findings[2].mark, "W1");
  EXPECT_THAT(marks_about(findings, "node 1"), ElementsAre());
  EXPECT_THAT(marks_about(findings, "node 10"), ElementsAre(2));
  EXPECT_THAT(marks_about(findings, "VM 101"), ElementsAre(0));
  EXPECT_THAT(marks_about(findings, "VM 10"), ElementsAre());
  EXPECT_THAT(marks_on_label(findings, "front"), ElementsAre(1)) << "not what is about the socket \"front 2\"";
}

// Panels

SocketPicture socket(const std::string& label, const char* address, const std::string& path) {
  return {label, parse_pci_address(address), path, std::nullopt, {}, {}};
}

std::vector<std::vector<std::string>> names(const PanelPicture& panel) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& row : panel.rows) {
    rows.emplace_back();
    for (const auto& place : row) rows.back().push_back(place ? place->name() : "");
  }
  return rows;
}

TEST(Panels, ByHandWithGapsAndWhatIsLeftOver) {
  const auto config = parse_config("version = 1\n[panel.rear]\nrows = [[\"r1\", \"\"], [\"r2\"]]\n", "f");
  PanelSource source{};
  const auto panels = panels_of(config.panels,
                                {socket("r2", "03:00.3", "2"), socket("r1", "03:00.3", "1"),
                                 socket("x", "03:00.3", "3"), socket("", "03:00.3", "4")},
                                {}, source);
  EXPECT_EQ(source, PanelSource::config);
  ASSERT_EQ(panels.size(), 2u);
  EXPECT_EQ(panels[0].title, "rear");
  EXPECT_THAT(names(panels[0]), ElementsAre(ElementsAre("r1", ""), ElementsAre("r2")));
  EXPECT_EQ(panels[1].title, "on no panel");
  EXPECT_THAT(names(panels[1]), ElementsAre(ElementsAre("x")));
}

TEST(Panels, FromFirmwareInRowsAsTheyAreOnTheCase) {
  const auto at = [](const char* path) { return std::tuple(*parse_pci_address("03:00.3"), UsbHalf::usb2, path); };
  PortPlaces places;
  places[at("1")] = {"back", "lower", "left"};
  places[at("2")] = {"back", "upper", "right"};
  places[at("3")] = {"back", "upper", "left"};
  places[at("4")] = {"front", "center", "center"};
  PanelSource source{};
  const auto panels = panels_of({},
                                {socket("a", "03:00.3", "1"), socket("b", "03:00.3", "2"), socket("", "03:00.3", "3"),
                                 socket("d", "03:00.3", "4"), socket("e", "03:00.3", "5")},
                                places, source);
  EXPECT_EQ(source, PanelSource::firmware);
  ASSERT_EQ(panels.size(), 3u);
  EXPECT_EQ(panels[0].title, "front");
  EXPECT_EQ(panels[1].title, "back");
  EXPECT_THAT(names(panels[1]), ElementsAre(ElementsAre("port 3", "b"), ElementsAre("a")));
  EXPECT_THAT(names(panels[2]), ElementsAre(ElementsAre("e")));
}

TEST(Panels, ByControllerWhereNobodyKnowsMore) {
  PanelSource source{};
  const auto panels =
      panels_of({}, {socket("a", "03:00.3", "1"), socket("b", "44:00.1", "1"), socket("", "44:00.1", "2")}, {}, source);
  EXPECT_EQ(source, PanelSource::controllers);
  ASSERT_EQ(panels.size(), 2u);
  EXPECT_EQ(panels[1].title, "controller 0000:44:00.1");
  EXPECT_THAT(names(panels[1]), ElementsAre(ElementsAre("b")));
}

TEST(Panels, ALabelNobodyLearnedIsAnErrorWithItsPlace) {
  const auto config = parse_config("version = 1\n[panel.\"后\"]\nrows = [\n[\"rear-1\"],\n[\"raer-2\"]]\n", "f.toml");
  PortMap ports;
  ports.ports.resize(2);
  ports.ports[0].label = "rear-1";
  ports.ports[1].label = "rear-2";
  try {
    check_panels(config, ports);
    FAIL() << "it was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::bad_input);
    EXPECT_EQ(error.object(), "f.toml:5: panel.后.rows");
    EXPECT_THAT(error.remedy(), HasSubstr("rear-2"));
  }
  ports.ports[1].label = "raer-2";
  EXPECT_NO_THROW(check_panels(config, ports));
}

// pci.ids

TEST(PciIds, NamesOfDevicesOrOfTheirVendors) {
  const std::string text =
      "# comment\n1022  Advanced Micro Devices, Inc. [AMD]\n\t148c  Starship USB 3.0 Host Controller\n"
      "\t\t148c 0001  A subsystem\n\t149c  Matisse\x1b USB\n1b21  ASMedia\n\t148c  Another\nC 0c  Serial bus "
      "controller\n"
      "\t03  USB controller\n";
  const auto names = pci_names(text, {{0x1022, 0x148c}, {0x1022, 0x149c}, {0x1b21, 1}, {0x8086, 1}, {0, 3}});
  EXPECT_EQ(names.size(), 3u);
  EXPECT_EQ(names.at({0x1022, 0x148c}), "Starship USB 3.0 Host Controller");
  EXPECT_EQ(names.at({0x1022, 0x149c}), "Matisse\uFFFD USB");
  EXPECT_EQ(names.at({0x1b21, 1}), "ASMedia");
}

// The drawing

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

/// Cells that titles and their marks take.
std::set<std::pair<int, int>> titled(const Sheet& sheet) {
  std::set<std::pair<int, int>> cells;
  for (const auto& text : sheet.texts)
    for (int x = 0; text.on_border && x < static_cast<int>(display_width(text.text)); ++x)
      cells.insert({text.x + x, text.y});
  for (const auto& mark : sheet.marks)
    for (int x = 0; mark.on_border && x < static_cast<int>(mark.text.size()); ++x) cells.insert({mark.x + x, mark.y});
  return cells;
}

/// The cells of a border are a box's own, but for titles in its top line, with a cell of border on either side.
void expect_clear_border(const SheetBox& box, const std::map<std::pair<int, int>, std::string>& taken,
                         const std::set<std::pair<int, int>>& titles) {
  const int right = box.x + box.width - 1, bottom = box.y + box.height - 1;
  const auto clear = [&](int x, int y) {
    const auto at = taken.find({x, y});
    const bool may = y == box.y && x > box.x + 1 && x < right - 1 && titles.contains({x, y});
    ASSERT_TRUE(at == taken.end() || may) << at->second << " crosses a border at " << x << "," << y;
  };
  for (int x = box.x; x <= right; ++x) {
    ASSERT_NO_FATAL_FAILURE(clear(x, box.y));
    ASSERT_NO_FATAL_FAILURE(clear(x, bottom));
  }
  for (int y = box.y; y <= bottom; ++y) {
    ASSERT_NO_FATAL_FAILURE(clear(box.x, y));
    ASSERT_NO_FATAL_FAILURE(clear(right, y));
  }
}

void expect_sound(const Sheet& sheet) {
  // By cell, not by pair: sheets of large machines have thousands of texts.
  std::map<std::pair<int, int>, std::string> taken;
  const auto things = small_things(sheet);
  const auto titles = titled(sheet);
  for (const auto& thing : things) {
    EXPECT_TRUE(thing.x >= 0 && thing.y >= 0 && thing.x + thing.width <= sheet.width && thing.y < sheet.height)
        << thing.what << " is outside";
    for (int x = thing.x; x < thing.x + thing.width; ++x) {
      const auto [at, fresh] = taken.try_emplace({x, thing.y}, thing.what);
      ASSERT_TRUE(fresh) << thing.what << " lies on " << at->second << " at " << x << "," << thing.y;
    }
  }
  for (std::size_t i = 0; i < sheet.boxes.size(); ++i) {
    const Cells box = cells(sheet.boxes[i]);
    EXPECT_TRUE(box.x >= 0 && box.y >= 0 && box.x + box.width <= sheet.width && box.y + box.height <= sheet.height);
    for (std::size_t other = 0; other < i; ++other)
      ASSERT_TRUE(apart(box, cells(sheet.boxes[other])) || inside(box, cells(sheet.boxes[other])))
          << "box " << i << " crosses box " << other;
    ASSERT_NO_FATAL_FAILURE(expect_clear_border(sheet.boxes[i], taken, titles));
  }
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
