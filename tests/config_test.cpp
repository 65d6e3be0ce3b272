// hostsplit.toml: what is read, and that every mistake is answered with its line, its key and what to write instead.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/error.hpp"
#include "formats/toml/documents.hpp"

namespace hostsplit {
namespace {

using namespace std::string_literals;
namespace fs = std::filesystem;

constexpr auto file = "etc/hostsplit/hostsplit.toml";

struct Mistake {
  const char* what;
  std::string text;
  unsigned line;       ///< 0: the whole file
  const char* key;     ///< empty: none, for syntax errors
  const char* remedy;  ///< part of it
};

const std::string one = "version = 1\n";
const std::string vm = one + "[vm.101]\n";  // its first key stands in line 3

const std::string many_gaps = [] {
  std::string gaps;
  for (int i = 0; i < 32; ++i) gaps += ", \"\"";
  return gaps;
}();

std::string place(const Mistake& mistake) {
  std::string object = file;
  if (mistake.line != 0) object += ":" + std::to_string(mistake.line);
  if (*mistake.key) object += ": "s + mistake.key;
  return object;
}

const Mistake mistakes[] = {
    // The version
    {"empty file", "", 0, "version", "version = 1"},
    {"comment only", "# nothing\n", 0, "version", "version = 1"},
    {"no version", "[host]\nkeep_free = \"8GiB\"\n", 0, "version", "version = 1"},
    {"newer version", "version = 2\n", 1, "version", "Update hostsplit"},
    {"newer version with new keys", "cloud = true\nversion = 7\n", 2, "version", "Update hostsplit"},
    {"version zero", "version = 0\n", 1, "version", "version = 1"},
    {"negative version", "version = -1\n", 1, "version", "version = 1"},
    {"version as text", "version = \"1\"\n", 1, "version", "whole number"},
    {"version with a fraction", "version = 1.0\n", 1, "version", "whole number"},
    {"version misspelt", "vresion = 1\n", 1, "vresion", "version"},
    // Unknown keys
    {"unknown table", one + "\n[hosts]\n", 3, "hosts", "host"},
    {"unknown table, nothing near", one + "[zzzzzzzz]\n", 2, "zzzzzzzz", "enforce"},
    {"unknown key of host", one + "[host]\nkeep_fre = \"8GiB\"\n", 3, "host.keep_fre", "keep_free"},
    {"unknown key of a VM", vm + "memroy = \"1GiB\"\n", 3, "vm.101.memroy", "memory"},
    {"unknown key of enforce", one + "[enforce]\ndrfit = \"report\"\n", 3, "enforce.drfit", "drift"},
    {"table in a VM", vm + "[vm.101.usb]\n", 3, "vm.101.usb", "Known"},
    {"VM table outside vm", one + "[101]\nnode = 0\n", 2, "101", "vm"},
    // Wrong types
    {"host is no table", one + "host = 3\n", 2, "host", "table"},
    {"vm is no table", one + "vm = [101, 102]\n", 2, "vm", "table"},
    {"vm as array of tables", one + "[[vm]]\nnode = 0\n", 2, "vm", "table"},
    {"key directly in vm", one + "[vm]\nnode = 0\n", 3, "vm.node", "[vm.101]"},
    {"size as number", one + "[host]\nkeep_free = 8\n", 3, "host.keep_free", "text in quotes"},
    {"keep as text", one + "[host]\nkeep = \"front-1\"\n", 3, "host.keep", "[\"front-1\"]"},
    {"number among labels", vm + "ports = [\"front-1\",\n 7]\n", 4, "vm.101.ports", "text in quotes"},
    {"list among labels", vm + "ports = [[\"front-1\"]]\n", 3, "vm.101.ports", "text in quotes"},
    {"node as text", vm + "node = \"0\"\n", 3, "vm.101.node", "whole number"},
    {"node not a number", vm + "node = nan\n", 3, "vm.101.node", "whole number"},
    {"node a date", vm + "node = 2025-01-01\n", 3, "vm.101.node", "whole number"},
    {"name as boolean", vm + "name = true\n", 3, "vm.101.name", "text in quotes"},
    {"drift as boolean", one + "[enforce]\ndrift = true\n", 3, "enforce.drift", "text in quotes"},
    // Words and sizes
    {"unknown word for drift", one + "[enforce]\ndrift = \"ignore\"\n", 3, "enforce.drift", "\"rebind\""},
    {"unknown word for blacklist", one + "[enforce]\nblacklist = \"yes\"\n", 3, "enforce.blacklist", "\"never\""},
    {"unknown lifeline", one + "[host]\nmay_lose = [\"/\"]\n", 3, "host.may_lose", "\"keyboard\""},
    {"unit of disk makers", vm + "node = 0\nmemory = \"56GB\"\n", 4, "vm.101.memory", "56GiB"},
    {"no unit", vm + "node = 0\nmemory = \"56\"\n", 4, "vm.101.memory", "unit"},
    {"negative size", one + "[host]\nkeep_free = \"-8GiB\"\n", 3, "host.keep_free", "unit"},
    {"absurd size", vm + "node = 0\nmemory = \"99999999999999999999GiB\"\n", 4, "vm.101.memory", "GiB"},
    {"more than any machine", vm + "node = 0\nmemory = \"9007199254740992GiB\"\n", 4, "vm.101.memory", "GiB"},
    {"floor that sums would wrap around", one + "[host]\nkeep_free = \"18446744073709551615KiB\"\n", 3,
     "host.keep_free", "GiB"},
    {"memory that sums would wrap around", vm + "node = 0\nmemory = \"17592186044415GiB\"\n", 4, "vm.101.memory",
     "GiB"},
    {"no whole number of pages", vm + "node = 0\nmemory = \"1536MiB\"\n", 4, "vm.101.memory", "2GiB"},
    {"no whole number of small pages", vm + "node = 0\npage_size = \"2MiB\"\nmemory = \"3MiB\"\n", 5, "vm.101.memory",
     "MiB"},
    {"page of no kind", vm + "page_size = \"4KiB\"\n", 3, "vm.101.page_size", "\"2MiB\""},
    {"memory on no node", vm + "memory = \"56GiB\"\n", 3, "vm.101.memory", "node = 0"},
    {"negative node", vm + "node = -1\n", 3, "vm.101.node", "node"},
    {"node beyond int", vm + "node = 4294967296\n", 3, "vm.101.node", "node"},
    {"node beyond 64 bits", vm + "node = 99999999999999999999\n", 3, "", "Correct"},
    // Names, labels, addresses, CPUs
    {"empty name", vm + "name = \"\"\n", 3, "vm.101.name", "fluent-a"},
    {"name of two lines", vm + "name = \"a\\nb\"\n", 3, "vm.101.name", "fluent-a"},
    {"name that clears the screen", vm + "name = \"\\u001b[2J\"\n", 3, "vm.101.name", "fluent-a"},
    {"name with NUL", vm + "name = \"a\\u0000b\"\n", 3, "vm.101.name", "fluent-a"},
    {"name with C1 control", vm + "name = \"\\u009b2J\"\n", 3, "vm.101.name", "fluent-a"},
    {"long name", vm + "name = \"" + std::string(65, 'x') + "\"\n", 3, "vm.101.name", "fluent-a"},
    {"label with two blanks", vm + "ports = [\"front  1\"]\n", 3, "vm.101.ports", "label"},
    {"empty label", vm + "ports = [\n  \"a\",\n  \"\",\n]\n", 5, "vm.101.ports", "label"},
    {"path as label", vm + "ports = [\"../../etc/passwd\"]\n", 3, "vm.101.ports", "label"},
    {"address among ports", vm + "ports = [\"0000:03:00.3\"]\n", 3, "vm.101.ports", "label"},
    {"label among controllers", vm + "controllers = [\"front-1\"]\n", 3, "vm.101.controllers", "0000:22:00.3"},
    {"bad address", vm + "functions = [\"0000:03:00.3\",\n\"0000:03:00.9\"]\n", 4, "vm.101.functions", "0000:"},
    {"bad keep", one + "[host]\nkeep = [\"-\"]\n", 3, "host.keep", "label"},
    {"reversed CPUs", vm + "cpus = \"31-0\"\n", 3, "vm.101.cpus", "0-31,64-95"},
    {"no CPUs", vm + "cpus = \"\"\n", 3, "vm.101.cpus", "0-31,64-95"},
    {"CPUs beyond any machine", vm + "cpus = \"0-4294967295\"\n", 3, "vm.101.cpus", "0-31,64-95"},
    {"CPUs as list", vm + "cpus = [0, 1]\n", 3, "vm.101.cpus", "text in quotes"},
    // VM numbers
    {"VM by name", one + "[vm.fluent-a]\nnode = 0\n", 2, "vm.fluent-a", "[vm.101]"},
    {"VM below 100", one + "[vm.99]\n", 2, "vm.99", "[vm.101]"},
    {"VM above the limit", one + "[vm.1000000000]\n", 2, "vm.1000000000", "[vm.101]"},
    {"VM far above the limit", one + "[vm.99999999999999999999]\n", 2, "vm.99999999999999999999", "[vm.101]"},
    {"VM with leading zero", one + "[vm.0101]\n", 2, "vm.0101", "[vm.101]"},
    {"negative VM", one + "[vm.-101]\n", 2, "vm.-101", "[vm.101]"},
    {"VM without a number", one + "[vm.\"\"]\n", 2, "vm.", "[vm.101]"},
    // Given twice
    {"VM twice", vm + "node = 0\n\n[vm.101]\nnode = 1\n", 5, "", "join the two"},
    {"key twice", vm + "node = 0\nnode = 1\n", 4, "", "join the two"},
    {"table twice", one + "[host]\n[host]\n", 3, "", "join the two"},
    {"CPU in two VMs", vm + "cpus = \"0-31\"\n[vm.102]\ncpus = \"31-63\"\n", 5, "vm.102.cpus", "of its own"},
    {"CPU in two VMs, larger number first", one + "[vm.102]\ncpus = \"0-31\"\n[vm.101]\ncpus = \"31-63\"\n", 5,
     "vm.101.cpus", "of its own"},
    {"port in two VMs", vm + "ports = [\"a\"]\n[vm.102]\nports = [\"b\",\n\"a\"]\n", 6, "vm.102.ports", "once"},
    {"port in two VMs, larger number first", one + "[vm.102]\nports = [\"a\"]\n[vm.101]\nports = [\"a\"]\n", 5,
     "vm.101.ports", "once"},
    {"port twice in one VM", vm + "ports = [\n\"a\",\n\"a\"]\n", 5, "vm.101.ports", "once"},
    {"controller in two VMs, two spellings",
     vm + "controllers = [\"03:00.3\"]\n[vm.102]\ncontrollers = [\"0000:03:00.3\"]\n", 5, "vm.102.controllers", "once"},
    {"function that is a controller too", vm + "controllers = [\"03:00.3\"]\nfunctions = [\"03:00.3\"]\n", 4,
     "vm.101.functions", "once"},
    {"port kept and given", one + "[host]\nkeep = [\"a\"]\n[vm.101]\nports = [\"a\"]\n", 5, "vm.101.ports", "once"},
    {"controller given and kept", vm + "controllers = [\"03:00.3\"]\n[host]\nkeep = [\"0000:03:00.3\"]\n", 5,
     "host.keep", "once"},
    // Syntax
    {"no quotes", vm + "name = fluent-a\n", 3, "", "quotes"},
    {"text without end", vm + "name = \"fluent-a\n", 3, "", "quotes"},
    {"no value", vm + "name =\n", 3, "", "Correct"},
    {"no equals sign", vm + "name\n", 3, "", "Correct"},
    {"shell comment", vm + "name = \"a\" // b\n", 3, "", "Correct"},
    {"table without end", one + "[vm.101\nnode = 0\n", 2, "", "Correct"},
    {"NUL", one + "[host]\n\0\n"s, 3, "", "Correct"},
    {"not UTF-8", one + "[vm.101]\nname = \"fl\xfcssig\"\n", 3, "", "Correct"},
    {"UTF-16", "\xff\xfev\0e\0r\0s\0i\0o\0n\0"s, 1, "", ""},
    {"carriage return alone", "version = 1\rnode = 0\n", 1, "", "Correct"},
    // Files of other systems
    {"wrong unit in a CRLF file", "version = 1\r\n\r\n[vm.101]\r\nnode = 0\r\nmemory = \"1GB\"\r\n", 5, "vm.101.memory",
     "56GiB"},
    {"unknown key behind a BOM", "\xef\xbb\xbfverson = 1\n", 1, "verson", "version"},
    // Panels
    {"panel is no table", one + "panel = 1\n", 2, "panel", "table"},
    {"panel without a name", one + "[panel]\nrows = [[\"a\"]]\n", 3, "panel.rows", "table"},
    {"panel with a bad name", one + "[panel.\"a\\u0007\"]\nrows = [[\"a\"]]\n", 2, "panel.a\uFFFD", "[panel.rear]"},
    {"panel without rows", one + "[panel.rear]\n", 2, "panel.rear.rows", "rows = [["},
    {"panel with a misspelt key", one + "[panel.rear]\nrow = []\n", 3, "panel.rear.row", "rows"},
    {"rows without rows", one + "[panel.rear]\nrows = [\"a\"]\n", 3, "panel.rear.rows", "[\"rear-1\""},
    {"rows of numbers", one + "[panel.rear]\nrows = [\n[\"a\"],\n[1]]\n", 5, "panel.rear.rows", "text in quotes"},
    {"rows of gaps only", one + "[panel.rear]\nrows = [[\"\", \"\"]]\n", 3, "panel.rear.rows", "rows = [["},
    {"a panel's label that is none", one + "[panel.rear]\nrows = [[\"a/b\"]]\n", 3, "panel.rear.rows", "A label is"},
    {"a label twice on a panel", one + "[panel.rear]\nrows = [[\"a\"],\n[\"a\"]]\n", 4, "panel.rear.rows", "one place"},
    {"a label on two panels", one + "[panel.rear]\nrows = [[\"a\"]]\n[panel.front]\nrows = [[\"a\"]]\n", 5,
     "panel.front.rows", "one place"},
    {"a row that is too wide", one + "[panel.rear]\nrows = [[\"a\"" + many_gaps + "]]\n", 3, "panel.rear.rows",
     "several"},
    // Hostile
    {"deep lists", vm + "ports = " + std::string(1000, '[') + std::string(1000, ']') + "\n", 3, "", "Correct"},
    {"endless list", vm + "ports = " + std::string(3000, '['), 3, "", "Correct"},
    {"endless dotted key", one + std::string(100000, 'a') + "\n", 2, "", "several lines"},
};

TEST(Config, EveryMistakeIsNamedWithLineKeyAndRemedy) {
  static_assert(std::size(mistakes) >= 45);
  for (const auto& mistake : mistakes) {
    SCOPED_TRACE(mistake.what);
    try {
      parse_config(mistake.text, file);
      ADD_FAILURE() << "was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.object(), place(mistake)) << error.what();
      EXPECT_EQ(error.kind(), Error::Kind::bad_input);
      EXPECT_FALSE(error.reason().empty());
      EXPECT_NE(error.remedy().find(mistake.remedy), std::string::npos) << error.what();
    }
  }
}

std::string message(const std::string& text) {
  try {
    parse_config(text, file);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Config, WhatIsGivenTwiceIsToldWithBothOwnersAndBothLines) {
  const auto cpus = message(vm + "cpus = \"0-31\"\n[vm.102]\ncpus = \"30-63\"\n");
  for (const auto* part : {":5:", "vm.102", "CPU 30", "VM 101", "line 3"})
    EXPECT_NE(cpus.find(part), std::string::npos) << cpus;
  const auto port = message(one + "[vm.102]\nports = [\"a\"]\n[vm.101]\nports = [\"a\"]\n");
  for (const auto* part : {":5:", "vm.101", "vm.102", "line 3"}) EXPECT_NE(port.find(part), std::string::npos) << port;
}

TEST(Config, MessagesCannotMoveTheCursor) {
  // Raw control bytes are a syntax error; escaped ones reach values and keys.
  for (const auto& text : {vm + "\"\\u001b[2J\" = 1\n", vm + "ports = [\"\\u001b[2J\"]\n",
                           one + "[vm.\"\\u001b[2J\"]\n", vm + "cpus = \"\\u009b2J\"\n", vm + "name = \"\x1b[2J\"\n"}) {
    const auto told = message(text);
    EXPECT_FALSE(told.empty());
    EXPECT_EQ(told.find('\x1b'), std::string::npos) << told;
    EXPECT_EQ(told.find("\xc2\x9b"), std::string::npos) << told;
  }
}

TEST(Config, ManyDottedKeysDoNotExhaustTheStack) {
  std::string text = one;
  for (int i = 0; i < 200; ++i) text += "a.";
  EXPECT_NE(message(text + "a = 1\n"), "");
  std::string long_key = one;
  for (int i = 0; i < 500000; ++i) long_key += "a.";
  EXPECT_NE(message(long_key + "a = 1\n"), "");
}

TEST(Config, EveryPrefixOfAGoodFileIsReadOrRefused) {
  const std::string good =
      one + "[host]\nkeep = [\"a\"]\n[vm.101]\nname = \"f\\u00fc\"\nnode = 0\nmemory = \"1GiB\"\nports = [\"b\"]\n";
  for (std::size_t size = 0; size <= good.size(); ++size) {
    try {
      parse_config(good.substr(0, size), file);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::bad_input);
    }
  }
}

TEST(Config, EverySingleByteChangeIsReadOrRefused) {
  const std::string good = one + "[vm.101]\nnode = 0\ncpus = \"0-3\"\nmemory = \"1GiB\"\nports = [\"b\"]\n";
  for (std::size_t at = 0; at < good.size(); ++at)
    for (const char byte : {'\0', '\n', '"', '[', ']', '=', '.', '-', '9', '\x80', '\xff', '\\'}) {
      std::string text = good;
      text[at] = byte;
      try {
        parse_config(text, file);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), Error::Kind::bad_input);
      }
    }
}

