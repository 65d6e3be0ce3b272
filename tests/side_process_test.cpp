// Computing beside the loop: answers, errors, deadlines, limits.
#include "service/work/side_process.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "core/base/error.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct SideProcessTest : ::testing::Test {
  SideProcessTest() {
    sd_event* event = nullptr;
    sd_event_new(&event);
    loop.reset(event);
    aside = std::make_unique<SideProcesses>(loop.get(), -1);
  }
  void start(const std::function<std::string()>& compute, std::chrono::milliseconds patience = 10s) {
    const auto end = [this](const SideProcesses::Text& text) {
      try {
        told.push_back(text());
      } catch (const Error& error) {
        told.push_back((error.kind() == Error::Kind::bad_input ? "bad: " : "failed: ") + std::string(error.what()));
      }
    };
    aside->start(compute, end, patience);
  }
  void run(std::size_t answers) {
    for (int i = 0; i < 500 && told.size() < answers; ++i) sd_event_run(loop.get(), 100'000);
    ASSERT_EQ(told.size(), answers);
  }
  void collect() {
    for (int i = 0; i < 50 && waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT) == 0; ++i)
      sd_event_run(loop.get(), 20'000);
    EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1) << "all are collected";
  }
  static std::string sleep() {
    std::this_thread::sleep_for(60s);
    return {};
  }

  EventLoop loop{nullptr, &sd_event_unref};
  std::unique_ptr<SideProcesses> aside;
  std::vector<std::string> told;
};

TEST_F(SideProcessTest, HandsOverATextOrWhatWasThrown) {
  const auto mine = getpid();
  start([&] { return std::to_string(getppid() == mine) + std::string(1'000'000, 'x'); });
  run(1);
  EXPECT_EQ(told[0].size(), 1'000'001u);
  EXPECT_EQ(told[0][0], '1');
  start([]() -> std::string { throw Error("use", "it", "no", "", Error::Kind::bad_input); });
  run(2);
  EXPECT_EQ(told[1], "bad: cannot use it: no");
  start([]() -> std::string { throw std::runtime_error("odd"); });
  run(3);
  EXPECT_EQ(told[2], "failed: odd");
  collect();
}

TEST_F(SideProcessTest, WhatTakesTooLongIsEndedAndToldOnce) {
  start(&SideProcessTest::sleep, 100ms);
  run(1);
  EXPECT_THAT(told[0], HasSubstr("it takes too long"));
  collect();
  EXPECT_EQ(told.size(), 1u);
}

TEST_F(SideProcessTest, WhatDiesOrSaysTooMuchIsNoAnswer) {
  start([]() -> std::string { _exit(3); });
  run(1);
  EXPECT_THAT(told[0], HasSubstr("died"));
  start([] { return std::string(5 << 20, 'x'); });
  run(2);
  EXPECT_EQ(told[1], "failed: the answer is too long");
}

TEST_F(SideProcessTest, OnlySoManyRunAtATime) {
  for (int i = 0; i < 8; ++i) start(&SideProcessTest::sleep, 200ms);
  EXPECT_THROW(start([] { return std::string(); }), Error);
  run(8);
  collect();
  start([] { return std::string("room again"); });
  run(9);
  EXPECT_EQ(told.back(), "room again");
}

}  // namespace
}  // namespace hostsplit
