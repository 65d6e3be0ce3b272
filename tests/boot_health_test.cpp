// Whether the host comes up well: the count of boots, the verdict, sitting out, and the way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/names.hpp"
#include "core/boot/boot_health.hpp"
#include "host/store/store.hpp"
#include "service/reconciler/reconciler.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;

HealthRecord record(unsigned begun) {
  return {false, BootHealth{begun, "b", false}};
}

TEST(BootHealth, ComesBackAsItWent) {
  const BootHealth health{2, "1f7c-01", true};
  EXPECT_EQ(parse_boot_health(to_text(health)), health);
}

TEST(BootHealth, DamageIsSeen) {
  for (const char* text : {"", "begun=1", "begun=x boot=b network=no", "begun=1 boot= network=no", "garbage",
                           "begun=1 boot=b network=no more=1", "begun=-1 boot=b network=no"})
    EXPECT_FALSE(parse_boot_health(text)) << text;
}

TEST(BootHealth, ABootIsCountedOnce) {
  BootHealth health = boot_begun({}, "first");
  EXPECT_EQ(health.begun, 1u);
  health = boot_begun(health, "first");
  EXPECT_EQ(health.begun, 1u);
  EXPECT_EQ(boot_begun(health, "second").begun, 2u);
}

TEST(BootHealth, TheThirdBootIsSatOut) {
  EXPECT_FALSE(is_suspended({}));
  EXPECT_FALSE(is_suspended(record(1)));
  EXPECT_FALSE(is_suspended(record(2)));
  EXPECT_TRUE(is_suspended(record(3)));
  EXPECT_THAT(why_suspended(record(3)), HasSubstr("the last 2 boots did not get healthy"));
  EXPECT_TRUE(is_suspended({true, std::nullopt})) << "who cannot know does nothing";
}

TEST(BootHealth, WhatIsMissingIsNamed) {
  const BootHealth before{1, "b", true};
  HealthSigns signs{healthy_after, true, true, true};
  EXPECT_EQ(why_not_healthy(signs, before), "");
  signs.network = false;
  EXPECT_THAT(why_not_healthy(signs, before), HasSubstr("network"));
  EXPECT_EQ(why_not_healthy(signs, {1, "b", false}), "") << "there was none before either";
  signs.units_fine = false;
  EXPECT_THAT(why_not_healthy(signs, before), HasSubstr("unit"));
  signs.multi_user = false;
  EXPECT_THAT(why_not_healthy(signs, before), HasSubstr("multi-user"));
  signs.watched -= std::chrono::seconds(1);
  EXPECT_THAT(why_not_healthy(signs, before), HasSubstr("long enough"));
}

struct CountedHost : SplitHost {
  CountedHost() {
    configure_two_vms();
    EXPECT_TRUE(apply_now().ok());
  }
  void count(const std::string& text) { host.set_file(names::boot_health_file, text); }
};

TEST(SittingOut, TheFirstBootsAreCountedAndActOn) {
  CountedHost split;
  for (const char* boot : {"one", "two"}) {
    split.host.set_file("proc/sys/kernel/random/boot_id", std::string(boot) + "\n");
    const auto record = begin_boot(split.context());
    EXPECT_FALSE(is_suspended(record)) << boot;
  }
  EXPECT_EQ(load_boot_health(split.root).health->begun, 2u);
}

TEST(SittingOut, TheHostGetsItsControllersBackAndTheServiceOnlyLooks) {
  CountedHost split;
  split.count("begun=2 boot=two network=yes\n");
  split.host.set_file("proc/sys/kernel/random/boot_id", "three\n");
  const auto record = begin_boot(split.context());
  ASSERT_TRUE(is_suspended(record));
  EXPECT_TRUE(carry_out(split.context(), StepAside{}).ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
  EXPECT_EQ(split.driver("0000:44:00.3"), "xhci_hcd");
  EXPECT_EQ(split.pages(0) + split.pages(1), 0u) << "pages the kernel took by its command line";
  EXPECT_TRUE(split.root.exists(names::boot_plan_file)) << "what was applied is kept for apply and undo";

  Reconciler reconciler(split.context(), {});
  reconciler.look(Reconciler::Time{});
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd") << "the service does not take them again";
  EXPECT_THAT(reconciler.status_line(), HasSubstr("the last 2 boots did not get healthy"));
  const Status now = status(split.state());
  const Finding* finding = testing::find(now.findings, "sitting-out");
  ASSERT_TRUE(finding);
  EXPECT_THAT(finding->remedy, HasSubstr("hostsplit apply"));
}

TEST(SittingOut, ABootThatCannotBeCountedIsOnlyWatchedUntilItCan) {
  CountedHost split;
  split.host.set_file("proc/sys/kernel/random/boot_id", "another\n");
  split.effects.fail_next(names::boot_health_file, ENOSPC);
  Reconciler reconciler(split.context(), {});
  reconciler.look(Reconciler::Time{});
  EXPECT_THAT(reconciler.status_line(), HasSubstr("observing only: "));
  reconciler.look(Reconciler::Time{} + std::chrono::seconds(30));
  EXPECT_THAT(reconciler.status_line(), Not(HasSubstr("observing only")));
  EXPECT_EQ(load_boot_health(split.root).health->boot_id, "another");
}

TEST(SittingOut, ApplyTrustsTheMachineAgain) {
  CountedHost split;
  split.count("begun=3 boot=three network=yes\n");
  ASSERT_FALSE(split.plan_now().steps.empty());
  EXPECT_TRUE(split.apply_now().ok());
  EXPECT_FALSE(split.root.exists(names::boot_health_file));
  EXPECT_TRUE(split.plan_now().steps.empty());
}

TEST(SittingOut, UndoForgetsTheCount) {
  CountedHost split;
  split.count("begun=1 boot=x network=no\n");
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists(names::boot_health_file));
  EXPECT_TRUE(plan_for(split.state(), Undo{}).steps.empty());
}

TEST(Healthy, TheDaemonSetsTheCountBack) {
  CountedHost split;
  split.count("begun=2 boot=two network=yes\n");
  Reconciler reconciler(split.context(), {});
  reconciler.look(Reconciler::Time{});
  reconciler.check_health({std::chrono::seconds(5), true, true, true});
  EXPECT_EQ(load_boot_health(split.root).health->begun, 2u) << "too early to say";
  EXPECT_FALSE(reconciler.health_checked());
  reconciler.check_health({healthy_after, true, true, true});
  EXPECT_EQ(load_boot_health(split.root).health->begun, 0u);
  EXPECT_TRUE(reconciler.health_checked());
}

TEST(Healthy, AHostWithoutItsNetworkIsNot) {
  CountedHost split;
  split.count("begun=1 boot=one network=yes\n");
  split.host.set_file("proc/net/route", "Iface\tDestination\n");
  Reconciler reconciler(split.context(), {});
  reconciler.look(Reconciler::Time{});
  reconciler.check_health({healthy_after, true, true, false});
  EXPECT_EQ(load_boot_health(split.root).health->begun, 1u);
}

TEST(Healthy, WhoSitsOutStaysOut) {
  CountedHost split;
  split.count("begun=3 boot=three network=no\n");
  Reconciler reconciler(split.context(), {});
  reconciler.look(Reconciler::Time{});
  reconciler.check_health({healthy_after, true, true, true});
  EXPECT_EQ(load_boot_health(split.root).health->begun, 3u) << "only apply ends it";
}

}  // namespace
}  // namespace hostsplit
