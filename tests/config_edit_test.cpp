// hostsplit.toml edited by setup: values change in their place, everything else stays.
#include "formats/toml/config_edit.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.hpp"
#include "core/base/sha1.hpp"
#include "core/base/text_diff.hpp"
#include "formats/toml/documents.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;

VmWish wish(int id, int node, Kib gib, const std::vector<std::string>& ports) {
  VmWish vm;
  vm.id = id;
  vm.node = node;
  vm.memory = gib * kib_per_gib;
  for (const auto& port : ports) vm.ports.push_back({port, 0});
  return vm;
}

Config changed(const std::string& text, const std::function<void(Config&)>& change) {
  Config config = parse_config(text, "f");
  change(config);
  return config;
}

constexpr auto commented = R"(# Ours.
version = 1   # of the format

[host]
keep_free = "8GiB"  # never less

# Anna's
[vm.101]
name   = "fluent-a"
node   = 0
memory = "40GiB"    # was 32
ports  = [
  "front-1",        # left
  "front-2",
]
# end of Anna's

[vm.102]
node   = 1
memory = "40GiB"

[enforce]
drift = "report"
)";

TEST(EditConfig, ANewFileIsWrittenWhole) {
  Config config;
  config.guests = GuestPolicy::set;
  config.vms[101] = wish(101, 0, 56, {"front-1", "front-2"});
  config.vms[101].name = "fluent-a";
  EXPECT_EQ(edit_config("", "f", config),
            "# Written by hostsplit setup. It is yours to edit: comments and order stay when setup changes a value.\n"
            "# hostsplit.toml(5) explains every key; nothing takes effect before hostsplit apply.\n"
            "version = 1\n\n[proxmox]\nvms = \"set\"\n\n[vm.101]\nname = \"fluent-a\"\nnode = 0\nmemory = \"56GiB\"\n"
            "ports = [\"front-1\", \"front-2\"]\n");
}

TEST(EditConfig, WhatIsTheSameStaysByteForByte) {
  EXPECT_EQ(edit_config(commented, "f", parse_config(commented, "f")), commented);
}

TEST(EditConfig, AValueChangesInItsPlace) {
  const auto text = edit_config(commented, "f", changed(commented, [](Config& c) {
                                  c.vms[101].memory = 56 * kib_per_gib;
                                  c.keep_free = 4 * kib_per_gib;
                                }));
  std::string expected = commented;
  expected.replace(expected.find("\"40GiB\"    #"), 7, "\"56GiB\"");
  expected.replace(expected.find("\"8GiB\""), 6, "\"4GiB\"");
  EXPECT_EQ(text, expected);
}

TEST(EditConfig, AListOverSeveralLinesIsReplaced) {
  const auto text = edit_config(commented, "f", changed(commented, [](Config& c) {
                                  c.vms[101].ports = {{"rear-1", 0}};
                                }));
  EXPECT_THAT(text, HasSubstr("ports  = [\"rear-1\"]\n# end of Anna's\n"));
}

TEST(EditConfig, KeysComeAndGo) {
  const auto text = edit_config(commented, "f", changed(commented, [](Config& c) {
                                  c.vms[102].cpus = CpuSet{4, 5};
                                  c.vms[101].ports.clear();
                                }));
  EXPECT_THAT(text, HasSubstr("[vm.102]\nnode   = 1\nmemory = \"40GiB\"\ncpus = \"4-5\"\n\n[enforce]"));
  EXPECT_THAT(text, HasSubstr("memory = \"40GiB\"    # was 32\n# end of Anna's\n"));
}

TEST(EditConfig, VmsComeAndGo) {
  const auto text = edit_config(commented, "f", changed(commented, [](Config& c) {
                                  c.vms.erase(101);
                                  c.vms[103] = wish(103, 0, 8, {"front-1"});
                                }));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("Anna's\n[vm.101]")));
  EXPECT_THAT(text, HasSubstr("drift = \"report\"\n\n[vm.103]\nnode = 0\nmemory = \"8GiB\"\nports = [\"front-1\"]\n"));
}

