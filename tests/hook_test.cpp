// The hook of Proxmox VE: what holds a VM back, what does not, and what it brings back first.
#include "operations/hook.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/names.hpp"
#include "core/checks/start_check.hpp"
#include "service/daemon/metrics.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SplitHost;

struct GuestHook : ::testing::Test {
  SplitHost split;
  void SetUp() override {
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
    split.effects.clear_log();
    split.audit.records.clear();
  }
  HookAnswer before(int vm = 101) { return before_start(split.context(), vm); }
};

TEST_F(GuestHook, AReadyVmStarts) {
  EXPECT_EQ(before().veto, "");
  EXPECT_TRUE(split.effects.log().empty());
  EXPECT_TRUE(split.audit.records.empty());
}

TEST_F(GuestHook, AnUnknownVmIsNotEvenLookedAt) {
  split.host.unbind("0000:03:00.3");
  split.host.set_pages(0, kib_per_gib, 0);
  EXPECT_EQ(before(900).veto, "");
  EXPECT_TRUE(split.effects.log().empty());
}

/// Whatever hostsplit claims: Proxmox VE takes what the line names.
TEST_F(GuestHook, ALineThatNamesTheRootDiskHoldsAnyVmBack) {
  const auto line = [&](const std::string& address) {
    split.host.set_file("etc/pve/qemu-server/900.conf", "cores: 1\nmemory: 1024\nhostpci0: " + address + "\n");
  };
  line("0000:01:00.0");
  EXPECT_THAT(before(900).veto, HasSubstr("hostpci0 names 0000:01:00.0: / is mounted from it"));
  EXPECT_THAT(before(900).veto, HasSubstr("qm set 900 --delete hostpci0"));
  line("0000:22:00.3");
  EXPECT_EQ(before(900).veto, "") << "the last keyboard is a wish, nothing the host dies of";
  EXPECT_EQ(before(101).veto, "");
}

TEST_F(GuestHook, AGroupWithTheRootDiskHoldsAnyVmBack) {
  const auto config = [&](const std::string& lines) {
    split.host.set_file("etc/pve/qemu-server/900.conf", "cores: 1\nmemory: 1024\n" + lines + "\n");
  };
  split.host.add_pci({"0000:01:00.1", "0000:00:01.1", "1022:1487", "1043:87c0", 0x040300, 56, 0, "snd_hda_intel"});
  split.host.add_pci({"0000:22:00.4", "0000:20:08.1", "1022:1487", "1043:87c0", 0x040300, 43, 1, "snd_hda_intel"});
  config("hostpci0: 0000:01:00.1");
  EXPECT_THAT(before(900).veto, HasSubstr("all of its IOMMU group along, and 0000:01:00.0 with it: / is mounted from"));
  for (const auto* binds_nothing : {"hostpci0: 0000:01:00.1,mdev=nvidia-259", "hostpci0: 0000:01:00.1,driver=keep",
                                    "args: -device vfio-pci,host=0000:01:00.1"}) {
    config(binds_nothing);
    EXPECT_EQ(before(900).veto, "") << binds_nothing;
  }
  config("hostpci0: 0000:22:00.4");
  EXPECT_EQ(before(900).veto, "") << "a keyboard in the group is nothing the host dies of";
}

TEST_F(GuestHook, NothingAppliedHoldsNothingBack) {
  split.host.remove(names::boot_plan_file);
  EXPECT_EQ(before().veto, "");
}

TEST_F(GuestHook, ABootPlanThatCannotBeReadHoldsNothingBackAndIsReported) {
  const std::string plan = split.host.root().read(names::boot_plan_file).value();
  split.host.set_file(names::boot_plan_file, plan + "garbage\n");
  split.host.unbind("0000:03:00.3");
  const auto answer = before();
  EXPECT_EQ(answer.veto, "");
  EXPECT_THAT(answer.notes, ElementsAre(HasSubstr("etc/hostsplit/boot/plan")));
}

