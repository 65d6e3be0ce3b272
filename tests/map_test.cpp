// hostsplit map: pictures of the recorded machines, where the names and places in them come from, and files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/error.hpp"
#include "core/base/utf8.hpp"
#include "core/picture/parts.hpp"
#include "host/inventory/picture_sources.hpp"
#include "host/store/output_file.hpp"
#include "operations/picture.hpp"
#include "operations/report/picture_report.hpp"
#include "support/machine_file.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::ElementsAre;
using testing::FakeHost;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::SplitHost;

std::string content(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

MachinePicture picture_below(const std::string& directory, bool panels = true) {
  const Root root(directory);
  return picture_of(root, observe(root), panels);
}

/// Compares with tests/golden/NAME; with HOSTSPLIT_REGENERATE=1 writes it.
void expect_golden(const std::string& name, const std::string& text) {
  const fs::path path = fs::path(TESTS_DIR) / "golden" / name;
  const char* regenerate = std::getenv("HOSTSPLIT_REGENERATE");
  if (regenerate && std::string(regenerate) == "1") {
    std::ofstream(path) << text;
    return;
  }
  ASSERT_TRUE(fs::exists(path)) << path << " is missing; write it with HOSTSPLIT_REGENERATE=1";
  EXPECT_EQ(text, content(path)) << "if this is meant: HOSTSPLIT_REGENERATE=1, then look at the difference";
}

class MapGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(MapGolden, PicturesOfTheMachine) {
  FakeHost host;
  build_machine(host, testing::machine_path(std::string(GetParam()) + ".toml"));
  const auto picture = picture_below(host.directory());
  const std::string name = std::string("map-") + GetParam();
  expect_golden(name + ".txt", sheet_text(draw_machine(picture, 80), {}));
  expect_golden(name + ".svg", sheet_svg(draw_machine(picture, 120)));
  expect_golden(name + "-panel.txt", sheet_text(draw_panels(picture, 80), {}));
}

INSTANTIATE_TEST_SUITE_P(RecordedMachines, MapGolden,
                         ::testing::Values("ehci-dl380p", "four-nodes", "small-two-nodes", "trx40-article",
                                           "trx40-creator", "x570", "z690-thunderbolt"),
                         [](const auto& parameter) {
                           std::string name = parameter.param;
                           std::erase(name, '-');
                           return name;
                         });

struct Article {
  FakeHost host;
  Article() { build_machine(host, testing::machine_path("trx40-article.toml")); }
  MachinePicture picture() const { return picture_below(host.directory()); }
};

TEST(Map, ShowsWhichSocketIsWhose) {
  const auto picture = Article().picture();
  ASSERT_EQ(picture.vms.size(), 2u);
  EXPECT_EQ(picture.vms[0].title(), "VM 101 fluent-a");
  EXPECT_THAT(picture.vms[0].sockets, ElementsAre("front-1", "front-2"));
  EXPECT_THAT(picture.vms[1].sockets, ElementsAre("rear-1", "rear-2", "rear-3", "rear-4")) << "the twin comes along";
  EXPECT_EQ(picture.vms[0].memory, (std::map<int, Kib>{{0, 56 * kib_per_gib}}));
  ASSERT_EQ(picture.controllers.size(), 4u);
  EXPECT_EQ(picture.controllers[1].vm, std::nullopt);
  EXPECT_EQ(picture.controllers[1].sockets[0].device, "USB Keyboard");
}

TEST(Map, SerialNumbersStayOut) {
  SplitHost split;
  testing::UsbSpec spec;
  spec.serial = "S3CRET";
  spec.product = "Stick";
  split.host.plug("0000:03:00.3", "2", spec);
  const auto picture = picture_below(split.host.directory());
  EXPECT_THAT(picture_json(picture), HasSubstr("Stick"));
  EXPECT_THAT(picture_json(picture), Not(HasSubstr("S3CRET")));
}

TEST(Map, FindingsMarkWhatTheyAreAbout) {
  SplitHost split;
  split.configure("[vm.101]\nnode = 0\nmemory = \"200GiB\"\ncontrollers = [\"0000:22:00.3\"]\n");
  const auto picture = picture_below(split.host.directory());
  ASSERT_FALSE(picture.findings.empty());
  const auto has = [&](const Marks& marks, const char* code) {
    return std::any_of(marks.begin(), marks.end(),
                       [&](std::size_t mark) { return picture.findings[mark].finding.code == code; });
  };
  EXPECT_TRUE(has(picture.nodes[0].marks, "pages-over-floor"));
  EXPECT_FALSE(has(picture.nodes[1].marks, "pages-over-floor"));
  for (const auto& controller : picture.controllers)
    EXPECT_EQ(has(controller.marks, "last-keyboard"), to_string(controller.address) == "0000:22:00.3");
}

TEST(Map, NamesOfControllersComeFromPciIds) {
  SplitHost split;
  const auto name = [&] { return picture_below(split.host.directory()).controllers[0].name; };
  EXPECT_EQ(name(), "") << "no pci.ids, no name";
  split.host.set_file("usr/share/misc/pci.ids", "1022  AMD\n\t148c  Starship USB 3.0 Host Controller\n");
  EXPECT_EQ(name(), "Starship USB 3.0 Host Controller");
}

TEST(Map, PlacesComeFromFirmware) {
  SplitHost split;
  const Root root(split.host.directory());
  const Snapshot snapshot = observe(root).snapshot;
  EXPECT_THAT(read_port_places(root, snapshot), IsEmpty());
  ASSERT_FALSE(snapshot.ports.empty());
  const auto& port = snapshot.ports[0];
  const std::string interface = "sys/bus/usb/devices/" + std::to_string(port.bus) + "-0:1.0";
  const auto directory = *root.resolve(interface) + "/" + port.name + "/physical_location/";
  split.host.set_file(directory + "panel", "back\n");
  split.host.set_file(directory + "vertical_position", "upper\n");
  split.host.set_file(directory + "horizontal_position", "left\n");
  split.host.set_file(directory + "dock", "no\n");
  const std::tuple key(port.controller, port.half, port.path);
  EXPECT_EQ(read_port_places(root, snapshot), (PortPlaces{{key, {"back", "upper", "left"}}}));
  split.host.set_file(directory + "dock", "yes\n");
  EXPECT_THAT(read_port_places(root, snapshot), IsEmpty()) << "not on the case";
  split.host.set_file(directory + "dock", "no\n");
  split.host.set_file(directory + "panel", "unknown\n");
  EXPECT_THAT(read_port_places(root, snapshot), IsEmpty());
}

TEST(Map, APanelWithAnUnknownLabelStopsOnlyThePanel) {
  Article article;
  const std::string file = "etc/hostsplit/hostsplit.toml";
  article.host.set_file(file, article.host.file(file) + "[panel.front]\nrows = [[\"front-9\"]]\n");
  EXPECT_NO_THROW(picture_below(article.host.directory(), false));
  EXPECT_THROW(article.picture(), Error);
  article.host.set_file(file, "version = 1\n[panel.front]\nrows = [[\"front-2\", \"front-1\"]]\n");
  const auto picture = article.picture();
  EXPECT_EQ(picture.panels_from, PanelSource::config);
  EXPECT_EQ(picture.panels[0].rows[0][0]->label, "front-2");
}

TEST(MapJson, HasTheDocumentedKeys) {
  const Json json = Json::parse(picture_json(Article().picture()));
  const auto keys = [](const Json& object) {
    std::vector<std::string> names;
    for (const auto& [key, value] : object.items()) names.push_back(key);
    return names;
  };
  using ::testing::UnorderedElementsAre;
  EXPECT_THAT(keys(json), UnorderedElementsAre("version", "configured", "vms", "nodes", "controllers", "lost", "panels",
                                               "panels_from", "findings"));
  EXPECT_THAT(keys(json["vms"][0]), UnorderedElementsAre("vm", "name", "memory", "cpus", "sockets", "marks"));
  EXPECT_THAT(keys(json["nodes"][0]), UnorderedElementsAre("node", "memory_kib", "cpus", "memory", "pages", "marks"));
  EXPECT_THAT(keys(json["controllers"][0]),
              UnorderedElementsAre("address", "kind", "name", "ids", "driver", "wanted_driver", "group", "node", "vm",
                                   "released", "sockets", "unnamed", "marks"));
  EXPECT_THAT(keys(json["controllers"][0]["sockets"][0]),
              UnorderedElementsAre("label", "controller", "usb2", "usb3", "device", "vm", "marks"));
  EXPECT_EQ(json["panels"][0]["rows"][0][0]["label"], "front-1");
  Kib all = 0;
  for (const auto& part : json["nodes"][0]["memory"]) all += part["kib"].get<Kib>();
  EXPECT_EQ(all, json["nodes"][0]["memory_kib"].get<Kib>());
}

TEST(MapText, WithoutBoxCharactersIsPlainAscii) {
  Article article;
  article.host.set_file("etc/hostsplit/hostsplit.toml", "version = 1\n[vm.101]\nname = \"前面板\"\nnode = 0\n");
  const auto text = sheet_text(draw_machine(article.picture(), 80), {.boxes = false, .utf8 = false});
  for (const char c : text) ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << text;
  EXPECT_THAT(text, HasSubstr("VM 101 ??????")) << "in as many columns as it takes";
}

TEST(MapText, NoLineIsWiderThanTheSheet) {
  const auto picture = Article().picture();
  for (const int width : {60, 80, 132}) {
    std::istringstream lines(sheet_text(draw_machine(picture, width), {.colour = true}));
    for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), static_cast<std::size_t>(width));
  }
}

