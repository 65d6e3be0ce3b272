// Steps in a row in a process of their own, on the fake host: what is told and audited when they go on before their
// owner has heard, when one gets stuck, and when the process ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::SplitHost;
using Kind = StepResult::Kind;

/// Does the job after it before the end of one is told, as a process that waits for nobody may.
struct EagerEffects : testing::FakeEffects {
  using FakeEffects::FakeEffects;
  void in_child(std::size_t count, const ChildProcess::Job& job, const ChildProcess::Ended& ended) override {
    bool go_on = true;
    ChildProcess::Report report = job(0);
    for (std::size_t number = 0;; ++number) {
      const ChildProcess::Report told = report;
      const bool another = go_on && told.go_on && number + 1 < count;
      if (another) report = job(number + 1);
      if (!ended(number, told.text)) go_on = false;
      if (!another) return;
    }
  }
};

/// The first process is killed in its second job, having taken its driver from a function.
struct DyingEffects : testing::FakeEffects {
  DyingEffects(testing::FakeHost& host, const char* function) : FakeEffects(host), host_(host), function_(function) {}
  void in_child(std::size_t count, const ChildProcess::Job& job, const ChildProcess::Ended& ended) override {
    if (died_) return FakeEffects::in_child(count, job, ended);
    died_ = true;
    ended(0, job(0).text);
    host_.unbind(function_);
    throw Error("write", "attributes", "process 4711, which does it, was ended from outside");
  }

 private:
  testing::FakeHost& host_;
  const char* function_;
  bool died_ = false;
};

struct ExecutorTest : ::testing::Test {
  SplitHost split;
  std::vector<std::string> told;

  void SetUp() override { split.configure_two_vms(); }
  /// Steps that move functions, and nothing else.
  std::vector<Step> binds() {
    auto steps = split.plan_now().steps;
    std::erase_if(steps, [](const Step& step) { return !std::holds_alternative<Bind>(step.action); });
    split.effects.run({"modprobe", "vfio-pci"}, std::chrono::seconds(1));
    return steps;
  }
  Progress telling() {
    return [this](const StepProgress& at) {
      told.push_back((at.result ? "end " : "begin ") + to_string(std::get<Bind>(at.step.action).address));
    };
  }
  std::vector<std::string> audited(const PciAddress& address) const {
    std::vector<std::string> results;
    for (const auto& record : split.audit.records)
      if (record.controller == to_string(address)) results.push_back(record.event + " " + record.result);
    return results;
  }
  static std::vector<Kind> kinds(const Outcome& outcome) {
    std::vector<Kind> all;
    for (const auto& result : outcome.results) all.push_back(result.kind);
    return all;
  }
};

TEST_F(ExecutorTest, TellsTheBeginningAndTheEndOfEachInOrder) {
  const auto steps = binds();
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_TRUE(Executor(split.root, split.effects, split.audit).run(steps, telling()).ok());
  EXPECT_THAT(told, ElementsAre("begin 0000:03:00.3", "end 0000:03:00.3", "begin 0000:44:00.1", "end 0000:44:00.1",
                                "begin 0000:44:00.3", "end 0000:44:00.3"));
}

TEST_F(ExecutorTest, WhatBeganBeforeTheStopWasHeardIsReportedAsItEnded) {
  EagerEffects eager(split.host);
  const auto steps = binds();
  const StopAsked stop = [this] { return told.size() == 2; };  // after the end of the first
  const Outcome outcome = Executor(split.root, eager, split.audit, stop).run(steps, telling());
  EXPECT_THAT(kinds(outcome), ElementsAre(Kind::done, Kind::done, Kind::skipped));
  EXPECT_EQ(outcome.results.back().detail, "cancelled");
  EXPECT_EQ(split.driver("0000:44:00.1"), "vfio-pci");
  EXPECT_EQ(split.driver("0000:44:00.3"), "xhci_hcd");
}

TEST_F(ExecutorTest, NoneBeginsAfterOneThatFailed) {
  EagerEffects eager(split.host);
  const auto steps = binds();
  eager.fail_next("drivers_probe", "no such device");
  const Outcome outcome = Executor(split.root, eager, split.audit).run(steps);
  EXPECT_THAT(kinds(outcome), ElementsAre(Kind::failed, Kind::skipped, Kind::skipped));
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
}

TEST_F(ExecutorTest, OneThatGetsStuckIsAuditedAndARepairGoesOnWithTheRest) {
  const auto steps = binds();
  split.effects.stick("0000:44:00.1/driver/unbind");
  const Outcome outcome = Executor(split.root, split.effects, split.audit).run(steps, {}, false);
  EXPECT_THAT(kinds(outcome), ElementsAre(Kind::done, Kind::failed, Kind::done));
  EXPECT_THAT(outcome.results[1].detail, HasSubstr("process 4711 is stuck in it"));
  EXPECT_THAT(audited(std::get<Bind>(steps[1].action).address),
              ElementsAre("bind started", "stuck seen", "bind failed"));
  EXPECT_THAT(audited(std::get<Bind>(steps[2].action).address), ElementsAre("bind started", "bind done"));
}

TEST_F(ExecutorTest, OneWhoseProcessEndsHasFailedAndTheHostHasItsControllerBack) {
  DyingEffects dying(split.host, "0000:44:00.1");
  const auto steps = binds();
  const Outcome outcome = Executor(split.root, dying, split.audit).run(steps, telling());
  EXPECT_THAT(kinds(outcome), ElementsAre(Kind::done, Kind::failed, Kind::skipped));
  EXPECT_THAT(outcome.results[1].detail, HasSubstr("was ended from outside"));
  EXPECT_THAT(audited(std::get<Bind>(steps[1].action).address), ElementsAre("bind failed"));
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
  EXPECT_EQ(split.driver_override("0000:44:00.1"), "(null)");
}

}  // namespace
}  // namespace hostsplit
