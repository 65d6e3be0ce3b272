// The rung `boot`: what goes into the initramfs, how images are rebuilt, verified and given back; and the script
// itself, run by a shell on a fake /sys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/initramfs.hpp"
#include "core/boot/modprobe_conf.hpp"
#include "host/act/image_archive.hpp"
#include "host/act/initramfs.hpp"
#include "host/inventory/inventory.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using testing::find;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;

constexpr auto image = "boot/initrd.img-6.17.13-2-pve";
constexpr auto kept = "boot/initrd.img-6.17.13-2-pve.hostsplit-previous";

std::vector<std::string> kinds(const Plan& plan, std::size_t index) {
  std::vector<std::string> ids;
  for (const auto& step : plan.steps)
    if (step.action.index() == index) ids.push_back(step.id);
  return ids;
}

std::vector<std::string> rebuilds(const Plan& plan) {
  return kinds(plan, Action(RebuildInitramfs{}).index());
}

std::string in_image(const SplitHost& split, const std::string& name) {
  const auto content = read_image(split.root, image, {name}).content;
  return content.count(name) ? content.at(name) : "";
}

TEST(ImagePlan, HoldsWhatIdentifiesAndNothingThatMoves) {
  SplitHost split;
  split.configure_two_vms();
  const BootPlan plan = split.plan_now().target;
  BootPlan moved = plan;
  for (auto& claim : moved.claims) {
    claim.address.bus += 3;
    claim.causes = {{Cause::Kind::port, "another label why=x of the same socket"}};
  }
  std::reverse(moved.claims.begin(), moved.claims.end());
  EXPECT_EQ(image_plan(plan), image_plan(moved));
  EXPECT_THAT(image_plan(plan), HasSubstr("bind root=\\_SB_.S0D0 chain=08.1/00.3 ids=1022:148c subsystem=1043:87c0 "
                                          "class=0x0c0330 vm=101\n"));
  EXPECT_EQ(image_plan({}), "");
  moved.claims.front().function.ids.device ^= 1;
  EXPECT_NE(image_stamp(image_plan(plan), ""), image_stamp(image_plan(moved), ""));
  EXPECT_NE(image_stamp(image_plan(plan), ""), image_stamp(image_plan(plan), "blacklist xhci_pci\n"));
}

TEST(Hook, MakesThePlanThatIsExpectedInTheImage) {
  SplitHost split;
  split.configure_two_vms();
  BootPlan plan = split.plan_now().target;
  plan.claims.front().causes = {{Cause::Kind::port, "why=odd, bind me"}};
  split.host.set_file("plan", to_text(plan));
  split.host.set_file("functions", "manual_add_modules() { echo \"$@\" > \"$DESTDIR/modules\"; }\n");
  split.host.set_file("image/x", "");
  const std::string hook = std::string(TESTS_DIR) + "/../config/initramfs/hook", top = split.host.directory();
  const std::string command = "cd " + top + " && sed -e 's|/etc/hostsplit/boot/plan$|" + top +
                              "/plan|' -e 's|^\\. .*|. " + top + "/functions|' " + hook + " > hook && DESTDIR=" + top +
                              "/image sh hook";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(split.host.file("image/etc/hostsplit/boot/plan"), image_plan(plan));
  EXPECT_EQ(split.host.file("image/modules"), "vfio_pci\n");
}

TEST(BootRung, ApplyPutsScriptPlanAndModuleIntoTheImage) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(in_image(split, "scripts/init-top/hostsplit"), initramfs_script());
  EXPECT_EQ(in_image(split, "etc/hostsplit/boot/plan"), image_plan(*split.state().applied));
  EXPECT_EQ(split.root.mode(names::initramfs_script), 0755u);
  EXPECT_EQ(split.root.mode(names::initramfs_hook), 0755u);
  EXPECT_FALSE(split.root.exists(kept)) << "the old image goes when the new one is verified";
  EXPECT_TRUE(split.plan_now().steps.empty());
}

TEST(BootRung, ComesAfterTheBindings) {
  SplitHost split;
  split.configure_two_vms();
  const auto steps = split.plan_now().steps;
  EXPECT_TRUE(std::holds_alternative<RebuildInitramfs>(steps.back().action));
}

