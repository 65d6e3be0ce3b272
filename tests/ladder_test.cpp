// The rungs above `boot`: when hostsplit climbs, when it does not, what it writes, and that the way down leaves
// nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/names.hpp"
#include "core/boot/escalation.hpp"
#include "core/boot/initramfs.hpp"
#include "core/boot/modprobe_conf.hpp"
#include "host/act/image_archive.hpp"
#include "operations/report/report.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::find;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::SplitHost;

constexpr auto image = "boot/initrd.img-6.17.13-2-pve";
/// 03:00.3 has a twin, 22:00.3 (1022:148c); 44:00.1 and 44:00.3 (1022:149c) have none.
constexpr auto twin_assigned = "[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n";
constexpr auto no_twin = "[vm.102]\ncontrollers = [\"0000:44:00.1\"]\n";

/// A host on which something was applied, and which was booted again since.
struct Climber {
  SplitHost split;
  std::string body;

  explicit Climber(std::string config) : body(std::move(config)) {
    boot("one");
    configure("");
    EXPECT_TRUE(split.apply_now().ok());
  }
  void configure(const std::string& enforce) {
    split.configure(enforce.empty() ? body : body + "[enforce]\n" + enforce + "\n");
  }
  void boot(const std::string& id) { split.host.set_file("proc/sys/kernel/random/boot_id", id + "\n"); }
  /// Another boot, on which the early unit found these drivers.
  void booted(const std::string& id, const std::string& drivers) {
    boot(id);
    split.host.set_file(names::early_plan_file, image_plan(*split.state().applied));
    split.host.set_file(names::early_notes_file, "took 30\n");
    split.host.remove(names::first_look_service);
    split.host.set_file(names::first_look_early, drivers);
  }
  std::vector<std::string> steps() const {
    std::vector<std::string> ids;
    for (const auto& step : split.plan_now().steps) ids.push_back(step.id);
    return ids;
  }
  std::string rung() const { return to_string(status(split.state()).boot.rung); }
  bool told(const char* code) const { return find(split.plan_now().findings, code) != nullptr; }
  std::string in_image(const char* name) const {
    const auto content = read_image(split.root, image, {name}).content;
    return content.count(name) ? content.at(name) : "";
  }
};

constexpr auto lost_44 = "0000:44:00.1 xhci_hcd\n0000:44:00.3 vfio-pci\n";
constexpr auto lost_03 = "0000:03:00.3 xhci_hcd\n";

TEST(RungText, RoundTripAndWhatIsRefused) {
  const RungRecord record{Rung::blacklist, "at this boot xhci_hcd had it why=so"};
  EXPECT_EQ(parse_rung(to_text(record)), record);
  for (const char* text : {"", "rung=ids", "rung=ids why=x", "rung=boot why=x\n", "rung=up why=x\n", "ids why=x\n",
                           "rung=ids why=x\ny\n", "xrung=ids why=x\n"})
    EXPECT_EQ(parse_rung(text), std::nullopt) << text;
}

TEST(ModprobeConf, SaysNothingBelowIds) {
  EXPECT_EQ(modprobe_conf(Rung::boot, {"1022:148c"}, {ControllerKind::xhci}), "");
  EXPECT_EQ(modprobe_conf(Rung::runtime, {}, {}), "");
  EXPECT_EQ(modules_load_conf(Rung::boot), "");
}

TEST(ModprobeConf, IdsLoadVfioFirst) {
  const auto text = modprobe_conf(Rung::ids, {"1022:148c", "1022:149c"}, {ControllerKind::ehci, ControllerKind::xhci});
  EXPECT_THAT(text, HasSubstr("\noptions vfio-pci ids=1022:148c,1022:149c\nsoftdep ehci_pci pre: vfio-pci\n"
                              "softdep xhci_pci pre: vfio-pci\n"));
  EXPECT_THAT(text, Not(HasSubstr("\nblacklist")));
  EXPECT_THAT(text, ::testing::StartsWith("# Written by `hostsplit apply`")) << "the package's removal looks for it";
  EXPECT_EQ(modules_load_conf(Rung::ids), "# Written by `hostsplit apply`, removed by `hostsplit undo`.\nvfio-pci\n");
}

