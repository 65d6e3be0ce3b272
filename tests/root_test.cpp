#include "host/system/root.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/base/error.hpp"
#include "support/fake_host.hpp"

namespace hostsplit {
namespace {

using testing::FakeHost;
using Names = std::vector<std::string>;

TEST(Root, ReadsWithoutTrailingNewlinesAndBlanks) {
  FakeHost host;
  host.set_file("sys/a", " value \n\n");
  host.set_file("sys/empty", "");
  const Root root = host.root();
  EXPECT_EQ(root.read("sys/a"), " value");
  EXPECT_EQ(root.read("sys/empty"), "");
  EXPECT_EQ(root.read_file("sys/a"), " value \n\n");
}

TEST(Root, WhatIsNotThereIsNoError) {
  FakeHost host;
  host.set_link("dangling", "nowhere");
  const Root root = host.root();
  EXPECT_EQ(root.read("sys/none"), std::nullopt);
  EXPECT_EQ(root.read("sys"), std::nullopt);  // a directory
  EXPECT_EQ(root.read("dangling"), std::nullopt);
  EXPECT_EQ(root.read_file("none"), std::nullopt);
  EXPECT_EQ(root.list("none"), Names());
  EXPECT_EQ(root.link_name("none"), std::nullopt);
  EXPECT_EQ(root.link_text("sys"), std::nullopt);  // no link
  EXPECT_EQ(root.resolve("dangling"), std::nullopt);
  EXPECT_FALSE(root.exists("dangling"));
  EXPECT_TRUE(root.exists("sys"));
}

TEST(Root, LimitsHowMuchIsRead) {
  FakeHost host;
  host.set_file("huge", std::string(100000, 'x'));
  EXPECT_EQ(host.root().read("huge", 4096)->size(), 4096u);
  EXPECT_EQ(host.root().read("huge")->size(), 100000u);
  host.set_file("sys/huge", std::string(100000, 'x'));
  EXPECT_EQ(host.root().read("sys/huge")->size(), 100000u);
}

TEST(Root, FifosDoNotStopIt) {
  FakeHost host;
  ASSERT_EQ(::mkfifo(host.path("fifo").c_str(), 0600), 0);
  EXPECT_EQ(host.root().read("fifo"), "");
}

TEST(Root, ListsSorted) {
  FakeHost host;
  for (const auto* name : {"d/b", "d/a", "d/.hidden"}) host.set_file(name, "");
  EXPECT_EQ(host.root().list("d"), (Names{".hidden", "a", "b"}));
  for (int i = 0; i < 3000; ++i) host.set_file("many/a-rather-long-name-" + std::to_string(i), "");
  EXPECT_EQ(host.root().list("many").size(), 3000u);
}

TEST(Root, LinksAreReadAndResolved) {
  FakeHost host;
  host.set_file("sys/devices/x/attribute", "1\n");
  host.set_link("sys/bus/x", "../devices/x");
  host.set_link("sys/bus/slash", "../devices/x/");
  const Root root = host.root();
  EXPECT_EQ(root.link_text("sys/bus/x"), "../devices/x");
  EXPECT_EQ(root.link_name("sys/bus/x"), "x");
  EXPECT_EQ(root.link_name("sys/bus/slash"), "x");
  EXPECT_EQ(root.resolve("sys/bus/x"), "sys/devices/x");
  EXPECT_EQ(root.resolve("sys/bus/x/attribute"), "sys/devices/x/attribute");
  EXPECT_EQ(root.read("sys/bus/x/attribute"), "1");
}

TEST(Root, LinksDoNotLeadOutside) {
  FakeHost outside, host;
  outside.set_file("secret", "no\n");
  host.set_file("etc/inside", "yes\n");
  host.set_link("absolute", "/etc/inside");
  host.set_link("out-absolute", outside.path("secret"));
  host.set_link("out-relative", "../../../../../../../.." + outside.path("secret"));
  const Root root = host.root();
  EXPECT_EQ(root.read("out-absolute"), std::nullopt);
  EXPECT_EQ(root.read("out-relative"), std::nullopt);
  EXPECT_EQ(root.read("../" + std::filesystem::path(outside.directory()).filename().string() + "/secret"),
            std::nullopt);
  EXPECT_FALSE(root.exists("out-absolute"));
  // Holds only where openat2 is known; elsewhere such a link does not resolve, which is the safe side.
  EXPECT_EQ(root.read("absolute").value_or("yes"), "yes");
}

TEST(Root, KnowsWhetherItIsLive) {
  FakeHost host;
  EXPECT_FALSE(host.root().live());
  EXPECT_EQ(host.root().display("etc/x"), host.directory() + "/etc/x");
  for (const auto* spelling : {"/", "//", "/.", "/tmp/.."}) {
    const Root root(spelling);
    EXPECT_TRUE(root.live()) << spelling;
    EXPECT_EQ(root.display("etc/x"), "/etc/x");
  }
  EXPECT_EQ(Root("/").resolve("proc/../tmp"), "tmp");
  EXPECT_EQ(Root(host.directory() + "/").display("a"), host.directory() + "/a");
}

TEST(Root, RefusesWhatIsNoDirectory) {
  FakeHost host;
  host.set_file("file", "");
  EXPECT_THROW(Root(host.path("file")), Error);
  EXPECT_THROW(Root(host.path("none")), Error);
  EXPECT_THROW(host.root().read_file("proc"), Error);
}

}  // namespace
}  // namespace hostsplit