TEST_F(GuestHook, AControllerThatIsElsewhereHoldsItBack) {
  split.host.unbind("0000:03:00.3");
  split.host.bind("0000:03:00.3", "xhci_hcd");
  const auto answer = before();
  EXPECT_THAT(answer.veto, HasSubstr("VM 101 cannot start: 0000:03:00.3"));
  EXPECT_THAT(answer.veto, HasSubstr("with xhci_hcd"));
  ASSERT_FALSE(split.audit.records.empty());
  EXPECT_EQ(split.audit.records.back().event, "vm-start");
  EXPECT_EQ(split.audit.records.back().result, "refused");
  EXPECT_EQ(before(102).veto, "") << "the other one is ready";
}

TEST_F(GuestHook, AControllerAnotherGuestHoldsHoldsItBack) {
  split.host.hold_group(4711, 60, 102);
  EXPECT_THAT(before().veto, HasSubstr("held by VM 102"));
  split.host.release_group(4711);
  split.host.hold_group(4711, 60, 101);
  EXPECT_EQ(before().veto, "") << "a restart of itself";
}

TEST_F(GuestHook, PagesThatWereTrimmedAreBroughtBack) {
  split.host.set_pages(0, kib_per_gib, 0);
  EXPECT_EQ(before().veto, "");
  EXPECT_EQ(split.pages(0), 8u);
  EXPECT_EQ(split.pages(1), 8u);
}

TEST_F(GuestHook, PagesThatCannotBeBroughtBackHoldItBack) {
  split.host.set_pages(0, kib_per_gib, 0);
  split.host.short_pages(0, 3);
  const auto answer = before();
  EXPECT_THAT(answer.veto, HasSubstr("node 0 has 3 free huge pages of 1 GiB and it needs 8"));
  ASSERT_EQ(answer.notes.size(), 1u);
  EXPECT_THAT(answer.notes[0], HasSubstr("only 3 of 8"));
  EXPECT_EQ(before(102).veto, "");
}

TEST_F(GuestHook, ALifelineHoldsItBackEvenWhenSwitchedOff) {
  split.host.set_kernel("6.17.13-2-pve", "ro hostsplit=off");
  split.host.unbind("0000:03:00.3");
  split.host.bind("0000:03:00.3", "xhci_hcd");
  split.host.set_pages(0, kib_per_gib, 0);
  EXPECT_EQ(before().veto, "") << "switched off, hostsplit has no say";
  EXPECT_EQ(split.pages(0), 0u);
  testing::UsbSpec stick;
  stick.speed = "5000";
  stick.disk = "sdx";
  split.host.plug("0000:03:00.3", "1", stick);
  split.host.add_mount("sdx", "/mnt/rescue");
  EXPECT_THAT(before().veto, HasSubstr("/mnt/rescue is mounted"));
}

TEST_F(GuestHook, AfterTheStartItTellsWhatIsWrong) {
  EXPECT_TRUE(after_start(split.context(), 900).notes.empty());
  EXPECT_TRUE(load_proofs(split.root).empty());
  split.host.unbind("0000:03:00.3");
  const auto answer = after_start(split.context(), 101);
  ASSERT_EQ(answer.notes.size(), 1u);
  EXPECT_THAT(answer.notes[0], HasSubstr("function of 0000:03:00.3"));
  EXPECT_EQ(answer.veto, "");
  const auto proofs = load_proofs(split.root);
  ASSERT_EQ(proofs.count(101), 1u);
  EXPECT_EQ(proofs.at(101).wrong, 1u);
  const auto text = metrics_text(status(split.state()), 0, proofs);
  EXPECT_THAT(text, HasSubstr("hostsplit_verify_wrong{vm=\"101\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(fmt::format("hostsplit_verify_time_seconds{{vm=\"101\"}} {}\n", proofs.at(101).at)));
}

}  // namespace
}  // namespace hostsplit