TEST(ModprobeConf, BlacklistHasNoIdsWhereTwinsStay) {
  const auto text = modprobe_conf(Rung::blacklist, {}, {ControllerKind::xhci});
  EXPECT_THAT(text, Not(HasSubstr("options")));
  EXPECT_THAT(text, HasSubstr("softdep xhci_pci pre: vfio-pci\n"));
  EXPECT_THAT(text, HasSubstr("\nblacklist xhci_pci\nblacklist xhci_pci_renesas\n"));
}

TEST(Ladder, NothingLostNothingClimbed) {
  Climber host(no_twin);
  host.booted("two", "0000:44:00.1 vfio-pci\n0000:44:00.3 vfio-pci\n");
  EXPECT_THAT(host.steps(), IsEmpty());
  EXPECT_EQ(host.rung(), "boot");
  EXPECT_FALSE(host.split.root.exists(names::modprobe_conf));
}

TEST(Ladder, NotBeforeAReboot) {
  Climber host(no_twin);
  host.booted("one", lost_44);
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, NotWithoutALook) {
  Climber host(no_twin);
  host.booted("two", "");
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, AFunctionWithoutDriverWasNotLost) {
  Climber host(no_twin);
  host.booted("two", "0000:44:00.1 \n0000:44:00.3 vfio-pci\n");
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, WhatTheServiceSawCountsToo) {
  Climber host(no_twin);
  host.booted("two", "0000:44:00.1 \n0000:44:00.3 vfio-pci\n");
  host.split.host.set_file(names::first_look_service, lost_44);
  EXPECT_TRUE(host.told("rung-climbs"));
  host.split.host.set_file(names::first_look_early, lost_44);
  host.split.host.set_file(names::first_look_service, "0000:44:00.1 vfio-pci\n");
  EXPECT_TRUE(host.told("rung-climbs")) << "what was moved between the two looks was lost all the same";
}

TEST(Ladder, SwitchedOffProvesNothing) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  host.split.host.set_file(names::early_notes_file, "off\n");
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, AnImageThatIsNotAsWantedProvesNothing) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  host.split.configure("[vm.102]\ncontrollers = [\"0000:44:00.1\"]\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  EXPECT_FALSE(host.told("rung-climbs")) << "first what is wanted now has to be in the image";
}

TEST(Ladder, WhatVfioRefusesIsNotWonByComingFirst) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  host.split.host.set_file(names::early_notes_file,
                           "left not-taken 0000:44:00.1: vfio-pci did not take it (no driver has it)\ntook 30\n");
  EXPECT_FALSE(host.told("rung-climbs"));
}

TEST(Ladder, BuiltInXhciCannotBeOvertaken) {
  Climber host(no_twin);
  host.split.host.set_builtin({"usb/host/xhci-pci"});
  host.booted("two", lost_44);
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, ClimbsToIdsWhereNoTwinStays) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  EXPECT_THAT(host.steps(), ::testing::ElementsAre("rung", "write etc/modprobe.d/hostsplit.conf",
                                                   "write etc/modules-load.d/hostsplit.conf", "rebuild 6.17.13-2-pve"));
  const Plan plan = host.split.plan_now();
  EXPECT_EQ(describe(plan.steps.front().action).sentence, "raise the rung from boot to ids, for the next boot");
  EXPECT_EQ(plan.steps.front().reason,
            "at this boot xhci_hcd had 0000:44:00.1 before vfio-pci, although rung boot was in the "
            "initramfs");
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_THAT(host.split.host.file(names::modprobe_conf), HasSubstr("options vfio-pci ids=1022:149c\n"));
  EXPECT_EQ(host.in_image(names::modprobe_conf), host.split.host.file(names::modprobe_conf));
  EXPECT_EQ(host.rung(), "ids");
  EXPECT_THAT(host.steps(), IsEmpty()) << "the second apply does nothing";
  host.booted("three", "0000:44:00.1 vfio-pci\n0000:44:00.3 vfio-pci\n");
  EXPECT_THAT(host.steps(), IsEmpty()) << "and it stays";
  EXPECT_EQ(host.rung(), "ids");
}

TEST(Ladder, TheClimbIsAuditedAndShown) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  ASSERT_TRUE(host.split.apply_now().ok());
  const auto& records = host.split.audit.records;
  const auto record = std::find_if(records.begin(), records.end(),
                                   [](const AuditRecord& r) { return r.event == "rung" && r.result == "done"; });
  ASSERT_NE(record, records.end());
  EXPECT_EQ(record->from, "boot");
  EXPECT_EQ(record->to, "ids");
  EXPECT_EQ(record->rung, "ids");
  EXPECT_THAT(record->reason, HasSubstr("xhci_hcd had 0000:44:00.1 before vfio-pci"));
  EXPECT_THAT(status_text(status(host.split.state()), Paint{}),
              HasSubstr("Rung ids (how bindings are enforced): at this boot xhci_hcd had 0000:44:00.1"));
  EXPECT_THAT(status_json(status(host.split.state())), HasSubstr("\"rung\": \"ids\""));
}