TEST(MapText, ColoursAreNotTheOnlyDifference) {
  const auto picture = Article().picture();
  std::string colourful = sheet_text(draw_machine(picture, 80), {.colour = true, .many_colours = true});
  EXPECT_THAT(colourful, HasSubstr("\033[38;5;32m"));
  for (auto at = colourful.find('\033'); at != std::string::npos; at = colourful.find('\033'))
    colourful.erase(at, colourful.find('m', at) + 1 - at);
  EXPECT_EQ(colourful, sheet_text(draw_machine(picture, 80), {}));
}

TEST(MapSvg, ForeignNamesStayText) {
  SplitHost split;
  testing::UsbSpec spec;
  spec.product = "<script>&\"\x01\xff \xEF\xBF\xBE\xEF\xBF\xBF ]]>";
  split.host.plug("0000:03:00.3", "2", spec);
  const auto picture = picture_below(split.host.directory());
  for (const auto& document : {sheet_svg(draw_machine(picture, 120)), sheet_html(draw_machine(picture, 120), {})}) {
    EXPECT_THAT(document, HasSubstr("&lt;script&gt;&amp;&quot;\uFFFD\uFFFD \uFFFD\uFFFD ]]&gt;"));
    EXPECT_THAT(document, Not(HasSubstr("<script")));
    EXPECT_THAT(document, HasSubstr(picture_mark));
    EXPECT_LT(document.find(picture_mark), 512u) << "where it is looked for";
  }
}

