// The kernel command line and the boot menu: which words, where they go, that they are there, and the way back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/names.hpp"
#include "core/boot/boot_loader.hpp"
#include "core/boot/cmdline_file.hpp"
#include "core/boot/grub_settings.hpp"
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

TEST(PutIn, AddsWhatIsMissingAndTakesOutExactlyThat) {
  const std::vector<KernelParameter> words{{"a=1", ""}, {"b", ""}, {"p=1", "", true}, {"p=2", "", true}};
  const PutIn ours = put_in_for("root=x a=1", words);
  EXPECT_EQ(with_ours("root=x a=1", ours), "p=1 p=2 root=x a=1 b");
  EXPECT_EQ(without_ours("p=1 p=2 root=x a=1 b", ours).line, "root=x a=1") << "a=1 is the owner's";
  EXPECT_EQ(without_ours("new p=1 p=2 root=y  p=1 c b d", ours).line, "new root=y  p=1 c d");
  EXPECT_EQ(without_ours("root=y", ours).line, "root=y") << "somebody took them out";
  const auto torn = without_ours("p=1 mine p=2 root=x b", ours);
  EXPECT_EQ(torn.line, "p=1 mine p=2 root=x");
  EXPECT_THAT(torn.left, ElementsAre("p=1", "p=2"));
  EXPECT_EQ(with_ours("", put_in_for("", words)), "p=1 p=2 a=1 b");
  EXPECT_EQ(with_first_line("one\ntwo\n", "1"), "1\ntwo\n");
  EXPECT_EQ(with_first_line("", "1"), "1\n");
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
  const std::string anew = "GRUB_CMDLINE_LINUX_DEFAULT=\"mine\"\n";
  split.host.set_file("etc/default/grub.d/z.cfg", anew);
  EXPECT_TRUE(find(split.plan_now().findings, "grub-overridden")) << "known beforehand";
  split.host.set_file("etc/default/grub.d/z.cfg", "if true; then\n" + anew + "fi\n");
  EXPECT_FALSE(find(split.plan_now().findings, "grub-overridden")) << "only a shell knows";
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
  EXPECT_THAT(split.effects.log(),
              ::testing::Contains("run /usr/libexec/hostsplit/boot-entries write -- intel_iommu=on"));
  for (const auto* hook : {names::kernel_postinst_hook, names::kernel_postrm_hook}) {
    EXPECT_THAT(split.host.file(hook), HasSubstr("boot-entries write -- intel_iommu=on\n"));
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

/// A host with systemd-boot whose pages come from the kernel command line.
struct CmdlineHost : SplitHost {
  CmdlineHost() {
    host.set_file("etc/kernel/proxmox-boot-uuids", "1234-ABCD\n");
    host.set_file("sys/firmware/efi/x", "");
    host.set_file(names::kernel_cmdline, "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
    host.set_kernel("6.17.13-2-pve", "initrd=\\x root=ZFS=rpool/ROOT/pve-1 boot=zfs");
    memory(8);
  }
  void memory(int gib) {
    configure("[host]\npages = \"command-line\"\n[vm.101]\nnode = 0\nmemory = \"" + std::to_string(gib) + "GiB\"\n");
  }
  std::string line() const { return host.file(names::kernel_cmdline); }
  void undo() { ASSERT_TRUE(carry_out(context(), Undo{}).ok()); }
};

TEST(KernelCmdline, AnEditOfTheOwnerSurvivesApplyAndUndo) {
  CmdlineHost split;
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.line(), "hugepagesz=1G hugepages=0:8 hugepages=8 root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
  split.host.set_file(names::kernel_cmdline,
                      "hugepagesz=1G hugepages=0:8 hugepages=8 root=ZFS=rpool/ROOT/pve-2 boot=zfs mine\n# note\n");
  EXPECT_TRUE(split.plan_now().steps.empty()) << "an edit of the owner is no drift";
  split.memory(6);
  const Plan plan = split.plan_now();
  ASSERT_EQ(plan.lines.size(), 1u);
  EXPECT_EQ(plan.lines[0].without, "root=ZFS=rpool/ROOT/pve-2 boot=zfs mine");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.line(), "hugepagesz=1G hugepages=0:6 hugepages=6 root=ZFS=rpool/ROOT/pve-2 boot=zfs mine\n# note\n");
  split.undo();
  EXPECT_EQ(split.line(), "root=ZFS=rpool/ROOT/pve-2 boot=zfs mine\n# note\n");
  EXPECT_FALSE(split.root.exists(names::baseline_file));
}

TEST(KernelCmdline, WhatWasTornApartIsNotGuessed) {
  CmdlineHost split;
  ASSERT_TRUE(split.apply_now().ok());
  const std::string torn = "hugepagesz=1G hugepages=0:9 hugepages=8 root=ZFS=rpool/ROOT/pve-1\n";
  split.host.set_file(names::kernel_cmdline, torn);
  split.memory(6);
  EXPECT_TRUE(find(split.plan_now().findings, "kernel-cmdline-refused"));
  const CarriedOut undone = carry_out(split.context(), Undo{});
  EXPECT_TRUE(undone.ok());
  EXPECT_TRUE(find(undone.plan.findings, "kernel-cmdline-left"));
  EXPECT_EQ(split.line(), torn);
}

TEST(KernelCmdline, WhoTookThemOutHasThemOut) {
  CmdlineHost split;
  ASSERT_TRUE(split.apply_now().ok());
  split.host.set_file(names::kernel_cmdline, "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
  EXPECT_FALSE(split.plan_now().steps.empty());
  split.undo();
  EXPECT_EQ(split.line(), "root=ZFS=rpool/ROOT/pve-1 boot=zfs\n");
}

TEST(KernelCmdline, WhatIsForTheKernelStandsBeforeTheParametersOfInit) {
  const PutIn ours{names::kernel_cmdline, {"hugepagesz=1G", "hugepages=8"}, {"iommu=pt"}};
  for (const auto* owners : {"root=x quiet -- 3", "root=x  -- a -- b", "root=x", "-- 3", "root=x --", "root=x\t-- 3"}) {
    const std::string line = with_ours(owners, ours);
    EXPECT_LT(line.find("iommu=pt"), line.find("--")) << line;
    EXPECT_EQ(without_ours(line, ours).line, owners) << line;
  }
}

TEST(KernelCmdline, ALineThatCannotBootIsRefused) {
  CmdlineHost split;
  for (const auto* bad : {"# a note\nroot=ZFS=rpool/ROOT/pve-1\n", "quiet\n", "\n", "root=ZFS=rpool/ROOT/pve-1\r\n"}) {
    split.host.set_file(names::kernel_cmdline, bad);
    const Plan plan = split.plan_now();
    const Finding* refused = find(plan.findings, "kernel-cmdline-refused");
    ASSERT_TRUE(refused) << bad;
    EXPECT_EQ(refused->severity, Severity::error);
    EXPECT_EQ(refused->subject, "/etc/kernel/cmdline");
  }
}

TEST(KernelCmdline, WithoutAFileTheRunningLineIsTakenButNotWhatWasMeantForOneBoot) {
  CmdlineHost split;
  split.host.remove(names::kernel_cmdline);
  split.host.set_kernel("6.17.13-2-pve", "initrd=\\x root=ZFS=rpool/ROOT/pve-1 systemd.unit=rescue.target quiet");
  const Plan plan = split.plan_now();
  const Finding* refused = find(plan.findings, "kernel-cmdline-refused");
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->message, HasSubstr("one boot: systemd.unit=rescue.target"));
  EXPECT_THAT(refused->remedy, HasSubstr("echo 'root=ZFS=rpool/ROOT/pve-1 quiet'"));
  split.host.set_kernel("6.17.13-2-pve", "initrd=\\x root=ZFS=rpool/ROOT/pve-1 quiet");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.line(), "hugepagesz=1G hugepages=0:8 hugepages=8 root=ZFS=rpool/ROOT/pve-1 quiet\n");
  split.undo();
  EXPECT_FALSE(split.root.exists(names::kernel_cmdline)) << "it was not there before";
}

TEST(KernelCmdline, WhatGrubsOwnSettingsHaveWasNotMeantForOneBoot) {
  CmdlineHost split;
  split.host.remove(names::kernel_cmdline);
  split.host.add_grub("quiet nomodeset");
  const std::string running = "BOOT_IMAGE=/vmlinuz root=ZFS=rpool/ROOT/pve-1 ro quiet nomodeset";
  for (const auto* once : {"", " single systemd.unit=rescue.target"}) {
    split.host.set_kernel("6.17.13-2-pve", running + once);
    EXPECT_FALSE(find(split.plan_now().findings, "kernel-cmdline-refused")) << once;
    ASSERT_TRUE(split.apply_now().ok());
    EXPECT_EQ(split.line(), "hugepagesz=1G hugepages=0:8 hugepages=8 root=ZFS=rpool/ROOT/pve-1 ro quiet nomodeset\n");
    split.undo();
    EXPECT_FALSE(split.root.exists(names::kernel_cmdline)) << "it was not there before";
  }
}

TEST(GrubSettings, AreReadAsTheShellReadsThem) {
  const auto read = [](const std::string& text) { return read_grub_settings({{"etc/default/grub", text}}); };
  EXPECT_EQ(read("GRUB_CMDLINE_LINUX_DEFAULT=\"a \\\"b\\\"\"\nGRUB_CMDLINE_LINUX='c d' # e\n").line(), "c d a \"b\"");
  EXPECT_EQ(read("X=1\nexport GRUB_CMDLINE_LINUX=\"$X ${X}2\"\n").line(), "1 12");
  EXPECT_EQ(read("if true; then\n  Y=1\nfi\nGRUB_CMDLINE_LINUX=\"if done\"\n"), (GrubSettings{"if done", ""}));
  EXPECT_EQ(read("[ -f /x ] && GRUB_CMDLINE_LINUX_RECOVERY=y\n"), GrubSettings{});
  EXPECT_EQ(read("GRUB_CMDLINE_LINUX_DEFAULT=\"a \\\nb\"\n").line(), "a b");
  EXPECT_EQ(read("#GRUB_CMDLINE_LINUX=x\nGRUB_DISTRIBUTOR=`lsb_release -i -s`\n"), GrubSettings{});
  EXPECT_THAT(read("\nGRUB_CMDLINE_LINUX=\"`cat x`\"\n").not_understood, ElementsAre("/etc/default/grub:2"));
  const std::string sets = "GRUB_CMDLINE_LINUX=y\n";
  // Only sometimes, by another file, or not at all: dash takes += for the name of a command.
  for (const std::string& text : {"[ -e /x ] && " + sets, "if a; then " + sets, ". /etc/x\n" + sets,
                                  "{ " + sets + "}\n", std::string("GRUB_CMDLINE_LINUX+=x\n")})
    EXPECT_THAT(read(text).not_understood, ElementsAre("/etc/default/grub:1")) << text;
  EXPECT_THAT(read("if a\nthen\n" + sets + "fi\n" + sets).not_understood, ElementsAre("/etc/default/grub:3"));
}

TEST(GrubSettings, ACommentDoesNotGoOnInTheNextLine) {
  const auto read = [](const std::string& text) { return read_grub_settings({{"etc/default/grub", text}}); };
  for (const std::string comment : {"# until 2025: GRUB_CMDLINE_LINUX=\"a \\\n", "X=1 # it's \\\n", "#\\\n"})
    EXPECT_EQ(read(comment + "GRUB_CMDLINE_LINUX=\"b\"\n"), (GrubSettings{"b", ""})) << comment;
  EXPECT_EQ(read("X=1 \\\n# c\nGRUB_CMDLINE_LINUX=a\\\n#b\n"), (GrubSettings{"a#b", ""}));
  EXPECT_EQ(read("X='a\\'\nY=\"b\\\\\"\nGRUB_CMDLINE_LINUX=\"c\"\n"), (GrubSettings{"c", ""}));
  EXPECT_EQ(read("if true; then # it's\n  X=1\nfi\nGRUB_CMDLINE_LINUX=c\n"), (GrubSettings{"c", ""}));
}

TEST(GrubSettings, WhatOnlyAShellKnowsIsNotUnderstoodWhereItIsUsed) {
  const auto read = [](const std::string& text) { return read_grub_settings({{"etc/default/grub", text}}); };
  const std::string uses = "GRUB_CMDLINE_LINUX=\"quiet $HP\"\n";
  for (const std::string unknown :
       {"HP=$(cat /x)\n", "HP=`cat /x`\n", "HP=${Y:-1}\n", "[ -e /x ] && HP=1\n", "read HP\n", ": \"${HP:=1}\"\n",
        "if a; then HP=1; fi\n", "A=1 HP=1\n", "A=$(cat /x); HP=$A\n", "HP=1\r\n"}) {
    EXPECT_THAT(read(unknown + uses).not_understood, ElementsAre("/etc/default/grub:2")) << unknown;
    EXPECT_EQ(read(unknown + "GRUB_CMDLINE_LINUX=\"quiet\"\n"), (GrubSettings{"quiet", ""})) << unknown;
  }
  EXPECT_THAT(read("HP=\nif a\nthen\n  HP=1\nfi\n" + uses).not_understood, ElementsAre("/etc/default/grub:6"));
  EXPECT_THAT(read("f(){\n  HP=1\n}\n" + uses).not_understood, ElementsAre("/etc/default/grub:4"));
  EXPECT_EQ(read("HP=$(cat /x)\nHP=1\n" + uses), (GrubSettings{"quiet 1", ""})) << "known again";
  EXPECT_EQ(read("HP=1\nexport HP\n[ \"$HP\" = 2 ] && Y=1\n" + uses), (GrubSettings{"quiet 1", ""})) << "only read";
}

TEST(GrubSettings, AFileThatIsSourcedAnywhereIsNotUnderstood) {
  const auto read = [](const std::string& text) { return read_grub_settings({{"etc/default/grub", text}}); };
  for (const auto* line : {". /x\n", "[ -r /x ] && . /x\n", "test -r /x || exit 0\n", "if a; then . /x; fi\n",
                           "true; source /x\n", "A=1 . /x\n", "a && { . /x; }\n", "eval \"$X\"\n"})
    EXPECT_THAT(read(line).not_understood, ElementsAre("/etc/default/grub:1")) << line;
  for (const auto* line : {"GRUB_DISTRIBUTOR=`( . /etc/os-release && echo ${NAME} )`\n", "echo . x\n", "X=\"a; . b\"\n",
                           "GRUB_DISTRIBUTOR=\"$(. /etc/os-release; echo \"$NAME\")\"\n", "[ . = . ] # ; . /x\n"})
    EXPECT_EQ(read(line), GrubSettings{}) << line;
}

TEST(GrubSettings, WhatGrubTakesForACommentDoesNotReachTheKernel) {
  const auto read = [](const std::string& text) { return read_grub_settings({{"etc/default/grub", text}}); };
  const std::string rest = "GRUB_CMDLINE_LINUX_DEFAULT=quiet\n";
  EXPECT_EQ(read("GRUB_CMDLINE_LINUX='a #b'\n" + rest).line(), "a");
  EXPECT_TRUE(read("GRUB_CMDLINE_LINUX='a #b'\n" + rest).not_understood.empty());
  for (const auto* whole : {"a#b", "a \\#b", "a \"#b\"", "\"a ;\"", "x=1\\;2", "memmap=64M\\$4G"}) {
    const auto settings = read("GRUB_CMDLINE_LINUX='" + std::string(whole) + "'\n" + rest);
    EXPECT_EQ(settings.line(), std::string(whole) + " quiet");
    EXPECT_TRUE(settings.not_understood.empty()) << whole;
  }
  for (const auto* unknown : {"a; b", "a & b", "a|b", "a > b", "{ a", "memmap=64M$4G", "a \"b"})
    EXPECT_THAT(read("GRUB_CMDLINE_LINUX='" + std::string(unknown) + "'\n").not_understood,
                ElementsAre("/etc/default/grub:1"))
        << unknown;
  EXPECT_EQ(read("GRUB_CMDLINE_LINUX='a; b'\n" + rest).line(), "a");
}

TEST(GrubSettings, ALineBreakInTheValueIsNotUnderstood) {
  const auto read = [](const std::string& text) { return read_grub_settings({{"etc/default/grub", text}}); };
  EXPECT_THAT(read("GRUB_CMDLINE_LINUX=\"a\n b\"\n").not_understood, ElementsAre("/etc/default/grub:1"));
  EXPECT_THAT(read("X='a\nb'\n\nGRUB_CMDLINE_LINUX=$X\n").not_understood, ElementsAre("/etc/default/grub:4"));
  EXPECT_EQ(read("GRUB_BADRAM=\"a\n b\"\n"), GrubSettings{});
}

TEST(BootLoader, SettingsOfGrubWithTheLineEndsOfWindowsAreReported) {
  const auto check = [](const std::string& text) { return check_line_ends({{"etc/default/grub", text}}, true); };
  EXPECT_TRUE(check("A=1\n# c\r\n").empty()) << "in a comment it does no harm";
  const auto found = check("A=1\r\n\r\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].severity, Severity::error) << "update-grub stops there";
  EXPECT_THAT(found[0].remedy, HasSubstr("sed -i 's/\\r//g' /etc/default/grub;"));
  ASSERT_EQ(check("A=1\r\n").size(), 1u);
  EXPECT_EQ(check("A=1\r\n")[0].severity, Severity::warning);
  EXPECT_THAT(read_grub_settings({{"g", "GRUB_CMDLINE_LINUX=\"a\"\r\n"}}).not_understood, ElementsAre("/g:1"));
  IntelHost split;
  split.host.set_file("etc/default/grub", "GRUB_DEFAULT=0\r\n\r\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\r\n");
  EXPECT_TRUE(find(split.plan_now().findings, "grub-carriage-return"));
}

TEST(BootLoader, WhatIsForTheKernelStandsBeforeTheParametersOfInit) {
  for (const auto* variable : {"GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"}) {
    IntelHost split;
    split.host.set_file("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n" + std::string(variable) +
                                                "=\"a -- --log-target=kmsg\"\n");
    split.host.set_file("etc/grub.d/10_linux",
                        "#!/bin/sh\necho \"  linux /vmlinuz $GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT\"\n");
    std::filesystem::permissions(split.host.path("etc/grub.d/10_linux"), std::filesystem::perms::owner_all);
    split.host.build_grub_config();
    const std::string before = split.menu();
    const Plan plan = split.plan_now();
    ASSERT_EQ(plan.lines.size(), 1u);
    EXPECT_LT(plan.lines[0].after.find("intel_iommu=on"), plan.lines[0].after.find("--")) << plan.lines[0].after;
    ASSERT_TRUE(split.apply_now().ok());
    EXPECT_LT(split.menu().find("intel_iommu=on"), split.menu().find("--")) << split.menu();
    EXPECT_THAT(split.menu(), HasSubstr(before.substr(0, before.size() - 1) + " hostsplit=off\n"))
        << "as the owner has it";
    ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
    EXPECT_EQ(split.menu(), before);
  }
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
