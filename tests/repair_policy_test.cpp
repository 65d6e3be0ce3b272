// When a repair may be tried again: by injected time, never by sleeping.
#include "service/reconciler/repair_policy.hpp"

#include <gtest/gtest.h>

#include "service/loop/burst.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using Answer = RepairPolicy::Answer;
using Time = RepairPolicy::Time;

constexpr auto a = "bind 0000:03:00.3";
constexpr auto b = "bind 0000:22:00.3";
constexpr Time start{1000s};

/// Fails as soon as it may. \return how long each failure made it wait; ends when it is given up.
std::vector<std::chrono::seconds> waits_of_failures(RepairPolicy& policy, Time now) {
  std::vector<std::chrono::seconds> waits;
  while (!policy.failed(a, now) && waits.size() < 100) {
    auto wait = 0s;
    while (policy.ask(a, now + wait) == Answer::wait) wait += 1s;
    waits.push_back(wait);
    now += wait;
  }
  return waits;
}

TEST(RepairPolicy, FirstRepairIsImmediate) {
  const RepairPolicy policy;
  EXPECT_EQ(policy.ask(a, start), Answer::go);
  EXPECT_FALSE(policy.next());
}

TEST(RepairPolicy, FailuresWaitTwiceAsLongEachTimeAndEndAfterSix) {
  RepairPolicy policy;
  EXPECT_EQ(waits_of_failures(policy, start), (std::vector{1s, 2s, 4s, 8s, 16s}));
  EXPECT_EQ(policy.ask(a, start + 24h), Answer::given_up);
  EXPECT_FALSE(policy.next()) << "nothing waits for what was given up";
}

TEST(RepairPolicy, GivingUpIsToldOnce) {
  RepairPolicy policy;
  waits_of_failures(policy, start);
  EXPECT_FALSE(policy.failed(a, start + 1h));
}

TEST(RepairPolicy, OneSubjectDoesNotHoldUpAnother) {
  RepairPolicy policy;
  policy.failed(a, start);
  EXPECT_EQ(policy.ask(a, start), Answer::wait);
  EXPECT_EQ(policy.ask(b, start), Answer::go);
}

TEST(RepairPolicy, SuccessEndsTheRowOfFailures) {
  RepairPolicy policy;
  for (int i = 0; i < 4; ++i) policy.failed(a, start + i * 1h);
  policy.succeeded(a, start + 4h);
  policy.failed(a, start + 5h);
  EXPECT_EQ(policy.ask(a, start + 5h + 1s), Answer::go);
}

TEST(RepairPolicy, ResetTriesEverythingAgainAtOnce) {
  RepairPolicy policy;
  waits_of_failures(policy, start);
  policy.reset();
  EXPECT_EQ(policy.ask(a, start), Answer::go);
}

TEST(RepairPolicy, WhatNeedsNoRepairAnyMoreStartsAfresh) {
  RepairPolicy policy;
  waits_of_failures(policy, start);
  policy.needed({b}, start + 5min);
  EXPECT_EQ(policy.ask(a, start + 5min), Answer::go);
}

TEST(RepairPolicy, NextIsTheEarliestOfThoseThatWait) {
  RepairPolicy policy;
  policy.needed({a, b}, start);
  policy.failed(a, start);
  policy.failed(b, start);
  policy.failed(b, start + 1s);
  ASSERT_TRUE(policy.next());
  EXPECT_EQ(*policy.next(), start + 1s);
  policy.needed({b}, start + 1s);
  EXPECT_EQ(*policy.next(), start + 3s) << "a needs nothing any more";
}

TEST(RepairPolicy, MoreThanFiveRepairsAMinuteAreSlowedDown) {
  RepairPolicy policy;
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(policy.ask(a, start + i * 1s), Answer::go) << i;
    policy.succeeded(a, start + i * 1s);
  }
  EXPECT_EQ(policy.ask(a, start + 5s), Answer::go) << "five are fine";
  policy.succeeded(a, start + 5s);
  EXPECT_EQ(policy.ask(a, start + 5s), Answer::wait);
  EXPECT_EQ(policy.ask(a, start + 6s), Answer::go);
  policy.succeeded(a, start + 6s);
  EXPECT_EQ(policy.ask(a, start + 7s), Answer::wait);
  EXPECT_EQ(policy.ask(a, start + 8s), Answer::go);
}

TEST(RepairPolicy, AStormIsNeverGivenUpAndIsForgottenWhenItIsOver) {
  RepairPolicy policy;
  Time now = start;
  int repairs = 0;
  for (const Time end = start + 10min; now < end; now += 1s) {
    policy.needed({a}, now);
    ASSERT_NE(policy.ask(a, now), Answer::given_up);
    if (policy.ask(a, now) != Answer::go) continue;
    policy.succeeded(a, now);
    ++repairs;
  }
  EXPECT_LT(repairs, 10 * 2 * RepairPolicy::most_repairs_per_window) << "600 drifts in ten minutes";
  policy.needed({}, now + 2min);
  EXPECT_EQ(policy.ask(a, now + 2min), Answer::go);
}

TEST(Burst, IsDueShortlyAfterTheLastEvent) {
  Burst burst;
  EXPECT_EQ(burst.event(start), start + 60ms);
  EXPECT_EQ(burst.event(start + 50ms), start + 110ms);
}

TEST(Burst, NeverWaitsLongerThanTheLimit) {
  Burst burst;
  for (auto t = 0ms; t < 290ms; t += 10ms) burst.event(start + t);
  EXPECT_EQ(burst.event(start + 290ms), start + 300ms);
  burst.over();
  EXPECT_EQ(burst.event(start + 300ms), start + 360ms) << "a new burst";
}

}  // namespace
}  // namespace hostsplit
