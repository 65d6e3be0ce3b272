// The files hostsplit writes for itself: whatever is legal comes back as it went, whatever is not is told with its
// line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/state/boot_plan.hpp"
#include "formats/toml/documents.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Fingerprint fingerprint(const std::string& root, const char* chain) {
  return {root, parse_chain(chain).value(), {0x1022, 0x148c, 0x0000, 0xffff}, 0x0c0330};
}

LearnedPort learned(const std::string& label) {
  LearnedPort port;
  port.label = label;
  port.controller = fingerprint("\\_SB_.PCI0", "08.1/00.3");
  port.usb2 = LearnedHalf{"2", true};
  return port;
}

PortMap without_lines(PortMap map) {
  for (auto& port : map.ports) port.line = 0;
  map.file.clear();
  return map;
}

/// What an Error says, or "" when nothing was wrong.
template <typename Parse>
std::string complaint(Parse parse, const std::string& text) {
  try {
    parse(text, "the-file");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::bad_input);
    EXPECT_FALSE(error.remedy().empty()) << error.what();
    return error.what();
  }
}

struct Bad {
  std::string text;
  std::string where;   ///< what the message begins with, after "cannot use the-file"
  std::string reason;  ///< part of it
};

template <typename Parse>
void expect_complaints(Parse parse, const std::vector<Bad>& cases) {
  for (const auto& bad : cases) {
    const std::string said = complaint(parse, bad.text);
    EXPECT_THAT(said, StartsWith("cannot use the-file" + bad.where)) << bad.text;
    EXPECT_THAT(said, HasSubstr(bad.reason)) << bad.text;
  }
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), with);
}

TEST(PortsToml, RoundTripOfOddButLegalValues) {
  PortMap map;
  map.ports.push_back(learned("9"));
  map.ports.back().controller.root = "\\_SB_.\"quoted\".流=#";
  map.ports.back().usb2.reset();
  map.ports.back().usb3 = LearnedHalf{"12.1.4.7", false};
  map.ports.push_back(learned(std::string(64, 'z')));
  map.ports.back().usb3 = LearnedHalf{"2", false};
  map.ports.back().pairing = Pairing::number;
  map.ports.back().last_address = parse_pci_address("ffff:ff:1f.7");
  map.ports.back().last_group = 0;
  map.ports.back().last_bus_usb2 = 65535;
  map.ports.back().last_bus_usb3 = 1;
  map.ports.push_back(learned("a.b_c-d"));
  map.ports.back().usb3 = LearnedHalf{"1", true};
  map.ports.back().pairing = Pairing::location;
  EXPECT_EQ(without_lines(parse_port_map(to_toml(map), "the-file")), map);
  EXPECT_EQ(without_lines(parse_port_map(to_toml(PortMap{}), "the-file")), PortMap{});
}

TEST(PortsToml, RemembersWhereALabelStands) {
  PortMap map{{learned("a"), learned("b")}, ""};
  const PortMap read = parse_port_map("\n" + to_toml(map), "the-file");
  EXPECT_EQ(read.file, "the-file");
  EXPECT_GT(read.ports[1].line, read.ports[0].line);
  EXPECT_EQ(read.ports[0].line, 8u);
}

TEST(PortsToml, TellsPeopleWhatItIs) {
  EXPECT_THAT(to_toml(PortMap{}), StartsWith("# "));
  EXPECT_THAT(to_toml(PortMap{}), HasSubstr("hostsplit ports forget"));
}

