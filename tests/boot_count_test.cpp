// What GRUB counts before any program of the host runs: config/grub/42_hostsplit, and who sets it back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/names.hpp"
#include "core/boot/boot_count.hpp"
#include "operations/doctor.hpp"
#include "service/reconciler/boot_watch.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using testing::find;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;

constexpr auto count_file = "boot/grub/hostsplit.env";

std::string counted(const std::string& value) {
  std::string block = no_boots_begun();
  const std::string line = "hostsplit_boots=" + value + "\n";
  return block.replace(block.find("##"), line.size(), line);
}

TEST(BootCount, IsReadFromAFileOfGrub) {
  EXPECT_EQ(boots_begun(no_boots_begun()), "");
  EXPECT_EQ(no_boots_begun().size(), 1024u);
  EXPECT_EQ(counted("2").size(), 1024u);
  EXPECT_EQ(boots_begun(counted("2")), "2");
  EXPECT_EQ(boots_begun(counted("given-up")), "given-up");
  EXPECT_EQ(boots_begun("hostsplit_boots=2\n"), "") << "that is no file of GRUB";
  EXPECT_EQ(boots_begun(""), "");
}

/// A menu as 10_linux writes it.
struct GrubHost : SplitHost {
  explicit GrubHost(const std::string& file_system = "ext2", const std::string& abstraction = "") {
    host.add_grub("quiet");
    host.can_grub_write(file_system, abstraction);
    host.add_initramfs_tools();
    host.set_file("boot/vmlinuz-6.17.13-2-pve", "kernel");
    host.set_file("etc/grub.d/10_linux",
                  "#!/bin/sh\necho \"menuentry '$GRUB_DISTRIBUTOR GNU/Linux' --class gnu-linux {\"\n"
                  "echo \"  linux /boot/vmlinuz-6.17.13-2-pve root=/dev/sda1 $GRUB_CMDLINE_LINUX_DEFAULT\"\n"
                  "echo '  initrd /boot/initrd.img-6.17.13-2-pve'\necho '}'\n");
    host.set_file("etc/default/grub", "GRUB_DISTRIBUTOR=\"Proxmox VE\"\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n");
    std::filesystem::permissions(host.path("etc/grub.d/10_linux"), std::filesystem::perms::owner_all);
    host.build_grub_config();
    configure("[enforce]\nboot = \"initramfs\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  }
  std::string menu() const { return host.file(names::grub_config); }
};

TEST(BootCount, TheMenuCountsWhereGrubCanWrite) {
  GrubHost split;
  const std::string before = split.menu();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(count_file), no_boots_begun());
  EXPECT_THAT(split.menu(), HasSubstr("load_env --file \"${prefix}/hostsplit.env\" hostsplit_boots\n"));
  EXPECT_THAT(split.menu(), HasSubstr("set default='without hostsplit: Proxmox VE GNU/Linux'\n"));
  EXPECT_TRUE(split.plan_now().steps.empty());

  split.host.set_file(count_file, counted("1"));
  split.host.build_grub_config();
  EXPECT_EQ(split.host.file(count_file), counted("1")) << "a new menu is not a healthy boot";
  EXPECT_TRUE(split.plan_now().steps.empty());

  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists(count_file));
  EXPECT_EQ(split.menu(), before);
}

TEST(BootCount, WhereGrubCannotWriteTheMenuDoesNotCountAndDoctorSaysSo) {
  for (const auto& [file_system, abstraction] :
       {std::pair("ext2", "lvm"), {"btrfs", ""}, {"zfs", ""}, {"ext2", "diskfilter mdraid1x"}}) {
    GrubHost split(file_system, abstraction);
    ASSERT_TRUE(split.apply_now().ok());
    EXPECT_THAT(split.menu(), Not(HasSubstr("hostsplit_boots"))) << file_system << abstraction;
    EXPECT_FALSE(split.root.exists(count_file));
    EXPECT_THAT(split.menu(), HasSubstr("hostsplit=off"));
    EXPECT_TRUE(find(diagnose(split.root).findings, "boot-loader-cannot-count"));
  }
  GrubHost split;
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_FALSE(find(diagnose(split.root).findings, "boot-loader-cannot-count"));
}

TEST(BootCount, AHealthyHostSetsItBackUnlessGrubHasGivenUp) {
  GrubHost split;
  ASSERT_TRUE(split.apply_now().ok());
  HealthSigns signs;
  signs.watched = 120s;
  signs.multi_user = signs.units_fine = true;
  for (const bool off : {false, true}) {
    split.host.set_file(count_file, counted("2"));
    State state = split.state();
    if (off) state.snapshot.command_line += " hostsplit=off";
    const Context context = split.context();
    BootWatch boot(context);
    boot.observe(state);
    EXPECT_FALSE(boot.checked(state));
    HealthSigns early = signs;
    early.watched = 1s;
    boot.check(state, early);
    EXPECT_EQ(split.host.file(count_file), counted("2")) << "not healthy yet";
    boot.check(state, signs);
    EXPECT_EQ(split.host.file(count_file), no_boots_begun()) << off;
    EXPECT_TRUE(boot.checked(state));

    split.host.set_file(count_file, counted("given-up"));
    state.snapshot = split.state().snapshot;
    BootWatch next(context);
    next.observe(state);
    next.check(state, signs);
    EXPECT_EQ(split.host.file(count_file), counted("given-up")) << "apply ends that";
  }
}

