// The daemon without its loop, on the fake host: what it tells and what it does from one look to the next.
#include "service/reconciler/reconciler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/store/lock.hpp"
#include "host/store/store.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::SplitHost;

constexpr auto taken = "0000:03:00.3";

struct KeeperTest : ::testing::Test {
  SplitHost split;
  std::vector<std::string> repaired, ports;
  Reconciler reconciler{split.context(),
                        {[this](const PortEvent& p) { ports.push_back(p.label + "|" + p.device); },
                         [this](const std::string& c) { repaired.push_back(c); }}};
  Reconciler::Time now{1000s};

  void apply() {
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
    split.audit.records.clear();
    split.effects.clear_log();
  }
  void observe(std::chrono::milliseconds later = 0ms) { reconciler.look(now += later); }
  /// Gives it back to the host behind hostsplit's back.
  void drift(const char* address = taken) {
    split.host.unbind(address);
    split.host.bind(address, "xhci_hcd");
  }
  long count(const std::string& event, const std::string& result) const {
    return std::count_if(split.audit.records.begin(), split.audit.records.end(),
                         [&](const AuditRecord& r) { return r.event == event && r.result == result; });
  }
  std::string message(const std::string& event, const std::string& result) const {
    for (const auto& r : split.audit.records)
      if (r.event == event && r.result == result) return r.message;
    return "";
  }
};

TEST_F(KeeperTest, UnconfiguredItChangesNothing) {
  observe();
  EXPECT_TRUE(split.effects.log().empty());
  EXPECT_THAT(reconciler.status_line(), HasSubstr("not configured"));
  EXPECT_FALSE(reconciler.next_look());
}

TEST_F(KeeperTest, ConfiguredButNotAppliedItChangesNothing) {
  split.configure_two_vms();
  observe();
  EXPECT_TRUE(split.effects.log().empty());
  EXPECT_THAT(reconciler.status_line(), HasSubstr("not applied"));
}

TEST_F(KeeperTest, AsAppliedThereIsNothingToDo) {
  apply();
  observe();
  observe(30s);
  EXPECT_TRUE(split.effects.log().empty());
  EXPECT_TRUE(split.audit.records.empty());
  EXPECT_THAT(reconciler.status_line(), HasSubstr("everything as applied"));
}

TEST_F(KeeperTest, DriftIsToldAndRepairedInTheSameLook) {
  apply();
  observe();
  drift();
  observe(1s);
  EXPECT_EQ(split.driver(taken), "vfio-pci");
  EXPECT_EQ(count("drift", "seen"), 1);
  EXPECT_THAT(message("drift", "seen"), HasSubstr("driver is xhci_hcd but VM 101 owns it"));
  EXPECT_EQ(count("bind", "done"), 1);
  EXPECT_EQ(repaired, std::vector<std::string>{taken});
  EXPECT_EQ(reconciler.repairs(), 1u);
  observe(1s);
  EXPECT_EQ(count("drift", "seen"), 1);
  EXPECT_THAT(reconciler.status_line(), HasSubstr("everything as applied"));
}

TEST_F(KeeperTest, LostPagesComeBack) {
  apply();
  observe();
  split.host.set_pages(1, kib_per_gib, 3);
  observe(1s);
  EXPECT_EQ(split.pages(1), 8u);
  EXPECT_EQ(count("wipe", "seen"), 1);
}

