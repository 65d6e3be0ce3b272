// The kernel command line and the boot menu: which words, where they go, that they are there, and the way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/names.hpp"
#include "core/boot/boot_loader.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::ElementsAre;
using testing::find;
using ::testing::HasSubstr;
using testing::SplitHost;

/// An Intel machine whose kernel leaves the IOMMU off.
struct IntelHost : SplitHost {
  IntelHost() {
    host.add_grub("quiet splash");
    host.set_file("sys/firmware/acpi/tables/DMAR", "DMAR");
    host.remove("sys/class/iommu");
    configure_two_vms();
  }
  std::string menu() const { return host.file(names::grub_config); }
  /// A reboot: the kernel gets what the menu says, and the IOMMU comes.
  void reboot() {
    host.set_kernel("6.17.13-2-pve", "quiet splash intel_iommu=on");
    host.set_file("sys/class/iommu/dmar0/x", "");
  }
};

std::vector<std::string> ids(const Plan& plan) {
  std::vector<std::string> list;
  for (const auto& step : plan.steps) list.push_back(step.id);
  return list;
}

TEST(IommuWords, AreWantedOnlyWhereTheKernelLeavesItOff) {
  Snapshot snapshot;
  snapshot.boot.dmar = true;
  EXPECT_EQ(iommu_words(snapshot).size(), 1u);
  snapshot.command_line = "quiet intel_iommu=off";
  EXPECT_TRUE(iommu_words(snapshot).empty()) << "somebody wants it off";
  snapshot.command_line = "quiet";
  snapshot.iommu = true;
  EXPECT_TRUE(iommu_words(snapshot).empty()) << "it is on";
  snapshot.iommu = snapshot.boot.dmar = false;
  EXPECT_TRUE(iommu_words(snapshot).empty()) << "AMD, or off in the firmware";
}

TEST(WithWords, AddsWhatIsMissingToTheFirstLine) {
  const std::vector<KernelParameter> words{{"a=1", ""}, {"b", ""}};
  EXPECT_EQ(with_words("root=ZFS=rpool/ROOT a=1\nmore\n", words), "root=ZFS=rpool/ROOT a=1 b\n");
  EXPECT_EQ(with_words("", words), "a=1 b\n");
}

TEST(BootLoader, TheIommuComesFirstAndTheRestAfterTheReboot) {
  IntelHost split;
  const Plan first = split.plan_now();
  EXPECT_THAT(ids(first), ElementsAre("write etc/default/grub.d/hostsplit.cfg", "write etc/grub.d/42_hostsplit",
                                      "refresh boot loader"));
  EXPECT_TRUE(find(first.findings, "iommu-after-reboot"));
  EXPECT_FALSE(has_errors(first.findings));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.menu(),
            "  linux /vmlinuz quiet splash intel_iommu=on\n  linux /vmlinuz quiet splash hostsplit=off\n");
  EXPECT_TRUE(split.plan_now().steps.empty()) << "nothing to do before the reboot";
  EXPECT_TRUE(status(split.state()).pending_reboot);
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");

  split.reboot();
  EXPECT_FALSE(status(split.state()).pending_reboot);
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_THAT(split.menu(), HasSubstr("intel_iommu=on")) << "a word that is needed stays";
  EXPECT_TRUE(split.plan_now().steps.empty());
}

TEST(BootLoader, PassingByTheIommuIsAWordByWish) {
  SplitHost split;
  split.host.add_grub("quiet");
  const std::string two = "[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n";
  split.configure("[host]\niommu = \"pt\"\n" + two);
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(names::grub_config),
            "  linux /vmlinuz quiet iommu=pt\n  linux /vmlinuz quiet hostsplit=off\n");
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci") << "nothing waits for it";
  EXPECT_TRUE(status(split.state()).pending_reboot);
  split.host.set_kernel("6.17.13-2-pve", "quiet iommu=pt");
  EXPECT_FALSE(status(split.state()).pending_reboot);
  EXPECT_TRUE(split.plan_now().steps.empty());
  split.configure(two);
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(names::grub_config), "  linux /vmlinuz quiet\n  linux /vmlinuz quiet hostsplit=off\n");
  EXPECT_FALSE(split.root.exists(names::grub_words));
}

