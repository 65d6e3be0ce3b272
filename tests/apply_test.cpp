// Apply, undo and repair on the fake host: success, every refusal, failure at each step, the second run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/planner/token.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::find;
using ::testing::HasSubstr;
using testing::SplitHost;

TEST(Apply, MovesTheAssignedFunctionsAndNoOther) {
  SplitHost split;
  split.configure_two_vms();
  EXPECT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_EQ(split.driver("0000:44:00.1"), "vfio-pci");
  EXPECT_EQ(split.driver("0000:44:00.3"), "vfio-pci") << "shares its group with 44:00.1";
  EXPECT_EQ(split.driver("0000:22:00.3"), "xhci_hcd") << "an identical twin that stays with the host";
  EXPECT_EQ(split.driver("0000:40:01.1"), "pcieport");
  EXPECT_EQ(split.pages(0), 8u);
  EXPECT_EQ(split.pages(1), 8u);
}

TEST(Apply, ASecondTimeHasNothingToDo) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_TRUE(split.plan_now().steps.empty());
}

TEST(Apply, StoresTheInverseBeforeTheFirstEffect) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  ASSERT_FALSE(split.effects.log().empty());
  EXPECT_THAT(split.effects.log().front(), HasSubstr(names::baseline_file));
}

TEST(Undo, PutsDriversOverridesAndPoolsBack) {
  SplitHost split;
  split.host.set_pages(1, kib_per_gib, 2);
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  for (const char* address : {"0000:03:00.3", "0000:44:00.1", "0000:44:00.3"}) {
    EXPECT_EQ(split.driver(address), "xhci_hcd") << address;
    EXPECT_EQ(split.driver_override(address), "(null)") << address;
  }
  EXPECT_EQ(split.pages(0), 0u);
  EXPECT_EQ(split.pages(1), 2u);
  EXPECT_FALSE(split.root.exists(names::boot_plan_file));
  EXPECT_FALSE(split.root.exists(names::baseline_file));
  EXPECT_TRUE(plan_for(split.state(), Undo{}).steps.empty()) << "a second undo has nothing to do";
}

TEST(Undo, WorksWithADamagedConfiguration) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  split.host.set_file("etc/hostsplit/hostsplit.toml", "this is [not toml");
  EXPECT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST(Apply, ReleasesWhatTheConfigurationNoLongerNames) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  split.configure("[vm.101]\nnode = 0\nmemory = \"4GiB\"\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
  EXPECT_EQ(split.driver("0000:44:00.3"), "xhci_hcd");
  EXPECT_EQ(split.pages(0), 4u);
  EXPECT_EQ(split.pages(1), 0u);
}