TEST(Config, DefaultsAreCautious) {
  const Config config = parse_config(one, file);
  EXPECT_EQ(config.keep_free, 8 * kib_per_gib);
  EXPECT_EQ(config.drift, DriftPolicy::rebind);
  EXPECT_EQ(config.blacklist, BlacklistPolicy::ask);
  EXPECT_TRUE(config.vms.empty());
  EXPECT_TRUE(config.may_lose.empty());
  EXPECT_FALSE(config.iommu_passthrough);
  EXPECT_EQ(config.file, file);
}

TEST(Config, ReadsEverything) {
  const Config config = parse_config(
      "version = 1\n"
      "[host]\n"
      "keep_free = \"4GiB\"\n"
      "keep = [\"rear-1\",\n"
      "        \"44:00.3\"]\n"
      "may_lose = [\"keyboard\", \"usb\"]\n"
      "[vm.101]\n"
      "name = \"Strömung A\"\n"
      "node = 0\n"
      "cpus = \"0-31,64-95\"\n"
      "memory = \"512MiB\"\n"
      "page_size = \"2MiB\"\n"
      "ports = [\"front-1\", \"front-2\"]\n"
      "controllers = [\"22:00.3\"]\n"
      "functions = [\"0000:23:00.4\"]\n"
      "[enforce]\n"
      "drift = \"report\"\n"
      "blacklist = \"never\"\n",
      file);
  EXPECT_EQ(config.keep_free, 4 * kib_per_gib);
  EXPECT_EQ(config.keep, (std::vector<Named>{{"rear-1", 4}, {"0000:44:00.3", 5}}));
  EXPECT_EQ(config.may_lose, (std::vector<Named>{{"keyboard", 6}, {"usb", 6}}));
  EXPECT_EQ(config.drift, DriftPolicy::report);
  EXPECT_EQ(config.blacklist, BlacklistPolicy::never);
  ASSERT_EQ(config.vms.size(), 1u);
  const VmWish& wish = config.vms.at(101);
  EXPECT_EQ(wish.id, 101);
  EXPECT_EQ(wish.line, 7u);
  EXPECT_EQ(wish.name, "Strömung A");
  EXPECT_EQ(wish.node, 0);
  EXPECT_EQ(to_string(wish.cpus.value()), "0-31,64-95");
  EXPECT_EQ(wish.memory, 512 * kib_per_mib);
  EXPECT_EQ(wish.page_size, 2 * kib_per_mib);
  EXPECT_EQ(wish.ports, (std::vector<Named>{{"front-1", 13}, {"front-2", 13}}));
  EXPECT_EQ(wish.controllers, (std::vector<Named>{{"0000:22:00.3", 14}}));
  EXPECT_EQ(wish.functions, (std::vector<Named>{{"0000:23:00.4", 15}}));
  EXPECT_EQ(wish.lines, (std::map<std::string, unsigned>{{"name", 8},
                                                         {"node", 9},
                                                         {"cpus", 10},
                                                         {"memory", 11},
                                                         {"page_size", 12},
                                                         {"ports", 13},
                                                         {"controllers", 14},
                                                         {"functions", 15}}));
}

