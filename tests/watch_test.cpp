// What the daemon watches beside its repairs: the boot, the pools, the sockets.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/names.hpp"
#include "host/inventory/inventory.hpp"
#include "host/store/lock.hpp"
#include "host/store/page_lock.hpp"
#include "host/store/store.hpp"
#include "service/reconciler/boot_watch.hpp"
#include "service/reconciler/pool_watch.hpp"
#include "service/reconciler/port_watch.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::SplitHost;
using testing::UsbSpec;

struct WatchTest : ::testing::Test {
  SplitHost split;
  Context context = split.context();

  void apply() {
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
  }
};

TEST_F(WatchTest, ABootIsCountedOnceAndForgottenWhenTheHostIsHealthy) {
  split.host.set_file("proc/sys/kernel/random/boot_id", "one\n");
  apply();
  BootWatch boot(context);
  State state = split.state();
  boot.observe(state);
  boot.observe(state);
  EXPECT_FALSE(boot.off());
  ASSERT_TRUE(state.health.health);
  EXPECT_EQ(state.health.health->begun, 1u);
  EXPECT_FALSE(boot.checked(state));

  HealthSigns signs;
  signs.watched = 120s;
  signs.multi_user = signs.units_fine = true;
  const auto record = boot.check(state, signs);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->from, "1");
  EXPECT_EQ(split.state().health.health->begun, 0u);
  EXPECT_TRUE(boot.checked(state));
  EXPECT_FALSE(boot.check(state, signs)) << "once";
}

TEST_F(WatchTest, HostsplitOffOnTheCommandLineIsNotCounted) {
  apply();
  State state = split.state();
  state.snapshot.command_line += " hostsplit=off";
  BootWatch boot(context);
  boot.observe(state);
  EXPECT_THAT(boot.why_off(), HasSubstr("kernel command line"));
  EXPECT_FALSE(split.state().health.health);
}

TEST_F(WatchTest, APoolThatSomebodyWroteIsExplained) {
  apply();
  PoolWatch pools(split.root);
  EXPECT_TRUE(pools.observe(split.state()));
  split.host.set_file("sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages", "0\n");
  EXPECT_TRUE(pools.observe(split.state()));
  const Plan repair = split.repair_plan_now();
  const auto step = std::find_if(repair.steps.begin(), repair.steps.end(),
                                 [](const Step& each) { return std::holds_alternative<Reserve>(each.action); });
  ASSERT_NE(step, repair.steps.end());
  AuditRecord record;
  record.event = "drift";
  pools.explain(*step, record);
  EXPECT_EQ(record.event, "wipe");
  EXPECT_EQ(record.from, "8");
  EXPECT_EQ(record.to, "0");
}

TEST_F(WatchTest, WhileAVmStartsPoolsAreLeftAlone) {
  apply();
  PoolWatch pools(split.root);
  const PageLock starting(split.root, 0ms);
  EXPECT_FALSE(pools.observe(split.state()));
}

TEST_F(WatchTest, WhereTheSocketsAreIsSavedUnderTheLock) {
  PortWatch ports(context);
  State state = split.state();
  UsbSpec stick;
  stick.serial = "S1";
  split.host.plug("0000:03:00.3", "1", stick);
  const Snapshot now = inventory(split.root);
  const auto news = ports.news(state.ports, state.snapshot, now, PortStorm::Time{1s});
  ASSERT_EQ(news.events.size(), 1u);
  EXPECT_EQ(news.records.size(), 1u);

  const auto plugged = std::find_if(now.devices.begin(), now.devices.end(),
                                    [](const UsbDevice& device) { return device.serial == "S1"; });
  ASSERT_NE(plugged, now.devices.end());
  state.ports = learn_port(state.ports, now, *plugged, "front-1");
  state.snapshot = now;
  save_port_map(split.root, split.effects, state.ports);
  auto& port = state.ports.ports.front();
  port.last_address = parse_pci_address("0000:09:00.0");
  save_port_map(split.root, split.effects, state.ports);
  state.ports = load_port_map(split.root);
  {
    const Lock acting(split.root);
    ports.save_observations(state);
    EXPECT_EQ(load_port_map(split.root).ports.front().last_address, parse_pci_address("0000:09:00.0"));
  }
  ports.save_observations(state);
  EXPECT_EQ(load_port_map(split.root).ports.front().last_address, parse_pci_address("0000:03:00.3"));
  EXPECT_FALSE(ports.unsaved());
}

}  // namespace
}  // namespace hostsplit