TEST(BootRung, AnotherLabelOrAddressNeedsNoNewImage) {
  SplitHost split;
  split.configure("[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  split.configure("[vm.101]\nname = \"renamed\"\nnode = 0\nmemory = \"4GiB\"\ncontrollers = [\"0000:03:00.3\"]\n");
  EXPECT_TRUE(rebuilds(split.plan_now()).empty());
  EXPECT_FALSE(split.plan_now().steps.empty());
  split.configure("[vm.102]\ncontrollers = [\"0000:44:00.1\"]\n");
  EXPECT_EQ(rebuilds(split.plan_now()).size(), 1u);
}

TEST(BootRung, EveryInstalledKernelIsServed) {
  SplitHost split;
  split.host.add_kernel("6.17.2-1-pve");
  split.host.set_file("boot/initrd.img-6.99-gone", "an image without modules");
  split.configure_two_vms();
  EXPECT_THAT(rebuilds(split.plan_now()), ::testing::ElementsAre("rebuild 6.17.13-2-pve", "rebuild 6.17.2-1-pve"));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_TRUE(split.plan_now().steps.empty());
}

TEST(BootRung, AnImageThatIsAsWantedIsNotBuiltAgain) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  split.host.add_kernel("6.17.14-1-pve");  // built by the package's own trigger, with our hook
  EXPECT_THAT(rebuilds(split.plan_now()), ::testing::ElementsAre("rebuild 6.17.14-1-pve"));
  split.effects.clear_log();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.effects.log(), Not(Contains(HasSubstr("update-initramfs"))));
  EXPECT_TRUE(split.plan_now().steps.empty());
}

TEST(BootRung, AFailedBuildLeavesTheOldImage) {
  SplitHost split;
  split.configure_two_vms();
  const std::string before = split.host.file(image);
  split.effects.fail_next("update-initramfs -u -k 6.17.13-2-pve", "it exited with 1");
  EXPECT_FALSE(split.apply_now().ok());
  EXPECT_EQ(split.host.file(image), before);
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci") << "what is live does not depend on it";
  EXPECT_EQ(rebuilds(split.plan_now()).size(), 1u) << "the next apply tries again";
}

TEST(BootRung, AnImageThatCannotBeReadIsBuiltAnew) {
  SplitHost split;
  split.configure_two_vms();
  split.host.set_file(image, "put together by somebody else");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.effects.log(), Contains("run update-initramfs -u -k 6.17.13-2-pve"));
  EXPECT_THAT(read_image(split.root, image, {}).names, Contains("scripts/init-top/hostsplit"));
}

TEST(BootRung, AnImageWithoutTheScriptIsNotBelieved) {
  SplitHost split;
  split.configure_two_vms();
  const std::string before = split.host.file(image);
  // As with update_initramfs=no: success is reported and nothing was done.
  split.effects.before = [&](const std::string& line) {
    if (line.starts_with("run update-initramfs")) split.host.remove(names::initramfs_script);
  };
  const Outcome outcome = split.apply_now();
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.results.back().detail, HasSubstr("the script is not in it"));
  EXPECT_EQ(split.host.file(image), before);
}

TEST(BootRung, AScriptThatRunsAfterUdevIsTooLate) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  std::string bytes = split.host.file(image);
  const std::string ours = "/scripts/init-top/hostsplit \"$@\"\n", udev = "/scripts/init-top/udev \"$@\"\n";
  const auto at = bytes.find(ours);
  bytes.replace(at, ours.size() + udev.size(), udev + ours);
  split.host.set_file(image, bytes);
  const std::string plan = image_plan(*split.state().applied);
  EXPECT_THAT(image_difference(split.root, {"6.17.13-2-pve", plan, image_stamp(plan, "")}), HasSubstr("after udev"));
}

TEST(BootRung, WithoutInitramfsToolsTheServiceDoesIt) {
  SplitHost split;
  split.host.remove("usr/sbin/update-initramfs");
  split.configure_two_vms();
  const Plan plan = split.plan_now();
  const Finding* finding = find(plan.findings, "boot-rung-missing");
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->severity, Severity::warning);
  EXPECT_THAT(finding->remedy, HasSubstr("boot = \"service\""));
  EXPECT_TRUE(rebuilds(plan).empty());
  EXPECT_TRUE(split.apply_now().ok());
}

