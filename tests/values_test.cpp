// Values that come from people, files and the kernel: what is taken, what is refused, and how they are written.
#include <gtest/gtest.h>

#include "core/base/cpu_set.hpp"
#include "core/base/printable.hpp"
#include "core/base/size.hpp"
#include "core/base/suggestion.hpp"
#include "core/base/utf8.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/machine/pci.hpp"
#include "core/state/port_map.hpp"
#include "operations/report/table.hpp"

namespace hostsplit {
namespace {

using namespace std::string_literals;

/// Close to something legal, and illegal everywhere below.
const std::vector<std::string> hostile{
    "", " ", "-", "+1", "0x", "\n", "\0"s, "%s%n", "\xff\xfe", "１", std::string(100000, '9')};

TEST(PciAddressText, RoundTrip) {
  for (const char* text : {"0000:03:00.3", "0000:00:1f.7", "ffff:ff:1f.0", "10ab:c0:0d.1"}) {
    const auto address = parse_pci_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(*address), text);
  }
  EXPECT_EQ(parse_pci_address("0000:03:00.3"), (PciAddress{0, 3, 0, 3}));
}

TEST(PciAddressText, ShortAndUpperCaseFormsAreNormalised) {
  EXPECT_EQ(to_string(parse_pci_address("03:00.3").value()), "0000:03:00.3");
  EXPECT_EQ(to_string(parse_pci_address("00AB:2A:1F.7").value()), "00ab:2a:1f.7");
}

TEST(PciAddressText, NothingElseIsTaken) {
  for (const char* text : {"3:0.3", "000:03:00.3", "00000:03:00.3", "0000:03:00", "0000:03:00.", "0000:03:00.8",
                           "0000:03:00.33", "0000:03:20.0", "0000:0g:00.0", "0000-03-00.3", "0000:03:00.3 ", " 03:00.3",
                           "0000:03:00.-", "0000:-3:00.3", "0000:+3:00.3", "0000:0x:00.3", "0000:03:00:3"})
    EXPECT_FALSE(parse_pci_address(text)) << text;
  for (const auto& text : hostile) EXPECT_FALSE(parse_pci_address(text)) << text.substr(0, 10);
  EXPECT_FALSE(parse_pci_address("0000:03:00.3\0"s));
}

TEST(VmdAddressText, OnlyBeyondFourDigits) {
  EXPECT_EQ(parse_vmd_address("10000:e1:00.0"), "10000:e1:00.0");
  EXPECT_EQ(parse_vmd_address("10ABC:E1:1F.7"), "10abc:e1:1f.7");
  for (const char* text : {"0000:e1:00.0", "0ffff:e1:00.0", "10000:e1:00", "10000:e1:00.8", "10000:0000:e1:00.0",
                           "e1:00.0", ":e1:00.0", "1000g:e1:00.0", "100000000:e1:00.0", "10000:e1:00.0 "})
    EXPECT_FALSE(parse_vmd_address(text)) << text;
  for (const auto& text : hostile) EXPECT_FALSE(parse_vmd_address(text)) << text.substr(0, 10);
}

TEST(ChainText, RoundTripAndRefusal) {
  for (const char* text : {"00.0", "08.1/00.3", "01.1/00.0/08.0/1f.7"}) {
    const auto chain = parse_chain(text);
    ASSERT_TRUE(chain) << text;
    EXPECT_EQ(to_string(*chain), text);
  }
  for (const char* text : {"8.1", "08.1/", "/08.1", "08.1//00.3", "08.8", "20.0", "08.1/00.3\n", "08.1 00.3", "08-1"})
    EXPECT_FALSE(parse_chain(text)) << text;
  for (const auto& text : hostile) EXPECT_FALSE(parse_chain(text)) << text.substr(0, 10);
}

TEST(IdPairText, RoundTripAndRefusal) {
  EXPECT_EQ(parse_id_pair("1022:148C"), (std::pair<std::uint16_t, std::uint16_t>{0x1022, 0x148c}));
  EXPECT_EQ(id_pair(0x1b, 0xffff), "001b:ffff");
  for (const char* text :
       {"1022148c", "1022:148", "1022:148cd", "1022:148g", "1022-148c", "0x10:148c", "-022:148c", "1022:148c "})
    EXPECT_FALSE(parse_id_pair(text)) << text;
  for (const auto& text : hostile) EXPECT_FALSE(parse_id_pair(text)) << text.substr(0, 10);
}

TEST(ClassText, RoundTripAndRefusal) {
  EXPECT_EQ(class_text(0x0c0330), "0x0c0330");
  EXPECT_EQ(class_text(0), "0x000000");
  EXPECT_EQ(class_text(0xffffff), "0xffffff");
  EXPECT_EQ(parse_class("0x0c0330"), 0x0c0330u);
  EXPECT_EQ(parse_class("0x000000"), 0u);
  for (const char* text : {"0c0330", "0x0c033", "0x0c03300", "0X0c0330", "0x-c0330", "0x0c033g", "0x0c0330\n"})
    EXPECT_FALSE(parse_class(text)) << text;
  for (const auto& text : hostile) EXPECT_FALSE(parse_class(text)) << text.substr(0, 10);
}

TEST(PciClass, OnlyHostControllersAreControllers) {
  EXPECT_EQ(controller_kind(0x0c0330), ControllerKind::xhci);
  EXPECT_EQ(controller_kind(0x0c0320), ControllerKind::ehci);
  EXPECT_EQ(controller_kind(0x0c0310), ControllerKind::ohci);
  EXPECT_EQ(controller_kind(0x0c0300), ControllerKind::uhci);
  for (const std::uint32_t other : {0x0c0340u, 0x0c0380u, 0x0c03feu, 0x0c0331u, 0x0c0030u, 0x010c0330u})
    EXPECT_FALSE(controller_kind(other)) << std::hex << other;
  EXPECT_TRUE(is_bridge(0x060400));
  EXPECT_FALSE(is_bridge(0x0c0330));
}

TEST(CpuSetText, ParseFormatRoundTrip) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},        {"0", "0"},         {"0-31,64-95", "0-31,64-95"}, {"3,1,2", "1-3"}, {"0-3,2-5", "0-5"},
      {"7,7,7", "7"},  {"1,3,5", "1,3,5"}, {"65535", "65535"},           {"0,1", "0-1"},   {"4-4", "4"},
      {"00,01", "0-1"}};
  for (const auto& [text, canonical] : cases) {
    const auto cpus = parse_cpu_set(text);
    ASSERT_TRUE(cpus) << text;
    EXPECT_EQ(to_string(*cpus), canonical);
    EXPECT_EQ(parse_cpu_set(to_string(*cpus)), cpus);
  }
  EXPECT_EQ(parse_cpu_set("0-31,64-95")->size(), 64u);
}

