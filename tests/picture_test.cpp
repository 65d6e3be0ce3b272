// The picture of the machine: what is in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/columns.hpp"
#include "core/base/error.hpp"
#include "core/picture/panels.hpp"
#include "core/picture/parts.hpp"
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

}  // namespace
}  // namespace hostsplit