TEST(BootRung, ByWishOfTheConfigurationTheServiceDoesIt) {
  SplitHost split;
  split.configure("[enforce]\nboot = \"service\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_FALSE(split.root.exists(names::initramfs_script));
  EXPECT_THAT(split.effects.log(), Not(Contains(HasSubstr("update-initramfs"))));
}

TEST(BootRung, ABuiltInXhciIsToldHonestly) {
  SplitHost split;
  split.host.set_builtin({"usb/host/xhci-pci"});
  split.configure_two_vms();
  EXPECT_TRUE(find(split.plan_now().findings, "xhci-builtin"));
}

TEST(BootRung, UndoLeavesNoTrace) {
  SplitHost split;
  const std::string before = split.host.file(image);
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_NE(split.host.file(image), before);
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.host.file(image), before);
  EXPECT_FALSE(split.root.exists(names::initramfs_hook));
  EXPECT_FALSE(split.root.exists(names::initramfs_script));
  EXPECT_FALSE(split.root.exists(names::baseline_file));
  EXPECT_TRUE(plan_for(split.state(), Undo{}).steps.empty());
}

TEST(BootRung, UndoPutsAFileBackThatStoodThere) {
  SplitHost split;
  split.host.set_file(names::initramfs_hook, "#!/bin/sh\n# somebody else's\n");
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(split.host.file(names::initramfs_hook), Not(HasSubstr("somebody")));
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.host.file(names::initramfs_hook), "#!/bin/sh\n# somebody else's\n");
  EXPECT_EQ(split.root.mode(names::initramfs_hook), 0644u);
}

TEST(BootRung, AnUndoThatCouldNotRebuildIsNotForgotten) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  split.effects.fail_next("update-initramfs -u -k 6.17.13-2-pve", "it exited with 1");
  EXPECT_FALSE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(rebuilds(plan_for(split.state(), Undo{})).size(), 1u);
  EXPECT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_TRUE(plan_for(split.state(), Undo{}).steps.empty());
}

TEST(BootRung, AScriptThatDidNotRunIsTold) {
  SplitHost split;
  split.host.set_file("proc/sys/kernel/random/boot_id", "one\n");
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_FALSE(find(status(split.state()).findings, "early-not-as-applied")) << "not before a reboot";
  split.host.set_file("proc/sys/kernel/random/boot_id", "two\n");
  const Finding* finding = nullptr;
  const Status missing = status(split.state());
  ASSERT_TRUE(finding = find(missing.findings, "early-not-as-applied"));
  EXPECT_THAT(finding->message, HasSubstr("did not run"));
  split.host.set_file(names::early_plan_file, "version 1\n");
  split.host.set_file(names::early_notes_file, "bound 0000:03:00.3 20\nleft 0000:44:00.1 another device\ntook 30\n");
  const Status other = status(split.state());
  ASSERT_TRUE(finding = find(other.findings, "early-not-as-applied"));
  EXPECT_THAT(finding->message, HasSubstr("another plan"));
  ASSERT_TRUE(finding = find(other.findings, "early-left"));
  EXPECT_THAT(finding->message, HasSubstr("0000:44:00.1 another device"));
  split.host.set_file(names::early_plan_file, image_plan(*split.state().applied));
  const Status good = status(split.state());
  EXPECT_FALSE(find(good.findings, "early-not-as-applied"));
  EXPECT_EQ(good.boot.early->took_ms, 30u);
  EXPECT_EQ(good.boot.early->bound, std::vector<std::string>{"0000:03:00.3"});
}

TEST(ReadImage, ADamagedImageIsTold) {
  SplitHost split;
  const std::string bytes = split.host.file(image);
  for (const std::size_t cut : {bytes.size() - 60, std::size_t{200}, std::size_t{50}}) {
    split.host.set_file(image, bytes.substr(0, cut));
    EXPECT_THROW(read_image(split.root, image, {}), Error) << cut;
  }
  split.host.set_file(image, "no archive at all");
  EXPECT_THROW(read_image(split.root, image, {}), Error);
  split.host.set_file(image, "");
  EXPECT_THROW(read_image(split.root, image, {}), Error);
}

TEST(ReadImage, ACompressedPartBehindAnUncompressedOne) {
  SplitHost split;
  const std::string top = split.host.directory();
  // The first archive, microcode, stays as it is; the second is what mkinitramfs compresses.
  const std::string bytes = split.host.file(image);
  const auto second = bytes.find("070701", bytes.find("TRAILER!!!"));
  split.host.set_file("first", bytes.substr(0, second));
  split.host.set_file("second", bytes.substr(second));
  ASSERT_EQ(std::system(("cd " + top + " && gzip -c second | cat first - > " + image).c_str()), 0);
  const auto content = read_image(split.root, image, {"scripts/init-top/ORDER"});
  EXPECT_THAT(content.names, Contains("kernel/x86/microcode"));
  EXPECT_THAT(content.content.at("scripts/init-top/ORDER"), HasSubstr("udev"));
  ASSERT_EQ(std::system(("cd " + top + " && gzip -c second | head -c 100 | cat first - > " + image).c_str()), 0);
  EXPECT_THROW(read_image(split.root, image, {}), Error);
}

