// The files of hostsplit: what absent and damaged ones mean, and that nothing learned is ever overwritten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/store/store.hpp"
#include "support/fake_host.hpp"

namespace hostsplit {
namespace {

using ::testing::ElementsAre;
using testing::FakeEffects;
using testing::FakeHost;
using ::testing::HasSubstr;

struct StoreTest : ::testing::Test {
  FakeHost host;
  FakeEffects effects{host};
  Root root{host.directory()};

  PortMap map(const std::string& label) const {
    LearnedPort port;
    port.label = label;
    port.controller = {"\\_SB_.PCI0", {{8, 1}, {0, 3}}, {0x1022, 0x148c, 0, 0}, 0x0c0330};
    port.usb2 = LearnedHalf{"1", true};
    return {{port}, ""};
  }
  std::string text(const std::string& path) const { return root.read_file(path).value_or("(absent)"); }
};

template <typename Call>
std::string refusal(Call call) {
  try {
    call();
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::bad_input);
    return error.what();
  }
}

TEST_F(StoreTest, AbsentFilesMeanNothingYet) {
  EXPECT_FALSE(load_config(root));
  EXPECT_TRUE(load_port_map(root).ports.empty());
  EXPECT_EQ(load_port_map(root).file, host.path(names::port_map_file));
  EXPECT_TRUE(load_baseline(root).empty());
  EXPECT_FALSE(load_boot_plan(root));
  EXPECT_TRUE(effects.log().empty());
}

TEST_F(StoreTest, AnEmptyFileIsNotAnAbsentOne) {
  for (const char* file : {names::config_file, names::port_map_file, names::baseline_file, names::boot_plan_file})
    host.set_file(file, "");
  EXPECT_THAT(refusal([&] { load_config(root); }), HasSubstr("hostsplit.toml: version"));
  EXPECT_THAT(refusal([&] { load_port_map(root); }), HasSubstr("ports.toml: version"));
  EXPECT_THAT(refusal([&] { load_baseline(root); }), HasSubstr("baseline.toml: version"));
  EXPECT_THAT(refusal([&] { load_boot_plan(root); }), HasSubstr("boot/plan: version"));
}

TEST_F(StoreTest, ErrorsNameTheFileAsItIsReachedFromHere) {
  host.set_file(names::config_file, "version = 1\n\n[vm.7]\n");
  EXPECT_THAT(refusal([&] { load_config(root); }), HasSubstr(host.path(names::config_file) + ":3: vm.7"));
}

TEST_F(StoreTest, WhatIsSavedIsLoaded) {
  EXPECT_EQ(save_port_map(root, effects, map("a")), std::nullopt);
  EXPECT_TRUE(load_port_map(root).find("a"));
  EXPECT_EQ(save_port_map(root, effects, map("b")), std::nullopt);
  EXPECT_TRUE(load_port_map(root).find("b"));
  EXPECT_FALSE(root.exists(std::string(names::port_map_file) + ".damaged-1")) << "a good one is no damaged one";
}

TEST_F(StoreTest, DamagedPortMapsAreKeptUnderTheFirstFreeName) {
  const std::string file = names::port_map_file;
  host.set_file(file, "first damage");
  EXPECT_THAT(refusal([&] { load_port_map(root); }), HasSubstr("ports.toml:1"));
  EXPECT_EQ(text(file), "first damage") << "looking changes nothing";
  EXPECT_EQ(save_port_map(root, effects, map("a")), host.path(file + ".damaged-1"));
  host.set_file(file, "second damage");
  EXPECT_EQ(save_port_map(root, effects, map("b")), host.path(file + ".damaged-2"));
  host.remove(file + ".damaged-1");
  host.set_file(file, "third damage");
  EXPECT_EQ(save_port_map(root, effects, map("c")), host.path(file + ".damaged-1"));
  EXPECT_EQ(text(file + ".damaged-1"), "third damage");
  EXPECT_EQ(text(file + ".damaged-2"), "second damage");
  EXPECT_TRUE(load_port_map(root).find("c"));
}

TEST_F(StoreTest, APortMapOfANewerVersionIsKeptToo) {
  host.set_file(names::port_map_file, "version = 2\n");
  const auto kept = save_port_map(root, effects, map("a"));
  ASSERT_TRUE(kept);
  EXPECT_EQ(text(std::string(names::port_map_file) + ".damaged-1"), "version = 2\n");
}

TEST_F(StoreTest, ADamagedMapThatCannotBeKeptIsNotOverwritten) {
  host.set_file(names::port_map_file, "damage");
  effects.fail_next("ports.toml", EROFS);
  EXPECT_THROW(save_port_map(root, effects, map("a")), Error);
  EXPECT_EQ(text(names::port_map_file), "damage");
}

TEST_F(StoreTest, AFailedWriteLeavesTheOldMap) {
  save_port_map(root, effects, map("a"));
  effects.fail_next("ports.toml", ENOSPC);
  EXPECT_THROW(save_port_map(root, effects, map("b")), Error);
  EXPECT_TRUE(load_port_map(root).find("a"));
}

TEST_F(StoreTest, AnEmptyBaselineRemovesTheFile) {
  Baseline baseline;
  baseline.pools.push_back({0, kib_per_gib, 2});
  save_baseline(effects, baseline);
  EXPECT_EQ(load_baseline(root), baseline);
  save_baseline(effects, {});
  EXPECT_FALSE(root.exists(names::baseline_file));
  EXPECT_NO_THROW(save_baseline(effects, {})) << "there is nothing to remove, and that is fine";
}

TEST_F(StoreTest, ADirectoryInPlaceOfAFileIsToldNotTakenForAbsent) {
  host.set_file(std::string(names::boot_plan_file) + "/x", "");
  EXPECT_THROW(load_boot_plan(root), Error);
}

TEST_F(StoreTest, TheMapIsRenamedBeforeTheNewOneIsWritten) {
  host.set_file(names::port_map_file, "damage");
  save_port_map(root, effects, map("a"));
  EXPECT_THAT(effects.log(), ElementsAre(HasSubstr("rename"), HasSubstr("replace")));
}

}  // namespace
}  // namespace hostsplit
