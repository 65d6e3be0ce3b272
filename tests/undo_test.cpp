// Undo tells the truth: with the record lost or damaged, with files edited, with VMs that run, after a failure, and
// after an apply that was stopped.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/planner/vm_steps.hpp"
#include "host/store/store.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::Contains;
using testing::find;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::SplitHost;

constexpr auto image = "boot/initrd.img-6.17.13-2-pve";

/// With GRUB, pages on the kernel command line, and everything applied.
struct AppliedHost : SplitHost {
  std::string image_before, menu_before;
  explicit AppliedHost(const std::string& owners = "quiet") {
    host.add_grub(owners);
    image_before = host.file(image);
    menu_before = host.file(names::grub_config);
    configure_two_vms();
    EXPECT_TRUE(apply_now().ok());
  }
  CarriedOut undo() { return carry_out(context(), Undo{}); }
  Plan undo_plan() const { return plan_for(observe_for(root, Undo{}), Undo{}); }
  void expect_no_trace() const {
    for (const char* address : {"0000:03:00.3", "0000:44:00.1", "0000:44:00.3"}) {
      EXPECT_EQ(driver(address), "xhci_hcd") << address;
      EXPECT_EQ(driver_override(address), "(null)") << address;
    }
    EXPECT_EQ(pages(0), 0u);
    EXPECT_EQ(pages(1), 0u);
    for (const auto* path :
         {names::boot_plan_file, names::baseline_file, names::grub_words, names::grub_entry, names::initramfs_hook,
          names::initramfs_script, "etc/hostsplit/boot", "var/lib/hostsplit/journal"})
      EXPECT_FALSE(root.exists(path)) << path;
    EXPECT_EQ(host.file(image), image_before);
    EXPECT_EQ(host.file(names::grub_config), menu_before);
    EXPECT_THAT(undo_plan().steps, IsEmpty());
  }
};