TEST(BootCount, ApplyStartsAgainAfterGrubHasGivenUp) {
  GrubHost split;
  ASSERT_TRUE(split.apply_now().ok());
  split.host.set_file(count_file, counted("given-up"));
  EXPECT_TRUE(find(status(split.state()).findings, "boot-loader-gave-up"));
  EXPECT_TRUE(find(diagnose(split.root).findings, "boot-loader-gave-up"));
  const Plan plan = split.plan_now();
  ASSERT_EQ(plan.steps.size(), 3u) << "what the boot consists of is made anew, whatever is known of it";
  EXPECT_EQ(plan.steps[0].id, "start again");
  EXPECT_EQ(plan.steps[1].id, "refresh boot loader");
  EXPECT_EQ(plan.steps[2].id, "rebuild 6.17.13-2-pve");
  split.host.set_file("boot/initrd.img-6.17.13-2-pve", "damaged");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(count_file), no_boots_begun());
  EXPECT_FALSE(find(status(split.state()).findings, "boot-loader-gave-up"));
  EXPECT_NE(split.host.file("boot/initrd.img-6.17.13-2-pve"), "damaged");
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists(count_file)) << "it is nothing that was there before";
}

TEST(BootCount, TheEntryWithoutHostsplitStartsWithTheImageFromBefore) {
  GrubHost split;
  const std::string image = "boot/initrd.img-6.17.13-2-pve", off = image + ".hostsplit-off";
  const std::string before = split.host.file(image);
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(off), before);
  EXPECT_THAT(split.menu(), HasSubstr("root=/dev/sda1 quiet\n  initrd /" + image + "\n}"))
      << "the entry with hostsplit";
  EXPECT_THAT(split.menu(), HasSubstr("\tif [ -f /" + off + " ]; then\n  initrd /" + off + "\n\telse\n  initrd /" +
                                      image + "\n\tfi\n"));
  // Another plan, another image; what is kept is still the one from before.
  split.configure("[enforce]\nboot = \"initramfs\"\n[vm.102]\ncontrollers = [\"0000:44:00.1\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(off), before);
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists(off));
  EXPECT_EQ(split.host.file(image), before);
  EXPECT_THAT(split.menu(), Not(HasSubstr("hostsplit-off")));
}

/// A host that systemd-boot starts; what boot-entries does on the partitions is for tests/boot_entry.py and the VM
/// bench.
struct SystemdBootHost : SplitHost {
  static constexpr auto note = "run/hostsplit/boots.env";
  SystemdBootHost() {
    host.set_file("etc/kernel/proxmox-boot-uuids", "1234-ABCD\n");
    host.set_file("sys/firmware/efi/x", "");
    host.add_initramfs_tools();
    configure("[enforce]\nboot = \"initramfs\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  }
};

TEST(BootCount, ANoteSaysWhatSystemdBootHasCounted) {
  SystemdBootHost split;
  const std::string before = split.host.file("boot/initrd.img-6.17.13-2-pve");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file("boot/initrd.img-6.17.13-2-pve.hostsplit-off"), before);
  EXPECT_TRUE(find(diagnose(split.root).findings, "boot-loader-cannot-count")) << "boot-entries has left no note";
  split.host.set_file(split.note, counted("1"));
  EXPECT_FALSE(find(diagnose(split.root).findings, "boot-loader-cannot-count"));
  EXPECT_FALSE(find(status(split.state()).findings, "boot-loader-gave-up"));
  EXPECT_TRUE(split.plan_now().steps.empty());

  split.host.set_file(split.note, counted("given-up"));
  const auto findings = status(split.state()).findings;
  const auto found = find(findings, "boot-loader-gave-up");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->subject, "systemd-boot");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(split.note), no_boots_begun());
  EXPECT_FALSE(find(status(split.state()).findings, "boot-loader-gave-up"));

  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists(split.note));
  EXPECT_FALSE(split.root.exists("boot/initrd.img-6.17.13-2-pve.hostsplit-off"));
}

TEST(BootCount, AnImageOfAKernelThatIsGoneGoesWithTheNextMenu) {
  GrubHost split;
  ASSERT_TRUE(split.apply_now().ok());
  const std::string off = "boot/initrd.img-6.17.13-2-pve.hostsplit-off";
  ASSERT_TRUE(split.root.exists(off));
  split.host.remove("boot/vmlinuz-6.17.13-2-pve");
  split.host.build_grub_config();
  EXPECT_FALSE(split.root.exists(off));
}

}  // namespace
}  // namespace hostsplit