TEST(Apply, AfterAFailedProbeTheHostHasItsControllerBack) {
  SplitHost split;
  split.configure("[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  split.effects.fail_next("drivers_probe", EINVAL);
  const Outcome outcome = split.apply_now();
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
  EXPECT_EQ(split.driver_override("0000:03:00.3"), "(null)");
  EXPECT_EQ(split.audit.records.back().result, "failed");
}

TEST(Apply, ASilentlyFailedProbeIsSeen) {
  SplitHost split;
  split.configure("[enforce]\nboot = \"service\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  Plan planned = split.plan_now();
  // Without the module step the kernel has no vfio-pci and drivers_probe still reports success.
  std::erase_if(planned.steps, [](const Step& step) { return std::holds_alternative<LoadModule>(step.action); });
  const Outcome outcome = Executor(split.root, split.effects, split.audit).run(planned.steps);
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.results.back().detail, HasSubstr("driver is none, not vfio-pci"));
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST(Apply, StopsAtAStuckUnbindAndSaysSo) {
  SplitHost split;
  split.configure_two_vms();
  split.effects.stick("0000:03:00.3/driver/unbind");
  const Outcome outcome = split.apply_now();
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd") << "steps after a failure are not done";
}

TEST(Apply, TooFewPagesFailTheirStepOnly) {
  SplitHost split;
  split.configure_two_vms();
  split.effects.short_pages(0, 5);
  const Outcome outcome = split.apply_now();
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(split.pages(0), 5u);
  EXPECT_EQ(split.pages(1), 8u);
  const auto failed = std::find_if(outcome.results.begin(), outcome.results.end(),
                                   [](const auto& r) { return r.kind == StepResult::Kind::failed; });
  ASSERT_NE(failed, outcome.results.end());
  EXPECT_THAT(failed->detail, HasSubstr("only 5 of 8"));
}

TEST(Apply, NeverReservesBelowTheFloorThatIsFreeNow) {
  SplitHost split;
  testing::NodeSpec busy;
  busy.id = 2;
  busy.cpus = "";
  busy.memory = 32 * kib_per_gib;
  busy.free = 12 * kib_per_gib;
  split.host.add_node(busy);
  split.configure("[host]\nkeep_free = \"8GiB\"\n[vm.101]\nnode = 2\nmemory = \"16GiB\"\n");
  const Outcome outcome = split.apply_now();
  EXPECT_FALSE(outcome.ok());
  EXPECT_EQ(split.pages(2), 4u) << "12 GiB are free and 8 GiB stay";
  EXPECT_THAT(outcome.results.back().detail, HasSubstr("host keeps 8 GiB"));
}

TEST(Apply, RefusesWhenTheMachineChangedSinceThePlan) {
  SplitHost split;
  split.configure_two_vms();
  const Plan shown = split.plan_now();
  split.host.unbind("0000:03:00.3");
  EXPECT_THROW(carry_out(split.context(), Apply{}, plan_token(shown)), Error);
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
}

TEST(Apply, NeverTouchesAnotherDeviceAtThePlannedAddress) {
  SplitHost split;
  split.configure("[enforce]\nboot = \"service\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  Plan planned = split.plan_now();
  for (auto& step : planned.steps)
    if (auto* bind = std::get_if<Bind>(&step.action)) bind->function.ids.device = 0x9999;
  const Outcome outcome = Executor(split.root, split.effects, split.audit).run(planned.steps);
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.results.back().detail, HasSubstr("another device sits there"));
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST(Audit, EveryEffectOpensAndCloses) {
  SplitHost split;
  split.configure("[vm.101]\nname = \"fluent-a\"\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  std::vector<AuditRecord> binds;
  for (const auto& record : split.audit.records)
    if (record.event == "bind") binds.push_back(record);
  ASSERT_EQ(binds.size(), 2u);
  EXPECT_EQ(binds[0].result, "started");
  EXPECT_EQ(binds[1].result, "done");
  EXPECT_EQ(binds[1].controller, "0000:03:00.3");
  EXPECT_EQ(binds[1].group, "60");
  EXPECT_EQ(binds[1].vm, "101");
  EXPECT_EQ(binds[1].from, "xhci_hcd");
  EXPECT_EQ(binds[1].to, "vfio-pci");
  EXPECT_EQ(binds[1].rung, "runtime");
  EXPECT_THAT(binds[1].reason, HasSubstr("VM 101 (fluent-a)"));
}

TEST(Repair, BringsADriftedFunctionBackAndNothingElse) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  split.host.unbind("0000:44:00.3");
  split.host.set_file("sys/bus/pci/devices/0000:44:00.3/driver_override", "(null)\n");
  split.host.bind("0000:44:00.3", "xhci_hcd");
  const Plan needed = split.repair_plan_now();
  ASSERT_EQ(needed.steps.size(), 1u);
  EXPECT_TRUE(carry_out(split.context(), Repair{{needed.steps.front().id}}).ok());
  EXPECT_EQ(split.driver("0000:44:00.3"), "vfio-pci");
}

TEST(Repair, LeavesAMountedStickAlone) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  split.host.unbind("0000:03:00.3");
  split.host.set_file("sys/bus/pci/devices/0000:03:00.3/driver_override", "(null)\n");
  split.host.bind("0000:03:00.3", "xhci_hcd");
  testing::UsbSpec stick;
  stick.speed = "5000";
  stick.disk = "sdz";
  split.host.plug("0000:03:00.3", "2", stick);
  split.host.add_mount("sdz", "/mnt/stick");
  const Plan needed = split.repair_plan_now();
  EXPECT_TRUE(needed.steps.empty());
  ASSERT_TRUE(find(needed.findings, "group-lifeline"));
}

TEST(Rehearsal, ListsEveryWriteAndTouchesNothing) {
  SplitHost split;
  split.configure_two_vms();
  const auto lines = rehearse(split.root, split.plan_now());
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("write \"vfio-pci\" to /sys/bus/pci/devices/0000:03:00.3")));
  EXPECT_THAT(lines, ::testing::Contains(HasSubstr("write \"8\" to /sys/devices/system/node/node1")));
  EXPECT_TRUE(split.effects.log().empty());
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

/// Whatever effect is the last before the power goes: the next start finds its way.
TEST(Interruption, AfterEveryEffectTheNextApplyConverges) {
  std::size_t effects = 0;
  {
    SplitHost split;
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
    effects = split.effects.log().size();
  }
  ASSERT_GT(effects, 10u);
  for (std::size_t stop = 0; stop < effects; ++stop) {
    SplitHost split;
    split.configure_two_vms();
    struct PowerCut {};
    std::size_t done = 0;
    split.effects.before = [&](const std::string&) {
      if (done++ == stop) throw PowerCut{};
    };
    EXPECT_THROW(split.apply_now(), PowerCut) << stop;
    split.effects.before = {};
    EXPECT_TRUE(split.apply_now().ok()) << "stopped before effect " << stop;
    EXPECT_EQ(split.driver("0000:44:00.3"), "vfio-pci") << stop;
    ASSERT_TRUE(carry_out(split.context(), Undo{}).ok()) << stop;
    EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd") << stop;
    EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd") << stop;
    EXPECT_EQ(split.pages(0), 0u) << stop;
  }
}

}  // namespace
}  // namespace hostsplit