/// The script on a fake /sys, where `modprobe vfio-pci` is played by a program that binds what has the override.
struct EarlyBoot {
  SplitHost split;
  std::string top = split.host.directory();
  BootPlan applied;  ///< before it becomes what the image has

  EarlyBoot() {
    split.configure_two_vms();
    applied = split.plan_now().target;
    plan(applied);
    for (const char* address : {"0000:03:00.3", "0000:44:00.1", "0000:44:00.3", "0000:22:00.3"})
      split.host.unbind(address);
    split.host.set_file("proc/uptime", "1.08 2.00\n");
    split.host.set_file("dev/kmsg", "");
    split.host.set_file(
        "bin/modprobe",
        "#!/bin/sh\ncd " + top +
            "/sys/bus/pci/devices\nmkdir -p ../drivers/vfio-pci\nfor a in *; do\n"
            "  [ \"$(cat $a/driver_override)\" != vfio-pci ] || ln -s ../../devices/$a ../drivers/vfio-pci/$a\n"
            "done\n");
    fs::permissions(split.host.path("bin/modprobe"), fs::perms::owner_all);
  }
  void plan(const BootPlan& plan) { split.host.set_file(names::boot_plan_file, image_plan(plan)); }
  void run() {
    const std::string script = std::string(TESTS_DIR) + "/../config/initramfs/init-top";
    // The log is a device; here it is a file that must not be begun anew with each line.
    const std::string command = "sed -e 's|^top=.*|top=" + top + "|' -e 's|>\"$top/dev/kmsg\"|>>\"$top/dev/kmsg\"|' " +
                                script + " > " + top + "/script && PATH=" + top + "/bin:$PATH sh " + top + "/script";
    ASSERT_EQ(std::system(command.c_str()), 0) << "the boot must go on whatever happens";
  }
  std::string override_of(const char* address) const { return split.driver_override(address); }
  std::string log() const { return split.host.file("dev/kmsg"); }
};

TEST(Script, ReservesTheAssignedAndLeavesTheTwin) {
  EarlyBoot boot;
  boot.run();
  for (const char* address : {"0000:03:00.3", "0000:44:00.1", "0000:44:00.3"})
    EXPECT_EQ(boot.override_of(address), "vfio-pci") << address;
  EXPECT_EQ(boot.override_of("0000:22:00.3"), "(null)");
  EXPECT_THAT(boot.log(), HasSubstr("<6>hostsplit: 0000:03:00.3 is with vfio-pci for VM 101 after 0 ms"));
  EXPECT_THAT(boot.log(), HasSubstr("<6>hostsplit: done in 0 ms"));
  const auto notes = boot.split.host.file(names::early_notes_file);
  EXPECT_THAT(notes, HasSubstr("bound 0000:44:00.3 0\n"));
  EXPECT_THAT(notes, HasSubstr("took 0\n"));
  EXPECT_EQ(boot.split.host.file(names::early_plan_file), boot.split.host.file(names::boot_plan_file));
}

TEST(Script, FindsThemUnderOtherBusNumbers) {
  EarlyBoot boot;
  BootPlan plan = boot.applied;
  boot.split.host.add_root_bridge("pci0000:60", "\\_SB_.S0D3");
  boot.split.host.add_pci({"0000:60:08.1", "pci0000:60", "1022:1484", "1022:1484", 0x060400, 90, -1, "pcieport"});
  boot.split.host.add_pci({"0000:7a:00.3", "0000:60:08.1", "1022:148c", "1043:87c0", 0x0c0330, 91, 0, ""});
  plan.claims.resize(1);
  plan.claims[0].function.root = "\\_SB_.S0D3";
  boot.plan(plan);
  boot.run();
  EXPECT_EQ(boot.override_of("0000:7a:00.3"), "vfio-pci");
  EXPECT_EQ(boot.override_of("0000:03:00.3"), "(null)");
}

