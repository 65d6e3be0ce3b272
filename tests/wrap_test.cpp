// Texts and tables in the columns there are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "core/base/utf8.hpp"
#include "operations/report/colour.hpp"
#include "operations/report/report.hpp"
#include "operations/report/table.hpp"
#include "operations/report/wrap.hpp"

namespace hostsplit {
namespace {

using Lines = std::vector<std::string>;

std::size_t widest(const std::string& text) {
  std::istringstream in(text);
  std::size_t columns = 0;
  for (std::string line; std::getline(in, line);) columns = std::max(columns, display_width(line));
  return columns;
}

TEST(Broken, AtBlanks) {
  EXPECT_EQ(broken("a bc def", 8, false), (Lines{"a bc def"}));
  EXPECT_EQ(broken("a bc def", 7, false), (Lines{"a bc", "def"}));
  EXPECT_EQ(broken("a bc def", 3, false), (Lines{"a", "bc", "def"}));
  EXPECT_EQ(broken("a  b", 2, false), (Lines{"a", "b"})) << "no blanks where a line begins or ends";
  EXPECT_EQ(broken("", 5, false), (Lines{""}));
}

TEST(Broken, ALongWordStaysWholeUnlessItMayBeParted) {
  EXPECT_EQ(broken("see /sys/bus/pci/devices now", 8, false), (Lines{"see", "/sys/bus/pci/devices", "now"}));
  EXPECT_EQ(broken("see abcdefghij", 4, true), (Lines{"see", "abcd", "efgh", "ij"}));
}

TEST(Broken, WideCharactersMayBePartedAnywhere) {
  EXPECT_EQ(broken("前面板1号口", 6, false), (Lines{"前面板", "1号口"}));
  EXPECT_EQ(broken("前面板1号口", 7, false), (Lines{"前面板1", "号口"}));
  EXPECT_EQ(broken("前面", 1, true), (Lines{"前", "面"})) << "a character wider than the line is a line";
}

TEST(Broken, AColourEndsWithItsLineAndGoesOnInTheNext) {
  EXPECT_EQ(broken("\033[33mone two\033[0m x", 4, false), (Lines{"\033[33mone\033[0m", "\033[33mtwo\033[0m", "x"}));
}

TEST(Fit, WhatBelongsToALineIsIndentedBelowIt) {
  EXPECT_EQ(fit("  fix: aaa bbb ccc\nnext\n", 12), "  fix: aaa\n    bbb ccc\nnext\n");
  EXPECT_EQ(fit(" 12. aaa bbb ccc\n", 12), " 12. aaa bbb\n     ccc\n");
  EXPECT_EQ(fit("aaa bbb", 5), "aaa\n  bbb") << "no line end where there was none";
  EXPECT_EQ(fit("as it is, however long that may be\n", 0), "as it is, however long that may be\n");
}

TEST(Fit, TwiceIsTheSameAsOnce) {
  const std::string text =
      "error: VM 101 (流体): " + std::string(20, 'x') + " is not what it was 前面板1号口 back there\n";
  const std::string once = fit(text, 40);
  EXPECT_LE(widest(once), 40u);
  EXPECT_EQ(fit(once, 40), once);
}

TEST(RemedyText, ACommandCanBeCopiedFromSeveralLines) {
  EXPECT_EQ(remedy_text("qm set 101 --numa 1 --memory 2048", 24, "  fix: "),
            "  fix: qm set 101 \\\n    --numa 1 --memory \\\n    2048\n");
  EXPECT_EQ(remedy_text("Run qm set 101 --numa 1", 20, "  fix: "), "  fix: Run qm set 101 --numa 1\n") << "a sentence";
  EXPECT_EQ(remedy_text("echo 'a b' > /some/where/else", 20, "  fix: "), "  fix: echo 'a b' > /some/where/else\n");
  EXPECT_EQ(remedy_text("qm set 101 --numa 1", 0, "  fix: "), "  fix: qm set 101 --numa 1\n");
}

Table sockets() {
  Table table({"PORT", "PLUGGED"});
  table.add({"前面板1号口", "Logitech USB Keyboard (1.5 Mbit/s)"});
  table.add({"\033[2mb\033[0m", "-"});
  return table;
}

TEST(TableText, AlignsByColumnsOfTheTerminal) {
  EXPECT_EQ(sockets().text(1, 0),
            " PORT         PLUGGED\n 前面板1号口  Logitech USB Keyboard (1.5 Mbit/s)\n \033[2mb\033[0m            -\n");
}

TEST(TableText, BreaksCellsWhereRowsAreTooWide) {
  EXPECT_EQ(sockets().text(0, 30),
            "PORT         PLUGGED\n前面板1号口  Logitech USB\n             Keyboard (1.5\n             Mbit/s)\n"
            "\033[2mb\033[0m            -\n");
  for (const std::size_t width : {20, 25, 40, 80}) EXPECT_LE(widest(sockets().text(0, width)), width);
}

}  // namespace
}  // namespace hostsplit