TEST(Ladder, AScriptThatDidNotRunIsNamed) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  host.split.host.remove(names::early_notes_file);
  EXPECT_THAT(host.split.plan_now().steps.front().reason, HasSubstr("whose script did not run"));
}

TEST(Ladder, IdsAreRefusedWhereATwinStaysWithTheHost) {
  Climber host(twin_assigned);
  host.booted("two", lost_03);
  EXPECT_THAT(host.steps(), IsEmpty());
  const Plan plan = host.split.plan_now();
  const Finding* finding = find(plan.findings, "rung-blacklist-asks");
  ASSERT_TRUE(finding);
  EXPECT_THAT(finding->message, HasSubstr("rung ids is left out, because it would take 0000:22:00.3 from the host"));
  EXPECT_THAT(finding->message, HasSubstr("May it?"));
  EXPECT_THAT(finding->remedy, HasSubstr("blacklist = \"allow\""));
}

TEST(Ladder, BlacklistOnlyWhereItIsAllowed) {
  Climber host(twin_assigned);
  host.booted("two", lost_03);
  host.configure("blacklist = \"never\"");
  EXPECT_THAT(host.steps(), IsEmpty());
  EXPECT_TRUE(host.told("rung-blacklist-never"));
  host.configure("blacklist = \"allow\"");
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_EQ(host.rung(), "blacklist");
  const auto conf = host.split.host.file(names::modprobe_conf);
  EXPECT_THAT(conf, HasSubstr("blacklist xhci_pci\n"));
  EXPECT_THAT(conf, Not(HasSubstr("ids="))) << "the twin stays";
  EXPECT_EQ(host.in_image(names::modprobe_conf), conf);
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, FromIdsToBlacklistAndNoFurther) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  ASSERT_TRUE(host.split.apply_now().ok());
  host.booted("three", lost_44);
  EXPECT_TRUE(host.told("rung-blacklist-asks"));
  host.configure("blacklist = \"allow\"");
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_EQ(host.rung(), "blacklist");
  EXPECT_THAT(host.split.host.file(names::modprobe_conf), HasSubstr("ids=1022:149c")) << "each rung keeps those below";
  host.booted("four", lost_44);
  EXPECT_TRUE(host.told("rung-exhausted"));
  EXPECT_THAT(host.steps(), IsEmpty());
  EXPECT_EQ(host.rung(), "blacklist");
}

TEST(Ladder, WhatIsForbiddenLaterIsLeft) {
  Climber host(twin_assigned);
  host.booted("two", lost_03);
  host.configure("blacklist = \"allow\"");
  ASSERT_TRUE(host.split.apply_now().ok());
  host.configure("blacklist = \"never\"");
  EXPECT_TRUE(host.told("rung-left"));
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_EQ(host.rung(), "boot");
  EXPECT_FALSE(host.split.root.exists(names::modprobe_conf));
  EXPECT_EQ(host.in_image(names::modprobe_conf), "");
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, ATwinThatIsAddedOrReturnedEndsIds) {
  Climber host(
      "[host]\nmay_lose = [\"keyboard\", \"usb\"]\n[vm.101]\ncontrollers = [\"0000:03:00.3\", \"0000:22:00.3\"]\n");
  host.booted("two", "0000:03:00.3 xhci_hcd\n0000:22:00.3 xhci_hcd\n");
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_THAT(host.split.host.file(names::modprobe_conf), HasSubstr("ids=1022:148c\n"));
  host.booted("three", "0000:03:00.3 vfio-pci\n0000:22:00.3 vfio-pci\n");
  host.split.configure(twin_assigned);
  const Plan plan = host.split.plan_now();
  const Finding* finding = find(plan.findings, "rung-left");
  ASSERT_TRUE(finding);
  EXPECT_THAT(finding->message, HasSubstr("0000:22:00.3"));
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_EQ(host.rung(), "boot");
  EXPECT_FALSE(host.split.root.exists(names::modprobe_conf));
}