TEST_F(KeeperTest, PolicyReportOnlyTells) {
  apply();
  split.configure("[enforce]\ndrift = \"report\"\n[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  observe();
  drift();
  observe(1s);
  observe(1s);
  EXPECT_EQ(split.driver(taken), "xhci_hcd");
  EXPECT_EQ(count("drift", "reported"), 1);
  EXPECT_FALSE(reconciler.next_look());
}

TEST_F(KeeperTest, OffOnTheKernelCommandLineOnlyTells) {
  apply();
  split.host.set_kernel("6.17.13-2-pve", "ro hostsplit=off quiet");
  drift();
  observe();
  EXPECT_EQ(split.driver(taken), "xhci_hcd");
  EXPECT_TRUE(split.effects.log().empty());
  EXPECT_THAT(reconciler.status_line(), HasSubstr("hostsplit=off"));
}

TEST_F(KeeperTest, AFailingRepairIsTriedLaterAndGivenUpInTheEnd) {
  apply();
  observe();
  drift();
  split.effects.before = [](const std::string& line) {
    if (line.find("drivers_probe") != std::string::npos) throw Error("write", "drivers_probe", "Input/output error");
  };
  observe();
  for (int looks = 0; looks < 100 && reconciler.next_look(); ++looks) reconciler.look(now = *reconciler.next_look());
  EXPECT_EQ(count("drift", "failed"), 1);
  EXPECT_THAT(message("drift", "failed"), HasSubstr("systemctl reload hostsplitd"));
  EXPECT_EQ(count("bind", "failed"), RepairPolicy::most_failures);
  EXPECT_THAT(reconciler.status_line(), HasSubstr("not as applied"));

  split.effects.before = {};
  reconciler.try_all_again();
  observe(1h);
  EXPECT_EQ(split.driver(taken), "vfio-pci");
}

TEST_F(KeeperTest, WhileAnotherHostsplitActsItWaitsAndSaysNothing) {
  apply();
  observe();
  drift();
  {
    const Lock other(split.root);
    observe(1s);
  }
  EXPECT_EQ(split.driver(taken), "xhci_hcd");
  EXPECT_EQ(count("drift", "seen"), 0);
  ASSERT_TRUE(reconciler.next_look());
  now = *reconciler.next_look();
  observe();
  EXPECT_EQ(split.driver(taken), "vfio-pci");
}

TEST_F(KeeperTest, WhatWasSeenWhileAnotherActedIsNoDrift) {
  split.host.set_file(names::boot_id_file, "11-22\n");
  apply();
  drift();
  // Between the observation and what follows from it this boot is counted: then another hostsplit acts for an instant.
  int acted = 0;
  split.effects.before = [&](const std::string&) {
    if (acted++ == 0) const Lock other(split.root);
  };
  observe();
  split.effects.before = {};
  ASSERT_GT(acted, 0);
  EXPECT_EQ(count("drift", "seen"), 0);
  ASSERT_TRUE(reconciler.next_look());
  now = *reconciler.next_look();
  observe();
  EXPECT_EQ(count("drift", "seen"), 1);
  EXPECT_EQ(split.driver(taken), "vfio-pci");
}

TEST(Lock, CountsWhoTakesItAndNotWhoAsks) {
  SplitHost split;
  EXPECT_EQ(Lock::times_taken(split.root), 0u);
  { const Lock one(split.root); }
  EXPECT_FALSE(Lock::held(split.root));
  EXPECT_EQ(Lock::times_taken(split.root), 1u);
  const Lock two(split.root);
  EXPECT_TRUE(Lock::held(split.root));
  EXPECT_EQ(Lock::times_taken(split.root), 2u);
}

TEST_F(KeeperTest, WhatBecameOfPoolsWhileNothingWasAppliedIsNobodysFault) {
  apply();
  observe();
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  split.host.set_pages(0, kib_per_gib, 20);
  observe(1s);
  split.host.set_pages(0, kib_per_gib, 0);
  observe(1s);
  split.audit.records.clear();
  ASSERT_TRUE(split.apply_now().ok());
  split.host.set_pages(0, kib_per_gib, 0);
  split.host.set_pages(1, kib_per_gib, 0);
  observe(1s);
  EXPECT_EQ(count("wipe", "seen"), 0) << message("wipe", "seen");
  EXPECT_EQ(split.pages(0), 8u);
}

TEST_F(KeeperTest, ADamagedConfigurationKeepsTheLastGoodOneAndIsToldOnce) {
  apply();
  observe();
  split.host.set_file(names::config_file, "version = 1\n[vm.101\n");
  observe(1s);
  observe(1s);
  EXPECT_EQ(count("finding", "seen"), 1);
  EXPECT_THAT(message("finding", "seen"), HasSubstr("hostsplit.toml"));
  EXPECT_TRUE(reconciler.state().config.has_value());
  EXPECT_THAT(reconciler.status_line(), HasSubstr("damaged"));
  drift();
  observe(1s);
  EXPECT_EQ(split.driver(taken), "vfio-pci") << "what was applied is still kept";
  split.configure_two_vms();
  observe(1s);
  EXPECT_EQ(count("finding", "ended"), 1);
}

TEST_F(KeeperTest, ADamagedPortMapIsNeverWritten) {
  split.host.set_file(names::port_map_file, "garbage");
  observe();
  drift("0000:44:00.3");
  observe(1s);
  EXPECT_EQ(split.host.file(names::port_map_file), "garbage");
}

TEST_F(KeeperTest, AStuckFunctionIsLeftAloneUntilTheRestart) {
  apply();
  observe();
  split.host.set_file("proc/4711/stat", "4711 (a) b) D 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 777 0");
  drift();
  split.effects.stick(std::string(taken) + "/driver/unbind");
  observe(1s);
  EXPECT_EQ(count("stuck", "seen"), 1);
  EXPECT_THAT(message("stuck", "seen"), HasSubstr("vfio_unregister_group_dev"));
  const auto tries = [this] {
    const auto& log = split.effects.log();
    return std::count_if(log.begin(), log.end(), [](const auto& l) {
      return l.find(std::string(taken) + "/driver/unbind") != std::string::npos;
    });
  };
  EXPECT_EQ(tries(), 1);
  for (int looks = 0; looks < 20; ++looks) observe(30s);
  EXPECT_EQ(tries(), 1) << "no second child gets stuck";
  EXPECT_EQ(count("finding", "seen"), 1) << "told once";
  EXPECT_THAT(message("finding", "seen"), HasSubstr("4711"));
  EXPECT_FALSE(reconciler.next_look());
  EXPECT_THAT(reconciler.status_line(), HasSubstr("not as applied"));

  Reconciler another{split.context(), {}};  // the service was restarted
  another.look(now);
  EXPECT_EQ(tries(), 1);
  another.try_all_again();
  another.look(now);
  EXPECT_EQ(tries(), 1) << "the process is still there";
  drift("0000:44:00.1");
  another.look(now);
  EXPECT_EQ(split.driver("0000:44:00.1"), "vfio-pci") << "everything else goes on";

  split.host.remove("proc/4711/stat");
  another.look(now);
  EXPECT_EQ(tries(), 1) << "still alone, until somebody asks";
  another.try_all_again();
  another.look(now);
  EXPECT_EQ(tries(), 2);
}

struct ElsewhereTest : KeeperTest {
  std::vector<Plan> started;
  Reconciler elsewhere{split.context(), {{}, {}, {}, [this](const Plan& due) { started.push_back(due); }}};
};

TEST_F(ElsewhereTest, LooksGoOnWhileARepairRuns) {
  apply();
  elsewhere.look(now);
  EXPECT_FALSE(elsewhere.repairing());
  drift();
  elsewhere.look(now += 1s);
  ASSERT_EQ(started.size(), 1u);
  EXPECT_TRUE(elsewhere.repairing());
  drift("0000:44:00.1");
  elsewhere.look(now += 1s);
  EXPECT_EQ(started.size(), 1u) << "one at a time";
  EXPECT_FALSE(elsewhere.next_look()) << "its end brings the next look";
  ASSERT_TRUE(carry_out(split.context(), repair_of(started[0])).ok());
  elsewhere.repair_ended({{started[0].steps.back().id, StepResult::Kind::done, {}}}, now);
  EXPECT_EQ(elsewhere.repairs(), 1u);
  ASSERT_TRUE(elsewhere.next_look());
  elsewhere.look(now = *elsewhere.next_look());
  EXPECT_EQ(started.size(), 2u) << "now the other one";
}

TEST_F(ElsewhereTest, AWorkerOutOfReachIsTriedAgainLater) {
  apply();
  elsewhere.look(now);
  drift();
  elsewhere.look(now += 1s);
  elsewhere.repair_postponed("the worker is out of reach", now);
  ASSERT_TRUE(elsewhere.next_look());
  EXPECT_EQ(*elsewhere.next_look() - now, 1s);
  elsewhere.look(now = *elsewhere.next_look());
  EXPECT_EQ(started.size(), 2u);
}

TEST_F(KeeperTest, LostAuditRecordsAreAFinding) {
  observe();
  reconciler.lost_audit(2);
  observe(1s);
  EXPECT_THAT(message("finding", "seen"), HasSubstr("2 audit records were lost"));
}

TEST_F(KeeperTest, ABadCableDoesNotFloodTheJournal) {
  testing::UsbSpec stick;
  observe();
  for (int i = 0; i < 50; ++i) {
    split.host.plug(taken, "2", stick);
    observe(100ms);
    split.host.unplug(taken, "2");
    observe(100ms);
  }
  EXPECT_EQ(count("port", "seen"), PortStorm::most_per_window);
  EXPECT_EQ(count("port", "summary"), 1);
  ASSERT_TRUE(reconciler.next_look());
  now = *reconciler.next_look();
  observe();
  EXPECT_EQ(count("port", "summary"), 2);
  EXPECT_THAT(split.audit.records.back().message, HasSubstr("94 more plugs and unplugs"));
  now += 2min;
  observe();
  EXPECT_FALSE(reconciler.next_look()) << "quiet again";
  split.host.plug(taken, "2", stick);
  observe();
  EXPECT_EQ(count("port", "seen"), PortStorm::most_per_window + 1);
}

TEST_F(KeeperTest, PlugsAreToldWithTheNameOfThePort) {
  testing::UsbSpec stick;
  stick.product = "Stick";
  stick.serial = "LAB1";
  split.host.plug(taken, "2", stick);
  const auto snapshot = split.state().snapshot;
  const auto device = std::find_if(snapshot.devices.begin(), snapshot.devices.end(),
                                   [](const UsbDevice& d) { return d.serial == "LAB1"; });
  ASSERT_NE(device, snapshot.devices.end());
  save_port_map(split.root, split.effects, learn_port({}, snapshot, *device, "front-1"));
  observe();
  split.host.unplug(taken, "2");
  observe(1s);
  EXPECT_EQ(message("port", "seen"), "front-1: unplugged Stick (serial LAB1)");
  split.audit.records.clear();
  split.host.plug(taken, "2", stick);
  split.host.plug("0000:22:00.3", "3", stick);
  observe(1s);
  EXPECT_EQ(count("port", "seen"), 2);
  EXPECT_THAT(ports,
              ::testing::UnorderedElementsAre("front-1|", "front-1|Stick (serial LAB1)", "|Stick (serial LAB1)"));
  EXPECT_EQ(split.audit.records.front().port + split.audit.records.back().port, "front-1");
}

TEST_F(KeeperTest, DevicesThatLeaveWithTheirControllerWereNotUnplugged) {
  testing::UsbSpec stick;
  stick.product = "Stick";
  split.host.plug(taken, "2", stick);
  observe();
  split.host.unbind(taken);
  observe(1s);
  EXPECT_THAT(message("port", "seen"), HasSubstr("left the host together with its controller"));
}

}  // namespace
}  // namespace hostsplit
