// The process that writes attributes, with real processes: what it hands back, a write that is never answered (a FIFO
// that nobody reads), being killed, and what it keeps open.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "host/effects/child_process.hpp"
#include "support/fake_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using Kind = ChildProcess::Result::Kind;
using Report = ChildProcess::Report;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ChildProcessTest : ::testing::Test {
  testing::FakeHost host;
  Root root = host.root();
  ChildProcess child{root.descriptor()};
  std::vector<std::string> told;

  ChildProcess::Ended telling() {
    return [this](std::size_t number, const std::string& text) {
      told.push_back(std::to_string(number) + (text.empty() ? "" : " " + text));
      return true;
    };
  }
  /// As a write to a device that a VM holds.
  Report never_answered(std::chrono::milliseconds deadline) {
    child.announce("/sys/fifo", deadline);
    const int fd = open(host.path("fifo").c_str(), O_WRONLY);  // waits for a reader
    child.announce({}, 0ms);
    child.require_owner();
    host.set_file("written", "");
    close(fd);
    return {};
  }
  void SetUp() override { ASSERT_EQ(mkfifo(host.path("fifo").c_str(), 0600), 0); }
  /// Lets the process that waits for a reader go on, and waits for its end.
  void answer(int pid) {
    const int fd = open(host.path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
    waitpid(pid, nullptr, 0);
    close(fd);
  }
};

TEST_F(ChildProcessTest, DoesJobsInOrderInOneOtherProcess) {
  const auto job = [&](std::size_t number) -> Report {
    std::ofstream(host.path("pids"), std::ios::app) << getpid() << "\n";
    return {number == 1 ? "no such device" : "", true};
  };
  const auto result = child.run(3, job, telling());
  EXPECT_EQ(result.kind, Kind::ended);
  EXPECT_THAT(told, ElementsAre("0", "1 no such device", "2"));
  const auto pid = std::to_string(result.pid) + "\n";
  EXPECT_EQ(host.file("pids"), pid + pid + pid);
  EXPECT_NE(result.pid, getpid());
}

TEST_F(ChildProcessTest, StopsAfterAJobThatSaysSo) {
  const auto job = [&](std::size_t number) -> Report { return {"", number != 1}; };
  EXPECT_EQ(child.run(3, job, telling()).kind, Kind::ended);
  EXPECT_THAT(told, ElementsAre("0", "1"));
}

TEST_F(ChildProcessTest, FinishesTheJobInHandWhenToldToStop) {
  const auto job = [&](std::size_t) -> Report {
    std::this_thread::sleep_for(50ms);
    return {};
  };
  const auto stop = [&](std::size_t number, const std::string&) {
    told.push_back(std::to_string(number));
    return false;
  };
  EXPECT_EQ(child.run(100, job, stop).kind, Kind::ended);
  EXPECT_GE(told.size(), 1u);
  EXPECT_LE(told.size(), 2u);
}

TEST_F(ChildProcessTest, AWriteThatIsNeverAnsweredIsLeftBehind) {
  const auto job = [&](std::size_t number) { return number == 1 ? never_answered(50ms) : Report(); };
  const auto stuck = child.run(3, job, telling());
  EXPECT_EQ(stuck.kind, Kind::stuck);
  EXPECT_EQ(stuck.attribute, "/sys/fifo");
  EXPECT_EQ(stuck.deadline, 50ms);
  EXPECT_THAT(told, ElementsAre("0"));
  EXPECT_EQ(kill(stuck.pid, 0), 0) << "it still is there";
  EXPECT_EQ(child
                .run(
                    1, [](std::size_t) { return Report(); }, telling())
                .kind,
            Kind::ended);
  answer(stuck.pid);
  EXPECT_FALSE(root.exists("written")) << "it goes on with nothing that its owner has given up";
}

TEST_F(ChildProcessTest, ASlowJobThatIsInNoWriteIsWaitedFor) {
  const auto job = [&](std::size_t) -> Report {
    child.announce("/sys/quick", 10ms);
    child.announce({}, 0ms);
    std::this_thread::sleep_for(100ms);
    return {};
  };
  EXPECT_EQ(child.run(1, job, telling()).kind, Kind::ended);
}

TEST_F(ChildProcessTest, OneThatIsKilledHasDied) {
  const auto job = [&](std::size_t number) -> Report {
    if (number == 1) raise(SIGKILL);
    return {};
  };
  EXPECT_EQ(child.run(3, job, telling()).kind, Kind::died);
  EXPECT_THAT(told, ElementsAre("0"));
}

TEST_F(ChildProcessTest, AnExceptionOutOfAJobEndsItAndNobodyElse) {
  const auto job = [](std::size_t) -> Report { throw std::runtime_error("not caught"); };
  EXPECT_EQ(child.run(1, job, telling()).kind, Kind::died);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(ChildProcessTest, KeepsNoLockOfItsOwner) {
  const int lock = open(host.path("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  const auto stuck = child.run(
      1, [&](std::size_t) { return never_answered(50ms); }, telling());
  ASSERT_EQ(stuck.kind, Kind::stuck);
  close(lock);
  const int again = open(host.path("lock").c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_EQ(flock(again, LOCK_EX | LOCK_NB), 0);
  close(again);
  answer(stuck.pid);
}

TEST_F(ChildProcessTest, WritesNothingMoreOnceItsOwnerHasEnded) {
  const int owner = fork();
  if (owner == 0) {
    child.run(
        1,
        [&](std::size_t) {
          host.set_file("begun", std::to_string(getpid()) + "\n");
          return never_answered(60s);
        },
        telling());
    _exit(0);
  }
  while (!root.exists("begun") || host.file("begun").empty()) std::this_thread::sleep_for(5ms);
  kill(owner, SIGKILL);
  waitpid(owner, nullptr, 0);
  // Gone once it has ended, even where nobody collects orphans.
  const auto process = "/proc/" + host.file("begun").substr(0, host.file("begun").find('\n')) + "/exe";
  const int fd = open(host.path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  for (int tries = 0; tries < 1000 && access(process.c_str(), F_OK) == 0; ++tries) {
    std::this_thread::sleep_for(5ms);
  }
  close(fd);
  EXPECT_NE(access(process.c_str(), F_OK), 0);
  EXPECT_FALSE(root.exists("written"));
}

}  // namespace
}  // namespace hostsplit