TEST(EditConfig, MemoryOverSeveralNodes) {
  const auto text = edit_config(commented, "f", changed(commented, [](Config& c) {
                                  c.vms[101].node.reset();
                                  c.vms[101].memory = 0;
                                  c.vms[101].spread = {{0, 20 * kib_per_gib}, {1, 512 * kib_per_gib}};
                                }));
  EXPECT_THAT(text, HasSubstr("memory = { 0 = \"20GiB\", 1 = \"512GiB\" }    # was 32"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("node   = 0")));
}

TEST(EditConfig, NamesOfAnyLanguageBeforeAValueDoNotShiftIt) {
  const std::string text = "version = 1\n[vm.101]\nname = \"Ströмung\" # ä\nnode = 0\nmemory = \"8GiB\"\n";
  const auto edited = edit_config(text, "f", changed(text, [](Config& c) { c.vms[101].name = "b"; }));
  EXPECT_THAT(edited, HasSubstr("name = \"b\" # ä\n"));
}

TEST(EditConfig, WithoutANewlineAtTheEnd) {
  const std::string text = "version = 1\n[vm.101]\nnode = 0\nmemory = \"8GiB\"";
  const auto edited = edit_config(text, "f", changed(text, [](Config& c) { c.vms[101].ports = {{"a", 0}}; }));
  EXPECT_EQ(edited, text + "\nports = [\"a\"]\n");
}

TEST(EditConfig, AFormThatCannotBeEditedIsNamed) {
  for (const std::string text : {"version = 1\nvm.101 = { node = 0, memory = \"8GiB\" }\n",
                                 "version = 1\nvm.101.node = 0\nvm.101.memory = \"8GiB\"\n",
                                 "version = 1\n[vm]\n101.node = 0\n101.memory = \"8GiB\"\n"}) {
    try {
      edit_config(text, "f", changed(text, [](Config& c) { c.vms[101].memory = 9 * kib_per_gib; }));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("f:"));
      EXPECT_THAT(error.what(), HasSubstr("[vm.101]"));
    }
  }
}

TEST(EditConfig, WhatItCannotSayItDoesNotWrite) {
  EXPECT_THROW(edit_config(commented, "f", changed(commented, [](Config& c) { c.drift = DriftPolicy::rebind; })),
               Error);
  EXPECT_THROW(edit_config("version = 2\n", "f", Config()), Error);
}

/// Every configuration of tests/cases that is one, changed to others and back.
TEST(EditConfig, TheSameIsSaidWhateverStandsThere) {
  int edited = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(TESTS_DIR) + "/cases")) {
    std::ifstream in(entry.path() / "config.toml");
    const std::string text(std::istreambuf_iterator<char>(in), {});
    Config before;
    try {
      before = parse_config(text, "f");
    } catch (const Error&) {
      continue;
    }
    Config other = before;
    other.vms[999] = wish(999, 1, 3, {"x-1", "x-2"});
    for (auto& [id, vm] : other.vms)
      if (vm.spread.empty()) vm.node = 1, vm.memory = 4 * kib_per_gib;
    const auto there = edit_config(text, "f", other);
    const auto back = edit_config(there, "f", before);
    EXPECT_EQ(edit_config(back, "f", before), back) << entry.path();
    ++edited;
  }
  EXPECT_GT(edited, 30);
}

TEST(LineDiff, ShowsWhatWasTakenAndWhatCame) {
  using Kind = DiffLine::Kind;
  const std::vector<DiffLine> expected{
      {Kind::same, "a"}, {Kind::removed, "b"}, {Kind::added, "x"}, {Kind::same, "c"}, {Kind::added, "d"}};
  EXPECT_EQ(line_diff("a\nb\nc\n", "a\nx\nc\nd\n"), expected);
  EXPECT_TRUE(line_diff("", "").empty());
  EXPECT_EQ(line_diff("", "a\n"), (std::vector<DiffLine>{{Kind::added, "a"}}));
}

// FIPS 180-4 examples.
TEST(Sha1, AsTheStandardSays) {
  EXPECT_EQ(sha1_hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1_hex(""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(sha1_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(sha1_hex(std::string(1000000, 'a')), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

}  // namespace
}  // namespace hostsplit