TEST(MapHtml, HasEachFindingOnceWithWhatToDo) {
  MachinePicture picture;
  picture.findings = marked({{"c", Severity::error, "node 0", "is upside down", "Turn it"}});
  picture.nodes.push_back({0, kib_per_gib, {}, {}, {}});
  const auto html = sheet_html(draw_machine(picture, 120), picture.findings);
  const auto first = html.find("is upside down");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(html.find("is upside down", first + 1), std::string::npos);
  EXPECT_THAT(html, HasSubstr("What to do: Turn it"));
  EXPECT_THAT(html, HasSubstr("NUMA node 0"));
}

class OutputFile : public ::testing::Test {
 protected:
  fs::path directory_;
  std::string path_;

  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "hostsplit-output-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    path_ = directory_ / "map.svg";
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::size_t files() const { return static_cast<std::size_t>(std::distance(fs::directory_iterator(directory_), {})); }
  void expect_refused(const std::string& path, bool overwrite) {
    EXPECT_THROW(write_output(path, "mark two", "mark", overwrite), Error);
  }
};

TEST_F(OutputFile, IsWrittenAndReplacedWhole) {
  write_output(path_, "mark one", "mark", false);
  EXPECT_EQ(content(path_), "mark one");
  write_output(path_, "mark two", "mark", false);
  EXPECT_EQ(content(path_), "mark two");
  EXPECT_EQ(files(), 1u) << "nothing is left beside it";
}

TEST_F(OutputFile, OfAnotherKindStaysUnlessForced) {
  std::ofstream(path_) << "a letter";
  expect_refused(path_, false);
  EXPECT_EQ(content(path_), "a letter");
  write_output(path_, "mark two", "mark", true);
  EXPECT_EQ(content(path_), "mark two");
  EXPECT_EQ(files(), 1u);
}

TEST_F(OutputFile, WhatIsNoRegularFileIsNeverReplaced) {
  std::ofstream(directory_ / "letter") << "mark of its own";
  fs::create_symlink("letter", path_);
  const std::string pipe = directory_ / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::string& path : {path_, pipe, directory_.string(), (directory_ / "none" / "map.svg").string()})
    for (const bool overwrite : {false, true}) expect_refused(path, overwrite);
  EXPECT_EQ(content(directory_ / "letter"), "mark of its own");
  EXPECT_TRUE(fs::is_symlink(path_));
  EXPECT_EQ(files(), 3u);
}

}  // namespace
}  // namespace hostsplit