TEST(Ladder, LifelinesOnAControllerForbidTheBlacklist) {
  Climber host(twin_assigned);
  host.booted("two", lost_03);
  host.configure("blacklist = \"allow\"");
  State state = host.split.state();
  state.snapshot.uses.push_back({UseKind::mount, "/", "sdz1", {*parse_pci_address("0000:22:00.3")}, true});
  const Plan plan = hostsplit::plan_for(state, Apply{});
  EXPECT_TRUE(find(plan.findings, "rung-blacklist-unsafe"));
  EXPECT_THAT(plan.steps, IsEmpty());
}

TEST(Ladder, UndoLeavesNoTrace) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  ASSERT_TRUE(host.split.apply_now().ok());
  ASSERT_TRUE(carry_out(host.split.context(), Undo{}).ok());
  for (const char* path : {names::modprobe_conf, names::modules_load_conf, names::rung_file, names::baseline_file})
    EXPECT_FALSE(host.split.root.exists(path)) << path;
  EXPECT_EQ(host.in_image(names::modprobe_conf), "");
  EXPECT_THAT(plan_for(host.split.state(), Undo{}).steps, IsEmpty());
}

TEST(Ladder, ByWishTheServiceDoesItAndNothingIsClimbed) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  ASSERT_TRUE(host.split.apply_now().ok());
  host.configure("boot = \"service\"");
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_FALSE(host.split.root.exists(names::rung_file));
  EXPECT_FALSE(host.split.root.exists(names::modprobe_conf));
  EXPECT_EQ(host.rung(), "runtime");
  EXPECT_THAT(host.steps(), IsEmpty());
}

TEST(Ladder, ADamagedRecordMeansNothingWasClimbed) {
  Climber host(no_twin);
  host.booted("two", lost_44);
  ASSERT_TRUE(host.split.apply_now().ok());
  host.split.host.set_file(names::rung_file, "\xff nonsense");
  ASSERT_TRUE(host.split.apply_now().ok());
  EXPECT_EQ(host.rung(), "boot");
  EXPECT_FALSE(host.split.root.exists(names::modprobe_conf));
}

TEST(Ladder, UndoPutsAFileBackThatStoodThere) {
  Climber host(no_twin);
  host.split.host.set_file(names::modprobe_conf, "options vfio-pci disable_vga=1\n");
  host.booted("two", lost_44);
  ASSERT_TRUE(host.split.apply_now().ok());
  ASSERT_TRUE(carry_out(host.split.context(), Undo{}).ok());
  EXPECT_EQ(host.split.host.file(names::modprobe_conf), "options vfio-pci disable_vga=1\n");
}

/// Whatever effect of a climb is the last before the power goes.
TEST(Ladder, AnInterruptedClimbIsFinishedByTheNextApply) {
  struct PowerCut {};
  std::size_t effects = 0;
  for (std::size_t stop = 0; stop == 0 || stop < effects; ++stop) {
    Climber host(no_twin);
    host.booted("two", lost_44);
    host.split.effects.clear_log();
    std::size_t done = 0;
    if (stop != 0)
      host.split.effects.before = [&](const std::string&) {
        if (++done == stop) throw PowerCut{};
      };
    try {
      ASSERT_TRUE(host.split.apply_now().ok());
      effects = host.split.effects.log().size();
    } catch (const PowerCut&) {
    }
    host.split.effects.before = {};
    ASSERT_TRUE(host.split.apply_now().ok()) << stop;
    EXPECT_EQ(host.rung(), "ids") << stop;
    EXPECT_THAT(host.in_image(names::modprobe_conf), HasSubstr("ids=1022:149c")) << stop;
    EXPECT_THAT(host.steps(), IsEmpty()) << stop;
    ASSERT_TRUE(carry_out(host.split.context(), Undo{}).ok()) << stop;
    EXPECT_FALSE(host.split.root.exists(names::modprobe_conf)) << stop;
  }
  EXPECT_GT(effects, 8u);
}

TEST(FirstLook, IsWrittenOnceInEachBoot) {
  Climber host(twin_assigned);
  const auto file = names::first_look_service;
  note_first_look(host.split.context(), host.split.state(), file);
  EXPECT_EQ(host.split.host.file(file), "0000:03:00.3 vfio-pci\n");
  host.split.host.unbind("0000:03:00.3");
  note_first_look(host.split.context(), host.split.state(), file);
  EXPECT_EQ(host.split.host.file(file), "0000:03:00.3 vfio-pci\n") << "later it may be drift";
}

}  // namespace
}  // namespace hostsplit