TEST(CpuSetText, Refusals) {
  for (const char* text : {"5-3", ",", "1,", ",1", "1,,2", "1-", "-1", "1-2-3", "65536", "0-65536", "a", "0 ", " 0",
                           "0-31\n", "0:2", "0-31/2", "99999999999999999999"})
    EXPECT_FALSE(parse_cpu_set(text)) << text;
  for (const auto& text : hostile)
    if (!text.empty()) {
      EXPECT_FALSE(parse_cpu_set(text)) << text.substr(0, 10);
    }
}

TEST(SizeText, ParseFormatRoundTrip) {
  const std::pair<const char*, Kib> cases[] = {{"0KiB", 0},
                                               {"1KiB", 1},
                                               {"2048 KiB", 2048},
                                               {"512MiB", 512 * kib_per_mib},
                                               {"56GiB", 56 * kib_per_gib},
                                               {"56 GiB", 56 * kib_per_gib},
                                               {"56G", 56 * kib_per_gib},
                                               {"57344M", 56 * kib_per_gib},
                                               {"2TiB", 2048 * kib_per_gib},
                                               {"18446744073709551615KiB", ~Kib{0}},
                                               {"18014398509481983MiB", 18014398509481983ull * 1024}};
  for (const auto& [text, size] : cases) {
    EXPECT_EQ(parse_size(text), size) << text;
    EXPECT_EQ(parse_size(format_size(size)), size) << text;
  }
  EXPECT_EQ(format_size(1536 * kib_per_mib), "1536 MiB");
  EXPECT_EQ(format_size(1024 * kib_per_gib), "1 TiB");
  EXPECT_EQ(format_size(0), "0 KiB");
  EXPECT_EQ(format_size(2049), "2049 KiB");
}

TEST(SizeText, Refusals) {
  for (const char* text :
       {"56", "56GB", "56g", "G", "56gib", "GiB", " GiB", "-1GiB", "+1GiB", "1.5GiB", "1,5GiB", "5 6GiB", "56  GiB",
        "56GiB ", " 56GiB", "0x10GiB", "18446744073709551616KiB", "18014398509481984MiB", "56GiBGiB"})
    EXPECT_FALSE(parse_size(text)) << text;
  for (const auto& text : hostile) EXPECT_FALSE(parse_size(text)) << text.substr(0, 10);
}

TEST(Label, LegalAndNot) {
  for (const char* label :
       {"a", "9", "front-1", "A.b_c-d", "a b", "ä", "前面板1号口", "前面板 1号口", "передний-1", "e\u0301", "１号"})
    EXPECT_TRUE(valid_label(label)) << label;
  EXPECT_TRUE(valid_label(std::string(64, 'a')));
  EXPECT_FALSE(valid_label(std::string(65, 'a')));
  std::string chinese;
  for (int i = 0; i < 64; ++i) chinese += "口";
  EXPECT_TRUE(valid_label(chinese));
  EXPECT_FALSE(valid_label(chinese + "口"));
  for (const char* label : {"", "-a", ".a", "_a", " a", "a ", "a  b", "a:b", "a/b", "a,b", "a\n", "a\"b", "\u0301a",
                            "a\u202eb", "a\u200bb", "a\u3000b", "a\xff", "\xc3", "🙂"})
    EXPECT_FALSE(valid_label(label)) << label;
  EXPECT_FALSE(valid_label("a\0b"s));
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(display_width("front-1"), 7u);
  EXPECT_EQ(display_width("前面板1号口"), 11u);
  EXPECT_EQ(display_width("e\u0301"), 1u) << "an accent stands above";
  EXPECT_EQ(display_width("\033[1mbold\033[0m"), 4u);
  EXPECT_EQ(display_width("\xff!"), 2u) << "what is no UTF-8 is shown as something";
}

