// What the host stands on under a controller that a VM wants: each is refused, and each can be given up by its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::find;
using ::testing::HasSubstr;
using testing::SplitHost;
using testing::UsbSpec;

constexpr auto wanted = "0000:03:00.3";

struct Lifelines : ::testing::Test {
  SplitHost split;
  UsbSpec stick() {
    UsbSpec spec;
    spec.speed = "5000";
    spec.disk = "sdz";
    return spec;
  }
  void configure(const std::string& may_lose = "") {
    split.configure("[host]\nmay_lose = [" + may_lose + "]\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  }
  Finding refusal() {
    configure();
    const Plan plan = split.plan_now();
    const Finding* finding = find(plan.findings, "group-lifeline");
    EXPECT_TRUE(finding);
    return finding ? *finding : Finding{};
  }
  /// Refused with words that name the use; by its name it can be given up.
  void expect_refused(const std::string& name, const std::string& words) {
    configure();
    const Plan plan = split.plan_now();
    const Finding* finding = find(plan.findings, "group-lifeline");
    ASSERT_TRUE(finding) << name;
    EXPECT_EQ(finding->severity, Severity::error);
    EXPECT_THAT(finding->message, HasSubstr(words));
    configure("\"another\"");
    EXPECT_TRUE(has_errors(split.plan_now().findings));
    configure("\"" + name + "\"");
    const Plan given_up = split.plan_now();
    EXPECT_FALSE(has_errors(given_up.findings)) << name;
    EXPECT_EQ(find(given_up.findings, "group-lifeline")->severity, Severity::warning);
  }
};

TEST_F(Lifelines, AMountedStick) {
  split.host.plug(wanted, "2", stick());
  split.host.add_mount("sdz", "/mnt/backup");
  expect_refused("/mnt/backup", "/mnt/backup is mounted from it");
}

TEST_F(Lifelines, RootItselfIsNobodysToGive) {
  split.host.plug(wanted, "2", stick());
  split.host.set_file("proc/1/mountinfo", "");
  split.host.add_mount("sdz", "/");
  configure("\"sdz\"");
  EXPECT_TRUE(has_errors(split.plan_now().findings));
}

TEST_F(Lifelines, SwapOnAStick) {
  split.host.plug(wanted, "2", stick());
  split.host.add_swap("sdz");
  expect_refused("/dev/sdz", "the host swaps to it");
}

TEST_F(Lifelines, AnEncryptedVolumeOnAStick) {
  split.host.plug(wanted, "2", stick());
  split.host.add_mapper("dm-7", "secret", "CRYPT-LUKS2-1234-secret", {"sdz"});
  expect_refused("sdz", "/dev/sdz depends on it (sdz); open on it: secret (LUKS)");
}

TEST_F(Lifelines, WhatIsOnTopIsClosedFirst) {
  split.host.plug(wanted, "2", stick());
  split.host.add_mapper("dm-7", "secret", "CRYPT-LUKS2-1234-secret", {"sdz"});
  split.host.add_mapper("dm-8", "cold-a", "LVM-a", {"dm-7"});
  const Finding finding = refusal();
  EXPECT_THAT(finding.message, HasSubstr("open on it: volume group cold, secret (LUKS)"));
  EXPECT_THAT(finding.remedy, HasSubstr("(vgchange -an cold; cryptsetup close secret)"));
}

TEST_F(Lifelines, AGroupIsClosedAfterAllThatIsOnItsVolumes) {
  split.host.plug(wanted, "2", stick());
  split.host.add_mapper("dm-7", "cold-pool_tdata", "LVM-a", {"sdz"});
  split.host.add_mapper("dm-8", "cold-pool", "LVM-b", {"dm-7"});
  split.host.add_mapper("dm-9", "cold-thin", "LVM-c", {"dm-8"});
  split.host.add_mapper("dm-10", "cold-plain", "LVM-d", {"sdz"});
  split.host.add_mapper("dm-11", "secret", "CRYPT-LUKS2-1234-secret", {"dm-10"});
  const Finding finding = refusal();
  EXPECT_THAT(finding.remedy, HasSubstr("(cryptsetup close secret; vgchange -an cold)"));
}

TEST_F(Lifelines, AMemberOfAnArray) {
  split.host.plug(wanted, "2", stick());
  split.host.add_array("md0", {"sdz"});
  expect_refused("md0", "md0 depends on it");
}

TEST_F(Lifelines, APoolOfZfs) {
  split.host.plug(wanted, "2", stick());
  split.host.add_pool("tank", {"sdz"});
  expect_refused("tank", "tank depends on it");
}

TEST_F(Lifelines, ABootPartitionThatIsNotMountedIsNobodysToGive) {
  split.host.plug(wanted, "2", stick());
  split.host.set_file("etc/kernel/proxmox-boot-uuids", "1234-ABCD\n");
  split.host.set_link("dev/disk/by-uuid/1234-ABCD", "../../sdz");
  configure("\"boot partition 1234-ABCD\", \"sdz\"");
  const Plan plan = split.plan_now();
  const Finding* finding = find(plan.findings, "group-lifeline");
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->severity, Severity::error);
  EXPECT_THAT(finding->message, HasSubstr("boot partition 1234-ABCD"));
}

TEST_F(Lifelines, AUsbNetworkCardThatIsABridgePort) {
  split.host.add_interface("enx001122", wanted);
  split.host.add_upper("br0", {"enx001122"});
  split.host.set_file("sys/devices/virtual/net/br0/bridge/bridge_id", "8000.001122334455\n");
  expect_refused("enx001122", "network runs over it (enx001122)");
}

TEST_F(Lifelines, AnIdleUsbNetworkCardIsNoLifeline) {
  split.host.add_interface("enx001122", wanted);
  configure();
  EXPECT_FALSE(has_errors(split.plan_now().findings));
}

TEST_F(Lifelines, AMemberOfABond) {
  split.host.add_interface("enx001122", wanted);
  split.host.add_upper("bond0", {"enx001122"});
  split.host.set_file("sys/devices/virtual/net/bond0/bonding/mode", "active-backup 1\n");
  expect_refused("enx001122", "network runs over it");
}

TEST_F(Lifelines, ASerialConsole) {
  split.host.add_console("ttyS4", wanted);
  expect_refused("ttyS4", "console ttyS4 is attached to it");
}

}  // namespace
}  // namespace hostsplit