TEST(Config, TheIommuIsTheKernelsOrPassedBy) {
  EXPECT_TRUE(parse_config(one + "[host]\niommu = \"pt\"\n", file).iommu_passthrough);
  EXPECT_FALSE(parse_config(one + "[host]\niommu = \"kernel\"\n", file).iommu_passthrough);
  EXPECT_THROW(parse_config(one + "[host]\niommu = \"off\"\n", file), Error);
}

TEST(Config, ByteOrderMarkCrLfAndMissingLastNewlineAreFine) {
  const Config config = parse_config("\xef\xbb\xbfversion = 1\r\n[vm.101]\r\nnode = 1\r\nports = [\"a\"]", file);
  EXPECT_EQ(config.vms.at(101).node, 1);
  EXPECT_EQ(config.vms.at(101).ports, (std::vector<Named>{{"a", 4}}));
}

TEST(Config, LimitsThemselvesAreFine) {
  const Config config = parse_config(
      one + "[vm.100]\nname = \"" + std::string(64, 'x') + "\"\nnode = 1023\ncpus = \"0-65535\"\n[vm.999999999]\n",
      file);
  EXPECT_EQ(config.vms.size(), 2u);
  EXPECT_EQ(config.vms.at(100).cpus->size(), 65536u);
}

TEST(Config, TheSampleIsReadAndShowsEveryKey) {
  const auto path = fs::path(TESTS_DIR).parent_path() / "config" / "hostsplit.toml.sample";
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  const Config config = parse_config(text.str(), path.string());
  EXPECT_EQ(config.vms.size(), 2u);
  for (const auto* key : {"keep_free", "keep", "may_lose", "name", "node", "cpus", "memory", "page_size", "ports",
                          "controllers", "functions", "drift", "blacklist", "iommu", "boot", "rows"})
    EXPECT_TRUE(text.str().find("\n"s + key + " = ") != std::string::npos ||
                text.str().find("\n#"s + key + " = ") != std::string::npos)
        << key;
}