TEST(BootLoader, AWordThatSomebodyElsePutThereIsLeftAlone) {
  SplitHost split;
  split.host.add_grub("quiet iommu=pt");
  split.host.set_kernel("6.17.13-2-pve", "quiet iommu=pt");
  split.configure("[host]\niommu = \"pt\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_FALSE(split.root.exists(names::grub_words));
}

TEST(BootLoader, UndoLeavesNoTrace) {
  IntelHost split;
  const std::string before = split.menu();
  ASSERT_TRUE(split.apply_now().ok());
  split.reboot();
  ASSERT_TRUE(split.apply_now().ok());
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.menu(), before);
  EXPECT_FALSE(split.root.exists(names::grub_words));
  EXPECT_FALSE(split.root.exists(names::grub_entry));
  EXPECT_FALSE(split.root.exists(names::baseline_file));
}

TEST(BootLoader, AMenuEntryWithoutHostsplitExistsWithoutWordsToo) {
  SplitHost split;
  split.host.add_grub("quiet");
  split.configure("[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(names::grub_config), "  linux /vmlinuz quiet\n  linux /vmlinuz quiet hostsplit=off\n");
  EXPECT_FALSE(split.root.exists(names::grub_words));
}

TEST(BootLoader, AMenuThatDoesNotHaveTheWordsIsNotBelieved) {
  IntelHost split;
  const std::string before = split.menu();
  split.host.set_file("etc/default/grub.d/z.cfg", "GRUB_CMDLINE_LINUX_DEFAULT=\"mine\"\n");
  const Outcome outcome = split.apply_now();
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.results.back().detail, HasSubstr("no entry has intel_iommu=on"));
  EXPECT_EQ(split.menu(), before) << "the old menu is back";
  EXPECT_FALSE(split.plan_now().steps.empty()) << "and the next apply tries again";
}

TEST(BootLoader, ProxmoxBootToolWithSystemdBoot) {
  IntelHost split;
  split.host.remove("usr/sbin/update-grub");
  split.host.set_file("etc/kernel/proxmox-boot-uuids", "1234-ABCD\n");
  split.host.set_file("etc/kernel/cmdline", "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
  split.host.set_file("sys/firmware/efi/x", "");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file("etc/kernel/cmdline"), "root=ZFS=rpool/ROOT/pve-1 boot=zfs intel_iommu=on\n");
  EXPECT_THAT(split.effects.log(), ::testing::Contains("run proxmox-boot-tool refresh"));
  EXPECT_THAT(split.effects.log(), ::testing::Contains("run /usr/libexec/hostsplit/boot-entries write intel_iommu=on"));
  for (const auto* hook : {names::kernel_postinst_hook, names::kernel_postrm_hook}) {
    EXPECT_THAT(split.host.file(hook), HasSubstr("boot-entries write intel_iommu=on\n"));
    EXPECT_EQ(split.root.mode(hook), 0755u);
  }
  EXPECT_TRUE(split.plan_now().steps.empty());
  split.reboot();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.host.file("etc/kernel/cmdline"), HasSubstr(" intel_iommu=on")) << "a word that is needed stays";
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.host.file("etc/kernel/cmdline"), "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
  EXPECT_THAT(split.effects.log(), ::testing::Contains("run /usr/libexec/hostsplit/boot-entries remove"));
  EXPECT_FALSE(split.root.exists(names::kernel_postinst_hook));
  EXPECT_FALSE(split.root.exists(names::kernel_postrm_hook));
}

TEST(BootLoader, SystemdBootHasAnEntryWithoutHostsplitWithoutWordsToo) {
  SplitHost split;
  split.host.set_file("etc/kernel/proxmox-boot-uuids", "1234-ABCD\n");
  split.host.set_file("sys/firmware/efi/x", "");
  split.configure("[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.effects.log(), ::testing::Contains("run /usr/libexec/hostsplit/boot-entries write"));
  EXPECT_FALSE(split.root.exists(names::kernel_cmdline));
}

TEST(BootLoader, AnUnknownOneIsToldWithTheWords) {
  IntelHost split;
  split.host.remove("usr/sbin/update-grub");
  const Plan plan = split.plan_now();
  const Finding* finding = find(plan.findings, "boot-loader-unknown");
  ASSERT_TRUE(finding);
  EXPECT_THAT(finding->remedy, HasSubstr("intel_iommu=on"));
}

}  // namespace
}  // namespace hostsplit