TEST(PortsToml, BadInputIsToldWithItsLine) {
  const std::string good = to_toml(PortMap{{learned("a")}, ""});  // label on line 7, controller from line 10
  const std::string twice = to_toml(PortMap{{learned("a"), learned("a")}, ""});
  expect_complaints(
      parse_port_map,
      {{"", ": version: ", "missing"},
       {replaced(good, "version = 1", "version = 2"), ":4: version: ", "newer hostsplit"},
       {"version = 3\n[gadget]\n", ":1: version: ", "newer"},
       {replaced(good, "label = \"a\"", "labl = \"a\""), ":7: port.labl: ", "Did you mean label?"},
       {replaced(good, "label = \"a\"", "label = \"a  b\""), ":7: port.label: ", "not a label"},
       {replaced(good, "label = \"a\"\n", ""), ":6: port.label: ", "missing"},
       {replaced(good, "\"none\"", "\"maybe\""), ":8: port.pairing: ", "\"maybe\""},
       {replaced(good, "path = \"2\"", "path = \"2..1\""), ":9: port.usb2.path: ", "not a port path"},
       {replaced(good, "path = \"2\"", "path = \".1\""), ":9: port.usb2.path: ", "not a port path"},
       {replaced(good, "path = \"2\"", "path = \"2/../3\""), ":9: port.usb2.path: ", "not a port path"},
       {replaced(good, "seen = true", "seen = 1"), ":9: port.usb2.seen: ", "true or false"},
       {replaced(good, "usb2 = { path = \"2\", seen = true }\n", ""), ":6: port.usb2: ", "at least one half"},
       {replaced(good, "08.1/00.3", "08.9"), ":12: port.controller.chain: ", "not a chain"},
       {replaced(good, "1022:148c", "1022"), ":13: port.controller.ids: ", "not a pair of ids"},
       {replaced(good, "0x0c0330", "0xUSBUSB"), ":15: port.controller.class: ", "not a PCI class"},
       {replaced(good, "\\\\_SB_.PCI0", "PCI 0"), ":11: port.controller.root: ", "not the name of a root bridge"},
       {replaced(good, "\\\\_SB_.PCI0", ""), ":11: port.controller.root: ", "not the name of a root bridge"},
       {good + "[port.last_seen]\naddress = \"nowhere\"\n", ":17: port.last_seen.address: ", "not a PCI address"},
       {good + "[port.last_seen]\ngroup = -2\n", ":17: port.last_seen.group: ", "out of range"},
       {"version = 1\n[[port]]\nlabel = \"a\"\nusb2 = { path = \"1\" }\n", ":2: port.controller: ", "missing"},
       {"version = 1\n[port]\nlabel = \"a\"\n", ":2: port: ", "a list of tables like [[port]]"},
       {twice, ":18: port.label: ", "a is used already (line 7)"},
       {good.substr(0, good.size() - 4), ":15: ", ""}});
}

TEST(BaselineToml, RefusesToKeepAFileItCouldNotPutBack) {
  Baseline baseline;
  baseline.files.push_back({"etc/x", FileNow{"\xff", 0644}});
  EXPECT_THROW(to_toml(baseline), Error);
}

TEST(BaselineToml, RoundTripOfOddButLegalValues) {
  Baseline baseline;
  baseline.bindings.push_back({fingerprint("pci0000:00", "00.0"), {0, 3, 0, 3}, "", std::nullopt});
  baseline.bindings.push_back({fingerprint("\\_SB_.S0D1", "08.1/00.3"), {1, 0xff, 31, 7}, "xhci_hcd", "vfio-pci"});
  baseline.bindings.push_back({fingerprint("x", "01.1"), {0, 4, 0, 0}, "a\"b\\c\t\x7f\u0085", "no\nsuch\u202e driver"});
  baseline.bindings.push_back({fingerprint("y", "01.1"), {0, 5, 0, 0}, "d", ""});
  baseline.pools.push_back({0, kib_per_gib, 0});
  baseline.pools.push_back({1023, 2048, 9223372036854775807ull});
  baseline.files.push_back({"etc/initramfs-tools/hooks/hostsplit", std::nullopt});
  baseline.files.push_back({"etc/kernel/cmdline", FileNow{"root=\"x\" ro\n\n# \\ ''' end", 0640}});
  baseline.images.push_back({"6.17.13-1-pve", "0123456789abcdef", "11-22"});
  baseline.images.push_back({"6.12.0", "", ""});
  baseline.files.push_back({"etc/long", FileNow{std::string(9000, 'x') + "\xc3\xa4" + std::string(9000, '\\'), 0600}});
  baseline.files.push_back({"etc/empty", FileNow{"", 0600}, "0123456789abcdef fedcba9876543210"});
  baseline.loader = LoaderTouched{"0123456789abcdef", "11-22"};
  baseline.after_loss = true;
  EXPECT_EQ(parse_baseline(to_toml(baseline), "the-file"), baseline);
  EXPECT_TRUE(parse_baseline(to_toml(Baseline{}), "the-file").empty());
}

TEST(BaselineToml, AFileInOneTextIsReadToo) {
  const auto read = parse_baseline("version = 1\n[[file]]\npath = \"etc/x\"\nmode = 420\ncontent = \"a\\nb\"\n", "f");
  ASSERT_EQ(read.files.size(), 1u);
  EXPECT_EQ(read.files[0].file, (FileNow{"a\nb", 0644}));
}