TEST(Config, TheSampleIsReadWithItsOptionalKeysInForceToo) {
  std::ifstream in(fs::path(TESTS_DIR).parent_path() / "config" / "hostsplit.toml.sample");
  std::string text;
  for (std::string line; std::getline(in, line);)
    text += (line.size() > 1 && line[0] == '#' && line[1] != ' ' ? line.substr(1) : line) + "\n";
  const Config config = parse_config(text, file);
  EXPECT_FALSE(config.keep.empty());
  EXPECT_FALSE(config.may_lose.empty());
  EXPECT_TRUE(config.vms.at(101).cpus);
  EXPECT_FALSE(config.panels.empty());
}

TEST(Config, PanelsAreInTheOrderOfTheFileWithTheLineOfEachLabel) {
  const Config config = parse_config(
      one + "[panel.rear]\nrows = [\n  [\"a\", \"\"],\n  [],\n  [\"b\"]]\n[panel.\"前\"]\nrows = [[\"c 1\"]]\n", file);
  ASSERT_EQ(config.panels.size(), 2u);
  EXPECT_EQ(config.panels[0].name, "rear");
  EXPECT_EQ(config.panels[0].rows, (std::vector<std::vector<Named>>{{{"a", 4}, {"", 4}}, {}, {{"b", 6}}}));
  EXPECT_EQ(config.panels[1].name, "前");
}

}  // namespace
}  // namespace hostsplit