TEST(Script, LeavesAnotherDeviceAlone) {
  const std::pair<const char*, const char*> others[] = {
      {"class", "0x010802"}, {"device", "0x149c"}, {"vendor", "0x8086"}, {"subsystem_device", "0x0001"}};
  for (const auto& [attribute, value] : others) {
    EarlyBoot boot;
    boot.split.host.set_file("sys/bus/pci/devices/0000:03:00.3/" + std::string(attribute), value + std::string("\n"));
    boot.run();
    EXPECT_EQ(boot.override_of("0000:03:00.3"), "(null)") << attribute;
    EXPECT_EQ(boot.override_of("0000:44:00.1"), "vfio-pci") << attribute;
    EXPECT_THAT(boot.log(), HasSubstr("<4>hostsplit: 0000:03:00.3 stays with the host: another device")) << attribute;
  }
}

TEST(Script, SaysThatAFunctionIsAbsent) {
  EarlyBoot boot;
  BootPlan plan = boot.applied;
  plan.claims[0].function.chain = *parse_chain("09.1/00.3");
  boot.plan(plan);
  boot.run();
  EXPECT_THAT(boot.log(), HasSubstr("at 09.1/00.3 (1022:148c, VM 101) stays with the host: nothing sits there"));
}

TEST(Script, IsSwitchedOffOnTheKernelCommandLine) {
  EarlyBoot boot;
  boot.split.host.set_file("proc/cmdline", "quiet hostsplit=off\n");
  boot.run();
  EXPECT_EQ(boot.override_of("0000:03:00.3"), "(null)");
  EXPECT_THAT(boot.log(), HasSubstr("hostsplit=off"));
  boot.split.host.set_file("proc/cmdline", "quiet xhostsplit=office\n");
  boot.run();
  EXPECT_EQ(boot.override_of("0000:03:00.3"), "vfio-pci");
}

TEST(Script, ADriverThatIsBuiltInKeepsWhatItHas) {
  EarlyBoot boot;
  boot.split.host.bind("0000:03:00.3", "xhci_hcd");
  boot.run();
  EXPECT_EQ(boot.override_of("0000:03:00.3"), "(null)");
  EXPECT_THAT(boot.log(), HasSubstr("xhci_hcd has it already"));
}

/// A vfio-pci that is registered already, built in or loaded by an older script, does not look again by itself.
TEST(Script, AsksAVfioThatIsRegisteredAlready) {
  EarlyBoot boot;
  BootPlan plan = boot.applied;
  plan.claims.resize(1);
  boot.plan(plan);
  boot.split.host.set_file("bin/modprobe", "#!/bin/sh\nexit 0\n");
  boot.run();
  EXPECT_EQ(boot.split.host.file("sys/bus/pci/drivers_probe"), "0000:03:00.3\n");
}

TEST(Script, SaysWhyInACode) {
  EarlyBoot boot;
  BootPlan plan = boot.applied;
  plan.claims[0].function.chain = *parse_chain("09.1/00.3");
  boot.plan(plan);
  boot.split.host.bind("0000:44:00.1", "xhci_hcd");
  boot.split.host.set_file("bin/modprobe", "#!/bin/sh\nexit 1\n");
  boot.run();
  const auto early = inventory(boot.split.root).boot.early;
  ASSERT_TRUE(early);
  ASSERT_EQ(early->left.size(), 3u);
  EXPECT_EQ(early->left[0].code, "absent");
  EXPECT_EQ(early->left[1].code, "has-driver");
  EXPECT_EQ(early->left[1].what, "0000:44:00.1");
  EXPECT_EQ(early->left[2].code, "not-taken");
  EXPECT_THAT(to_string(early->left[2]), HasSubstr("0000:44:00.3 vfio-pci did not take it"));
}

TEST(Script, GivesBackWhatVfioDoesNotTake) {
  EarlyBoot boot;
  boot.split.host.set_file("bin/modprobe", "#!/bin/sh\nexit 1\n");
  boot.run();
  EXPECT_EQ(boot.override_of("0000:03:00.3"), "") << "an empty line, which the kernel takes as none";
  EXPECT_THAT(boot.log(), HasSubstr("vfio-pci cannot be loaded"));
}

/// Says which modules are asked for, and whether vfio-pci has its functions by then.
void note_modules(EarlyBoot& boot) {
  const auto modprobe = boot.split.host.file("bin/modprobe");
  boot.split.host.set_file("bin/modprobe", "#!/bin/sh\necho \"$1 $(ls " + boot.top +
                                               "/sys/bus/pci/drivers/vfio-pci 2>/dev/null | wc -w)\" >> " + boot.top +
                                               "/asked\n" + modprobe.substr(modprobe.find('\n') + 1));
  fs::permissions(boot.split.host.path("bin/modprobe"), fs::perms::owner_all);
}