TEST(LostBaseline, UndoTakesEverythingAway) {
  AppliedHost split;
  split.host.remove(names::baseline_file);
  const Plan planned = split.undo_plan();
  EXPECT_TRUE(find(planned.findings, "baseline-lost"));
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(LostBaseline, AnApplyInBetweenMakesNoDifference) {
  AppliedHost split;
  split.host.remove(names::baseline_file);
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.plan_now().steps, IsEmpty());
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(LostBaseline, ARepairInBetweenMakesNoDifference) {
  AppliedHost split;
  split.host.remove(names::baseline_file);
  split.host.unbind("0000:44:00.3");
  split.host.bind("0000:44:00.3", "xhci_hcd");
  split.host.set_file("sys/bus/pci/devices/0000:44:00.3/driver_override", "(null)\n");
  const Plan needed = split.repair_plan_now();
  ASSERT_EQ(needed.steps.size(), 1u);
  ASSERT_TRUE(carry_out(split.context(), Repair{{needed.steps.front().id}}).ok());
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(LostBaseline, AnotherConfigurationInBetweenMakesNoDifference) {
  AppliedHost split;
  split.host.remove(names::baseline_file);
  split.configure("[vm.101]\nnode = 0\nmemory = \"4GiB\"\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(LostBaseline, OneThatIsDamagedIsKeptAndReplaced) {
  for (const bool apply_first : {false, true}) {
    AppliedHost split;
    split.host.set_file(names::baseline_file, "version = 1\n[[bind");
    EXPECT_TRUE(find(split.state().findings, "baseline-damaged"));
    EXPECT_FALSE(status(split.state()).controllers.empty()) << "it hides nothing";
    if (apply_first) {
      ASSERT_TRUE(split.apply_now().ok());
      EXPECT_TRUE(split.state().findings.empty());
    }
    EXPECT_TRUE(split.undo().ok());
    split.expect_no_trace();
    ASSERT_EQ(split.root.list(names::kept_directory).size(), 1u);
    EXPECT_EQ(split.host.file(std::string(names::kept_directory) + "/" + split.root.list(names::kept_directory)[0]),
              "version = 1\n[[bind");
  }
}

TEST(LostBaseline, TheHookScriptOfVmsIsRecognised) {
  PveConfigs pve;
  PveVm vm;
  vm.id = 101;
  vm.hookscript = "local:snippets/hostsplit-hook";
  pve.known = true;
  pve.next[101] = vm;
  vm.id = 102;
  vm.hookscript = "local:snippets/mine";
  pve.next[102] = vm;
  Baseline baseline;
  recognise_hooks(pve, baseline);
  ASSERT_EQ(baseline.pve_keys.size(), 1u);
  EXPECT_EQ(baseline.pve_keys[0].object.id, "101");
  EXPECT_EQ(baseline.pve_keys[0].before, std::nullopt);
}

/// vfio-pci had it before hostsplit: it is the owner's, whatever happens to hostsplit's files.
TEST(Baseline, WhatWasSoBeforeStaysSo) {
  SplitHost split;
  split.configure("[enforce]\nboot = \"service\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  split.effects.run({"modprobe", "vfio-pci"}, std::chrono::seconds(1));
  split.host.unbind("0000:03:00.3");
  split.host.set_file("sys/bus/pci/devices/0000:03:00.3/driver_override", "vfio-pci\n");
  split.host.bind("0000:03:00.3", "vfio-pci");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_TRUE(split.root.exists(names::baseline_file)) << "a lost one can be told from an empty one";
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_FALSE(split.root.exists(names::baseline_file));
}

TEST(Baseline, ALargeFileThatStoodThereComesBack) {
  SplitHost split;
  std::string large = "#!/bin/sh\n";
  for (int line = 0; line < 3000; ++line) large += "# line " + std::to_string(line) + " of somebody \"else\"\n";
  large += "# " + std::string(9000, 'x') + "\xc3\xa4\xe2\x82\xac" + std::string(9000, '\\') + "\n\n\nno end";
  split.host.set_file(names::initramfs_hook, large);
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_NO_THROW(load_baseline(split.root));
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.host.file(names::initramfs_hook), large);
}

TEST(Baseline, IsRootsAlone) {
  AppliedHost split;
  EXPECT_EQ(split.root.mode(names::baseline_file), 0600u);
}

TEST(UndoFiles, AFileThatCouldNotBeRemovedKeepsTheMenuFromBeingClean) {
  AppliedHost split;
  ASSERT_TRUE(split.root.exists(names::grub_words));
  split.effects.fail_next(names::grub_words, EPERM);
  EXPECT_FALSE(split.undo().ok());
  EXPECT_FALSE(split.undo_plan().steps.empty());
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(UndoFiles, RemovedByHandTheMenuIsMadeAnew) {
  AppliedHost split;
  split.host.remove(names::grub_words);
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(UndoFiles, OnlyTheMenuIsLeft) {
  AppliedHost split;
  for (const auto* path : {names::grub_words, names::grub_entry, names::baseline_file}) split.host.remove(path);
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(UndoFiles, AMenuOfAnEarlierHostsplitIsRecognised) {
  SplitHost split;
  split.host.add_grub("quiet");
  const std::string menu = split.host.file(names::grub_config);
  split.host.set_file(names::grub_config, menu +
                                              "menuentry 'without hostsplit: Debian GNU/Linux' {\n  linux /vmlinuz "
                                              "quiet hostsplit=off\n}\n");
  ASSERT_EQ(plan_for(observe_for(split.root, Undo{}), Undo{}).steps.size(), 1u);
  EXPECT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.host.file(names::grub_config), menu);
  EXPECT_THAT(plan_for(observe_for(split.root, Undo{}), Undo{}).steps, IsEmpty());
}

TEST(UndoFiles, WhatTheOwnerEditedIsKeptAside) {
  AppliedHost split;
  const std::string edited = split.host.file(names::grub_words) + "GRUB_TIMEOUT=7\n";
  split.host.set_file(names::grub_words, edited);
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
  ASSERT_EQ(split.root.list(names::kept_directory).size(), 1u);
  EXPECT_EQ(split.host.file(std::string(names::kept_directory) + "/" + split.root.list(names::kept_directory)[0]),
            edited);
}

TEST(UndoFiles, WhatSomebodyPutInItsPlaceStays) {
  AppliedHost split;
  split.host.set_file(names::initramfs_hook, "#!/bin/sh\n# mine\n");
  const Plan planned = split.undo_plan();
  ASSERT_TRUE(find(planned.findings, "file-replaced"));
  EXPECT_TRUE(split.undo().ok());
  EXPECT_EQ(split.host.file(names::initramfs_hook), "#!/bin/sh\n# mine\n");
  EXPECT_FALSE(split.root.exists(names::baseline_file));
}

TEST(UndoFiles, SettingsThatSomebodyPutInTheirPlaceStayInTheMenu) {
  AppliedHost split;
  split.host.set_file(names::grub_words, "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT nomodeset\"\n");
  EXPECT_TRUE(split.undo().ok());
  EXPECT_EQ(split.host.file(names::grub_config), "  linux /vmlinuz quiet nomodeset\n");
  EXPECT_FALSE(split.root.exists(names::baseline_file));
}

TEST(UndoFiles, TheOwnersOwnOffStays) {
  AppliedHost split("quiet hostsplit=off");
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(UndoPages, TheKernelReturnsWhatAVmStillUses) {
  AppliedHost split;
  split.host.use_pages(0, kib_per_gib, 5);
  const Plan planned = split.undo_plan();
  const Finding* in_use = find(planned.findings, "pages-in-use");
  ASSERT_TRUE(in_use);
  EXPECT_THAT(in_use->message, HasSubstr("5 pages"));
  EXPECT_THAT(in_use->remedy, HasSubstr("hostsplit undo again"));
  EXPECT_TRUE(split.undo().ok());
  EXPECT_EQ(split.pages(0), 5u) << "the VM keeps what it uses";
  EXPECT_EQ(split.pages(1), 0u);
  EXPECT_EQ(load_baseline(split.root).pools.size(), 1u) << "the inverse stays until it is done";
  EXPECT_TRUE(find(split.undo_plan().findings, "pages-in-use"));
  split.host.free_pages(0, kib_per_gib, 5);
  EXPECT_EQ(split.pages(0), 0u);
  ASSERT_EQ(split.undo_plan().steps.size(), 1u) << "the record goes";
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(DamagedPlan, IsNoDeadEnd) {
  const std::string cut = "version 1\nfloor keep_free=0\nbind 0000:03";
  for (const bool apply_first : {false, true}) {
    AppliedHost split;
    split.host.set_file(names::boot_plan_file, cut);
    const Status now = status(split.state());
    EXPECT_TRUE(find(now.findings, "plan-damaged"));
    EXPECT_FALSE(has_errors(split.plan_now().findings));
    EXPECT_FALSE(split.plan_now().steps.empty());
    EXPECT_NO_THROW(observe_applied(split.root));
    EXPECT_TRUE(early_boot(split.context(), {}).outcome.ok()) << "and the host boots";
    if (apply_first) {
      ASSERT_TRUE(split.apply_now().ok());
      EXPECT_TRUE(load_boot_plan(split.root)) << "written anew";
      EXPECT_THAT(split.plan_now().steps, IsEmpty());
    }
    EXPECT_TRUE(split.undo().ok());
    split.expect_no_trace();
    ASSERT_EQ(split.root.list(names::kept_directory).size(), 1u);
    EXPECT_EQ(split.host.file(std::string(names::kept_directory) + "/" + split.root.list(names::kept_directory)[0]),
              cut);
  }
}

TEST(DamagedPlan, WithoutARecordItsWholeLinesCount) {
  AppliedHost split;
  const std::string plan = split.host.file(names::boot_plan_file);
  split.host.remove(names::baseline_file);
  split.host.set_file(names::boot_plan_file, plan + "pages node=");
  EXPECT_TRUE(split.undo().ok());
  split.expect_no_trace();
}

TEST(Cancel, LeavesNothingThatIsKeptInForce) {
  SplitHost split;
  split.configure_two_vms();
  int asked = 0;
  Context context = split.context();
  context.stop_asked = [&] { return ++asked > 5; };
  const CarriedOut done = carry_out(context, Apply{});
  EXPECT_FALSE(done.ok());
  EXPECT_FALSE(split.root.exists(names::boot_plan_file));
  EXPECT_FALSE(split.state().applied);
  EXPECT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists(names::baseline_file));
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST(Cancel, WhatWasInForceBeforeStaysInForce) {
  AppliedHost split;
  const std::string before = split.host.file(names::boot_plan_file);
  split.configure("[vm.101]\nnode = 0\nmemory = \"4GiB\"\ncontrollers = [\"0000:03:00.3\"]\n");
  bool written = false;
  Context context = split.context();
  split.effects.before = [&](const std::string& line) {
    if (line == std::string("replace ") + names::boot_plan_file) written = true;
  };
  context.stop_asked = [&] { return written; };
  EXPECT_FALSE(carry_out(context, Apply{}).ok());
  EXPECT_TRUE(written);
  EXPECT_EQ(split.host.file(names::boot_plan_file), before);
}

TEST(Leftovers, OfARebuildThatWasKilledGoWithTheNext) {
  AppliedHost split;
  const std::string kept = std::string(image) + ".hostsplit-previous",
                    orphan = "boot/initrd.img-5.4.0.hostsplit-previous";
  struct Killed {};
  split.effects.before = [&](const std::string& line) {
    if (line == "remove " + kept) throw Killed{};
  };
  EXPECT_THROW(split.undo(), Killed);
  split.effects.before = {};
  ASSERT_TRUE(split.root.exists(kept));
  split.host.set_file(orphan, "old");
  EXPECT_TRUE(split.undo().ok());
  EXPECT_FALSE(split.root.exists(kept));
  EXPECT_FALSE(split.root.exists(orphan));
  split.expect_no_trace();
}

TEST(Leftovers, AHalfMenuIsNotTakenForTheOneBefore) {
  SplitHost split;
  split.host.add_grub("quiet");
  const std::string whole =
      "### BEGIN /etc/grub.d/10_linux ###\n  linux /vmlinuz quiet\n### END /etc/grub.d/10_linux ###\n";
  split.host.set_file(names::grub_config, whole.substr(0, 40));
  split.host.set_file(std::string(names::grub_config) + ".hostsplit-previous", whole);
  split.configure_two_vms();
  split.effects.fail_next("update-grub", "it was ended by signal 9");
  EXPECT_FALSE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(names::grub_config), whole);
}

/// Where one file system is too small nothing is done, not even the first half.
TEST(Space, IsLookedAtBeforeAnythingIsDone) {
  SplitHost split;
  split.host.add_grub("quiet");
  split.configure_two_vms();
  std::filesystem::resize_file(split.host.path(image), std::uintmax_t{1} << 42);  // nothing of it is on a disk
  try {
    carry_out(split.context(), Apply{});
    ADD_FAILURE() << "there is no room for such an image";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("MiB are needed"));
  }
  EXPECT_THAT(split.effects.log(), IsEmpty());
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST(Space, OfPartitionsIsLookedAtByTheirScript) {
  SplitHost split;
  split.host.set_file("etc/kernel/proxmox-boot-uuids", "1234-ABCD\n");
  split.host.set_file("sys/firmware/efi/x", "");
  split.configure_two_vms();
  split.effects.before = [&](const std::string& line) {
    if (line.starts_with(std::string("run ") + names::boot_entries + " check ")) throw Error("run", "it", "no room");
  };
  EXPECT_THROW(carry_out(split.context(), Apply{}), Error);
  EXPECT_THAT(split.effects.log(), IsEmpty());
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST(OwnDirectory, IsOneWhereNobodyElseKeepsFiles) {
  EXPECT_EQ(own_directory(names::boot_plan_file), "etc/hostsplit/boot");
  EXPECT_EQ(own_directory(names::baseline_file), "var/lib/hostsplit/journal");
  EXPECT_EQ(own_directory(names::config_file), "") << "systemd made it for the service";
  EXPECT_EQ(own_directory(names::port_map_file), "");
  EXPECT_EQ(own_directory(names::grub_words), "");
}

/// grub-mkconfig 2.06 writes the menu in place: a second name of it would be the broken menu.
TEST(Leftovers, AMenuThatIsWrittenInPlaceIsKeptAsACopy) {
  SplitHost split;
  split.host.add_grub("quiet");
  const std::string before = split.host.file(names::grub_config);
  split.configure_two_vms();
  split.host.set_file("etc/default/grub.d/z.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"mine\"\n");
  split.apply_now();
  EXPECT_THAT(split.effects.log(), Contains(HasSubstr("copy boot/grub/grub.cfg")));
  EXPECT_EQ(split.host.file(names::grub_config), before);
}

}  // namespace
}  // namespace hostsplit