TEST(ShellWord, IsQuotedWhereItHasBlanks) {
  EXPECT_EQ(shell_word("front-1"), "front-1");
  EXPECT_EQ(shell_word("前面板 1号口"), "\"前面板 1号口\"");
}

TEST(Nearest, FindsWhatWasMeant) {
  const std::vector<std::string> verbs{"status", "learn", "ports", "plan", "apply", "undo", "log"};
  EXPECT_EQ(nearest("statsu", verbs), "status");
  EXPECT_EQ(nearest("staus", verbs), "status");
  EXPECT_EQ(nearest("udno", verbs), "undo") << "a swap is one mistake";
  EXPECT_EQ(nearest("plna", verbs), "plan");
  EXPECT_EQ(nearest("lgo", verbs), "log");
  EXPECT_EQ(nearest("port", verbs), "ports");
  EXPECT_EQ(nearest("status", verbs), "status");
}

TEST(Nearest, StaysSilentWhenNothingIsNear) {
  const std::vector<std::string> verbs{"status", "plan", "log"};
  for (const char* word : {"", "destroy", "xyz", "statutory", "plantation"}) EXPECT_FALSE(nearest(word, verbs)) << word;
  EXPECT_FALSE(nearest(std::string(10000, 's'), verbs));
  EXPECT_FALSE(nearest("plan", {}));
}

TEST(DisplayWidth, CountsCharactersNotBytesNorColours) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("abc"), 3u);
  EXPECT_EQ(display_width("größe"), 5u);
  EXPECT_EQ(display_width("\033[33mabc\033[0m"), 3u);
  EXPECT_EQ(display_width("\033[1m\033[0m"), 0u);
}

TEST(TableText, AlignsColumnsAndLeavesNoBlanksAtLineEnds) {
  Table table({"NAME", "N"});
  EXPECT_TRUE(table.empty());
  table.add({"\033[32mgrün\033[0m", "1"});
  table.add({"longest", ""});
  EXPECT_FALSE(table.empty());
  EXPECT_EQ(table.text(1, 0), " NAME     N\n \033[32mgrün\033[0m     1\n longest\n");
}

TEST(TableText, RowsOfUnequalLength) {
  Table table({"A"});
  table.add({"1", "2", "3"});
  table.add({});
  EXPECT_EQ(table.text(0, 0), "A\n1  2  3\n\n");
}

TEST(Printable, TakesTheTeethOutOfForeignText) {
  EXPECT_EQ(printable("SanDisk Ültra 流 😀"), "SanDisk Ültra 流 😀");
  EXPECT_EQ(printable("a\033[2Jb"), "a\uFFFD[2Jb");
  EXPECT_EQ(printable("a\nb\tc\x7f"), "a\uFFFDb\uFFFDc\uFFFD");
  EXPECT_EQ(printable("a\u009b2J"), "a\uFFFD2J") << "the one-character form of ESC [";
  EXPECT_EQ(printable("\u202eabc"), "\uFFFDabc") << "would show the line backwards";
  EXPECT_EQ(printable("a\0b"s), "a\uFFFDb");
}

TEST(Printable, BytesThatAreNotUtf8) {
  EXPECT_EQ(valid_utf8("caf\xe9"), "caf\uFFFD");
  EXPECT_EQ(valid_utf8("\xc0\xaf"), "\uFFFD\uFFFD") << "overlong";
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD") << "surrogate";
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD") << "beyond U+10FFFF";
  EXPECT_EQ(valid_utf8("\xe2\x82"), "\uFFFD\uFFFD") << "cut off";
  EXPECT_EQ(valid_utf8("a\033\n"), "a\033\n");
}

TEST(KernelWords, AreSeparatedByAnyBlanks) {
  EXPECT_EQ(words_of("  quiet\tro \n splash\n"), (std::vector<std::string_view>{"quiet", "ro", "splash"}));
  EXPECT_TRUE(words_of("").empty());
  EXPECT_TRUE(words_of(" \n\t").empty());
}

TEST(KernelWords, OnlyTheWholeWordCounts) {
  EXPECT_TRUE(has_word("quiet hostsplit=off splash", off_word));
  EXPECT_TRUE(has_word("hostsplit=off", off_word));
  EXPECT_TRUE(has_word("quiet\thostsplit=off\n", off_word));
  EXPECT_FALSE(has_word("quiet nohostsplit=off hostsplit=offline", off_word));
  EXPECT_FALSE(has_word("", off_word));
}

}  // namespace
}  // namespace hostsplit
