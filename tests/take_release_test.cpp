// take and release: a controller flipped between host and VM, the whole group at once, and left alone by the service.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "operations/transfer.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::find;
using ::testing::HasSubstr;
using testing::SplitHost;

struct AppliedHost : SplitHost {
  AppliedHost() {
    configure_two_vms();
    EXPECT_TRUE(apply_now().ok());
  }
  Plan planned(Transfer::To to, const std::string& target) const { return plan_for(state(), Transfer{to, {target}}); }
  bool moved(Transfer::To to, const std::string& target) { return carry_out(context(), Transfer{to, {target}}).ok(); }
};

TEST(Release, TheHostHasItUntilItIsTaken) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:03:00.3"));
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
  EXPECT_EQ(split.driver_override("0000:03:00.3"), "(null)");
  EXPECT_TRUE(split.repair_plan_now().steps.empty()) << "this is no drift";
  ASSERT_TRUE(split.moved(Transfer::To::vm, "0000:03:00.3"));
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_FALSE(split.root.exists(names::released_file));
}

TEST(Release, TakesTheWholeGroupAlong) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:44:00.3"));
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
  EXPECT_EQ(split.driver("0000:44:00.3"), "xhci_hcd");
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
}

TEST(Release, EndsWithTheBoot) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:03:00.3"));
  split.host.remove(names::released_file);  // /run is empty after a reboot
  EXPECT_FALSE(split.repair_plan_now().steps.empty());
}

TEST(Release, ASecondTimeHasNothingToDo) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:03:00.3"));
  EXPECT_TRUE(split.planned(Transfer::To::host, "0000:03:00.3").steps.empty());
  ASSERT_TRUE(split.moved(Transfer::To::vm, "0000:03:00.3"));
  EXPECT_TRUE(split.planned(Transfer::To::vm, "0000:03:00.3").steps.empty());
}

TEST(Release, IsRefusedWhileAVmHoldsTheGroup) {
  AppliedHost split;
  split.host.hold_group(900, 60, 101);
  const Plan plan = split.planned(Transfer::To::host, "0000:03:00.3");
  const Finding* finding = find(plan.findings, "group-in-use");
  ASSERT_TRUE(finding);
  EXPECT_THAT(finding->message, HasSubstr("VM 101"));
  EXPECT_THROW(split.moved(Transfer::To::host, "0000:03:00.3"), Error);
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
}

TEST(Take, IsRefusedWhileTheHostStandsOnIt) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:03:00.3"));
  testing::UsbSpec stick;
  stick.speed = "5000";
  stick.disk = "sdz";
  split.host.plug("0000:03:00.3", "2", stick);
  split.host.add_mount("sdz", "/mnt/stick");
  EXPECT_TRUE(find(split.planned(Transfer::To::vm, "0000:03:00.3").findings, "group-lifeline"));
}

TEST(TransferTargets, WhatWasNeverGivenAwayIsTheHosts) {
  AppliedHost split;
  EXPECT_TRUE(find(split.planned(Transfer::To::host, "0000:22:00.3").findings, "not-assigned"));
  EXPECT_THROW(split.planned(Transfer::To::host, "0000:7f:00.0"), Error);
  EXPECT_THROW(split.planned(Transfer::To::vm, "no-such-port"), Error);
}

TEST(Apply, EndsARelease) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:03:00.3"));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_FALSE(split.root.exists(names::released_file));
  EXPECT_TRUE(split.plan_now().steps.empty());
}

TEST(Undo, EndsARelease) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:03:00.3"));
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists(names::released_file));
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
}

TEST(Status, SaysWhatIsReleased) {
  AppliedHost split;
  ASSERT_TRUE(split.moved(Transfer::To::host, "0000:03:00.3"));
  const Status now = status(split.state());
  for (const auto& controller : now.controllers) {
    EXPECT_EQ(controller.released, to_string(controller.address) == "0000:03:00.3") << to_string(controller.address);
    EXPECT_EQ(controller.driver, controller.wanted_driver) << to_string(controller.address);
  }
}

}  // namespace
}  // namespace hostsplit