TEST(Script, LoadsWhatIsBlacklistedByNameWhenVfioHasItsOwn) {
  EarlyBoot boot;
  note_modules(boot);
  boot.split.host.set_file(names::modprobe_conf, modprobe_conf(Rung::blacklist, {}, {ControllerKind::xhci}));
  boot.run();
  EXPECT_EQ(boot.split.host.file("asked"), "vfio-pci 0\nxhci_pci 3\nxhci_pci_renesas 3\n");
}

TEST(Script, LoadsNothingForTheHostOnOtherRungs) {
  EarlyBoot boot;
  note_modules(boot);
  boot.split.host.set_file(names::modprobe_conf, modprobe_conf(Rung::ids, {"1022:149c"}, {ControllerKind::xhci}));
  boot.run();
  EXPECT_EQ(boot.split.host.file("asked"), "vfio-pci 0\n");
}

TEST(Script, TheHostGetsItsDriversWithoutAPlanToo) {
  EarlyBoot boot;
  note_modules(boot);
  const auto conf = modprobe_conf(Rung::blacklist, {}, {ControllerKind::xhci});
  boot.split.host.set_file(names::modprobe_conf, conf);
  boot.split.host.remove(names::boot_plan_file);
  boot.run();
  EXPECT_EQ(boot.split.host.file("asked"), "xhci_pci 0\nxhci_pci_renesas 0\n");
  EXPECT_EQ(boot.split.host.file(names::modprobe_conf), conf);
}

/// Time goes on only where the fake modprobe says so.
TEST(Script, AModprobeThatHangsDoesNotHoldTheBoot) {
  EarlyBoot boot;
  boot.split.host.set_file("bin/modprobe", "#!/bin/sh\necho \"$1\" >> " + boot.top +
                                               "/asked\necho \"${1#xhci_pci}\" | grep -q . || exit 0\n" +
                                               "echo 99.08 2.00 > " + boot.top +
                                               "/proc/uptime\nexec sleep 5 >/dev/null 2>&1\n");
  fs::permissions(boot.split.host.path("bin/modprobe"), fs::perms::owner_all);
  boot.split.host.set_file(names::modprobe_conf, "blacklist xhci_pci\n");
  const auto begin = std::chrono::steady_clock::now();
  boot.run();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  EXPECT_THAT(boot.log(), HasSubstr("modprobe vfio-pci has not ended for 20 s"));
  EXPECT_THAT(boot.split.host.file(names::early_notes_file), HasSubstr("left not-taken 0000:03:00.3"));
  EXPECT_EQ(boot.override_of("0000:03:00.3"), "vfio-pci") << "a write to it might hang, too";
  EXPECT_EQ(boot.split.host.file("sys/bus/pci/drivers_probe"), "");
  EXPECT_EQ(boot.split.host.file("asked"), "vfio-pci\nxhci_pci\n") << "the host's own driver comes all the same";
}

TEST(Script, SwitchedOffNothingOfModprobeHolds) {
  EarlyBoot boot;
  note_modules(boot);
  boot.split.host.set_file("proc/cmdline", "quiet hostsplit=off\n");
  boot.split.host.set_file(names::modprobe_conf, modprobe_conf(Rung::blacklist, {"1022:149c"}, {ControllerKind::xhci}));
  boot.run();
  EXPECT_EQ(boot.split.host.file("asked"), "xhci_pci 0\nxhci_pci_renesas 0\n");
  EXPECT_EQ(boot.split.host.file(names::modprobe_conf), "");
}

TEST(Script, WithoutAPlanOrWithGarbageItDoesNothing) {
  for (const char* text :
       {"", "bind\n", "bind root=x\n", "bind root= chain= ids= subsystem= class= vm=\n",
        "bind chain=../../../../etc ids=*\n", "version 2\nbind root=* chain=* ids=* class=*\n", "\n\n\\\n"}) {
    EarlyBoot boot;
    boot.split.host.set_file(names::boot_plan_file, text);
    boot.run();
    for (const char* address : {"0000:03:00.3", "0000:44:00.1", "0000:22:00.3", "0000:01:00.0"})
      EXPECT_EQ(boot.override_of(address), "(null)") << text;
  }
  EarlyBoot boot;
  boot.split.host.remove(names::boot_plan_file);
  boot.run();
  EXPECT_EQ(boot.log(), "");
}

}  // namespace
}  // namespace hostsplit