/// The way back must stay readable whatever somebody once wrote into driver_override.
TEST(BaselineToml, BytesThatAreNotUtf8DoNotMakeTheFileUnreadable) {
  Baseline baseline;
  baseline.bindings.push_back({fingerprint("x", "01.1"), {0, 4, 0, 0}, "xhci_hcd", "\xff\xfe"});
  const Baseline read = parse_baseline(to_toml(baseline), "the-file");
  ASSERT_EQ(read.bindings.size(), 1u);
  EXPECT_EQ(read.bindings[0].driver, "xhci_hcd");
  EXPECT_EQ(read.bindings[0].driver_override, "\uFFFD\uFFFD");
}

TEST(BaselineToml, BadInputIsToldWithItsLine) {
  const std::string pool = "version = 1\n[[pool]]\nnode = 0\npage_size_kib = 2048\ntotal = 5\n";
  expect_complaints(parse_baseline,
                    {{"", ": version: ", "missing"},
                     {"version = 2\n", ":1: version: ", "newer"},
                     {"version = 1\n[[bindings]]\n", ":2: bindings: ", "Did you mean binding?"},
                     {"version = 1\n[[binding]]\ndriver = \"a\"\n", ":2: binding.address: ", "missing"},
                     {replaced(pool, "node = 0", "node = 4294967296"), ":3: pool.node: ", "from 0 to 1023"},
                     {replaced(pool, "node = 0", "node = -1"), ":3: pool.node: ", "from 0 to 1023"},
                     {replaced(pool, "2048", "0"), ":4: pool.page_size_kib: ", "from 1"},
                     {replaced(pool, "total = 5\n", ""), ":2: pool.total: ", "is wanted"},
                     {replaced(pool, "total = 5", "total = 5.0"), ":5: pool.total: ", "a whole number"}});
}

BootPlan boot_plan(const std::string& why) {
  BootPlan plan;
  plan.claims.push_back({{0, 3, 0, 3}, fingerprint("\\_SB_.PCI0", "08.1/00.3"), 101, parse_causes(why)});
  plan.claims.push_back({{0, 0x44, 0, 1}, fingerprint("pci0000:40", "01.1"), 999999999, {{Cause::Kind::controller}}});
  plan.reservations.push_back({0, kib_per_gib, 56, {101, 102}, {{101, 28}, {102, 28}}});
  plan.reservations.push_back({1, 2048, 0, {}, {}});
  plan.keep_free = 8 * kib_per_gib;
  return plan;
}

TEST(BootPlanText, RoundTripWithAnyReason) {
  for (const std::string why : {"", " ", "port front-1", " two  blanks at both ends ", "why=why= a=b vm=7",
                                "# no comment", "流 'quoted' \"$(reboot)\" `x` \\n", "bind 0000:03:00.3"}) {
    const BootPlan plan = boot_plan(why);
    EXPECT_EQ(parse_boot_plan(to_text(plan), "the-file"), plan) << why;
  }
  std::string all;
  for (char c = ' '; c < 0x7f; ++c) all += c;
  EXPECT_EQ(parse_boot_plan(to_text(boot_plan(all)), "the-file").claims[0].causes, parse_causes(all));
  EXPECT_EQ(parse_boot_plan(to_text(BootPlan{}), "the-file"), BootPlan{});
}

TEST(BootPlanText, CausesAreValues) {
  const std::vector<Cause> causes{{Cause::Kind::port, "front-1"},
                                  {Cause::Kind::port, "前面板1号口"},
                                  {Cause::Kind::controller},
                                  {Cause::Kind::function},
                                  {Cause::Kind::shares_group, {}, {0, 0x44, 0, 1}, 24},
                                  {Cause::Kind::shares_sockets, {}, {0, 0x1d, 0, 7}}};
  EXPECT_EQ(parse_causes(to_text(causes)), causes);
  EXPECT_EQ(describe(causes),
            "port front-1, port 前面板1号口, named under controllers, named under functions, "
            "shares group 24 with 0000:44:00.1, shares sockets with 0000:1d:00.7");
  EXPECT_EQ(labels_of(causes), (std::vector<std::string>{"front-1", "前面板1号口"}));
}

TEST(BootPlanText, WhatIsGivenUpIsKept) {
  BootPlan plan = boot_plan("port front-1");
  plan.may_lose = {"/mnt/backup disk", "keyboard"};
  EXPECT_EQ(parse_boot_plan(to_text(plan), "the-file"), plan);
}

TEST(BootPlanText, AReasonCannotBecomeALineOfItsOwn) {
  const BootPlan plan = boot_plan("a\nbind 0000:01:00.0\r\tb\x7f");
  const BootPlan read = parse_boot_plan(to_text(plan), "the-file");
  EXPECT_EQ(read.claims.size(), 2u);
  EXPECT_EQ(to_text(read.claims[0].causes), "a bind 0000:01:00.0  b ");
}

TEST(BootPlanText, ARootBridgeThatIsNotOneWordIsNotWritten) {
  BootPlan plan = boot_plan("x");
  for (const char* root : {"", "a b", "a\nb"}) {
    plan.claims[0].function.root = root;
    EXPECT_THROW(to_text(plan), Error) << root;
  }
}

TEST(BootPlanText, IsWhatAShellReads) {
  EXPECT_THAT(to_text(boot_plan("port front-1")),
              StartsWith("version 1\nfloor keep_free=8388608\n"
                         "bind 0000:03:00.3 root=\\_SB_.PCI0 chain=08.1/00.3 ids=1022:148c subsystem=0000:ffff "
                         "class=0x0c0330 vm=101 why=port front-1\n"));
  EXPECT_THAT(to_text(boot_plan("x")), HasSubstr("\npages node=0 size=1048576 count=56 vms=101:28,102:28\n"));
}

TEST(BootPlanText, BadInputIsToldWithItsLine) {
  const std::string good = to_text(boot_plan("port front-1"));
  const std::string bind = good.substr(good.find("bind"), good.find('\n', good.find("bind")) + 1 - good.find("bind"));
  const std::string pages = "pages node=0 size=1048576 count=56 vms=101:28,102:28\n";
  expect_complaints(parse_boot_plan,
                    {{"", ": version: ", "empty"},
                     {"\n# only a comment\n", ": version: ", "empty"},
                     {"floor keep_free=0\nversion 1\n", ":1: version: ", "must be the first"},
                     {replaced(good, "version 1", "version 2"), ":1: version: ", "newer hostsplit"},
                     {replaced(good, "version 1", "version one"), ":1: version: ", "\"one\""},
                     {replaced(good, "version 1", "version 1 "), ":1: version: ", "not valid"},
                     {"version 1\n", ": floor: ", "missing"},
                     {replaced(good, "version 1\n", "version 1\r\n"), ":1: version: ", "not valid"},
                     {good + "floor keep_free=0\n", ":7: floor: ", "twice"},
                     {good + "format c:\n", ":7: unknown item \"format\"", ""},
                     {good + bind, ":7: bind: ", "given twice"},
                     {good + pages, ":7: pages: ", "given twice"},
                     {good.substr(0, good.size() - 1), ":6: ", "cut off"},
                     {replaced(good, "0000:03:00.3", "03.00.3"), ":3: bind: ", "not a PCI address"},
                     {replaced(good, "chain=08.1/00.3", "chain=08.1/"), ":3: chain: ", "not valid"},
                     {replaced(good, " ids=1022:148c", ""), ":3: ids: ", "missing"},
                     {replaced(good, " ids=1022:148c", " ids"), ":3: ", "key=value"},
                     {replaced(good, " vm=101", " vm=101 vm=102"), ":3: vm: ", "twice"},
                     {replaced(good, " vm=101", " vm=-1"), ":3: vm: ", "not valid"},
                     {replaced(good, " vm=101", " vm=101 speed=9"), ":3: speed: ", "not known"},
                     {replaced(good, " class=0x0c0330", " class=0c0330"), ":3: class: ", "not valid"},
                     {replaced(good, "node=0", "node=-1"), ":5: node: ", "not valid"},
                     {replaced(good, "size=1048576", "size=0"), ":5: size: ", "0 KiB"},
                     {replaced(good, "count=56", "count=99999999999999999999"), ":5: count: ", "not valid"},
                     {replaced(good, "vms=101:28,102:28", "vms=101:28,"), ":5: vms: ", "not valid"},
                     {replaced(good, "vms=101:28,102:28", "vms=101,102"), ":5: vms: ", "not valid"},
                     {replaced(good, "vms=101:28,102:28", "vms=101:28,101:28"), ":5: vms: ", "not valid"},
                     {replaced(good, "keep_free=8388608", "keep_free=8GiB"), ":2: keep_free: ", "not valid"}});
}

}  // namespace
}  // namespace hostsplit
