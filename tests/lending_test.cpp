// Controllers lent to `learn`: for as long as it runs, and not an instant longer, however it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "cli/act/quiet_console.hpp"
#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/store/store.hpp"
#include "operations/learning_session.hpp"
#include "operations/lending.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SplitHost;

PciAddress at(const char* address) {
  return *parse_pci_address(address);
}

struct LendingTest : ::testing::Test {
  SplitHost split;
  std::string failure;  ///< of the next move
  Lending lending{split.root, [this](const Transfer& transfer) {
                    if (!failure.empty()) return failure;
                    try {
                      return std::string(carry_out(split.context(), transfer).ok() ? "" : "failed");
                    } catch (const Error& error) {
                      return std::string(error.what());
                    }
                  }};
  void SetUp() override {
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
  }
};

TEST_F(LendingTest, TheHostHasItWhileItIsLentAndTheServiceDoesNotMind) {
  EXPECT_EQ(lending.lend(split.state(), {at("0000:03:00.3")}), "");
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
  EXPECT_THAT(split.repair_plan_now().steps, IsEmpty()) << "this is no drift";
  EXPECT_FALSE(split.root.exists(names::released_file)) << "it is not released until the next boot";
  EXPECT_EQ(lending.give_back(), "");
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_TRUE(split.state().lent.empty());
  EXPECT_TRUE(lending.lent().empty());
}

TEST_F(LendingTest, TheWholeGroupGoesAlongAndComesBack) {
  lending.lend(split.state(), {at("0000:44:00.1")});
  EXPECT_EQ(split.driver("0000:44:00.3"), "xhci_hcd");
  EXPECT_THAT(split.repair_plan_now().steps, IsEmpty());
  lending.give_back();
  EXPECT_EQ(split.driver("0000:44:00.1"), "vfio-pci");
  EXPECT_EQ(split.driver("0000:44:00.3"), "vfio-pci");
}

TEST_F(LendingTest, WhatWasReleasedByHandStaysReleased) {
  ASSERT_TRUE(carry_out(split.context(), Transfer{Transfer::To::host, {"0000:44:00.1"}}).ok());
  const auto released = split.root.read(names::released_file);
  lending.lend(split.state(), {at("0000:03:00.3")});
  EXPECT_EQ(split.root.read(names::released_file), released);
  lending.give_back();
  EXPECT_EQ(split.root.read(names::released_file), released);
  EXPECT_EQ(split.driver("0000:44:00.1"), "xhci_hcd");
}

TEST_F(LendingTest, AVmThatRunsKeepsItsController) {
  split.host.hold_group(900, 60, 101);
  const auto hidden = hidden_controllers(split.state());
  ASSERT_EQ(hidden.size(), 3u);
  EXPECT_EQ(hidden[0].vm, 101);
  EXPECT_THAT(hidden[0].why_not, HasSubstr("VM 101"));
  EXPECT_EQ(hidden[1].why_not, "");
  EXPECT_NE(lending.lend(split.state(), {at("0000:03:00.3")}), "");
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
}

TEST_F(LendingTest, WhatCannotGoBackNowIsTheServicesToGiveBack) {
  lending.lend(split.state(), {at("0000:03:00.3")});
  failure = "somebody has a file open";
  EXPECT_EQ(lending.give_back(), failure);
  EXPECT_TRUE(split.state().lent.empty());
  EXPECT_FALSE(split.repair_plan_now().steps.empty()) << "drift from now on";
}

/// The process that lends is another one and is killed: nothing is left that keeps the service from repairing.
TEST_F(LendingTest, AProgramThatIsKilledHasGivenBack) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    Lent note(split.root);
    note.note({at("0000:03:00.3")});
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  char byte = 0;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  split.host.unbind("0000:03:00.3");
  split.host.bind("0000:03:00.3", "xhci_hcd");
  EXPECT_EQ(load_lent(split.root), std::set<PciAddress>{at("0000:03:00.3")});
  EXPECT_THAT(split.repair_plan_now().steps, IsEmpty());
  EXPECT_THROW(Lent second(split.root), Error) << "one at a time";
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_THAT(load_lent(split.root), IsEmpty());
  EXPECT_FALSE(split.repair_plan_now().steps.empty());
  EXPECT_NO_THROW(Lent next(split.root));
  close(ready[0]);
  close(ready[1]);
}

TEST_F(LendingTest, NobodyElseMayOpenTheFile) {
  const Lent note(split.root);
  EXPECT_EQ(split.root.mode(names::lent_file), 0600u);
}

TEST_F(LendingTest, WhatComesWithItsControllerIsNoPlug) {
  testing::UsbSpec spec;
  spec.serial = "S1";
  split.host.plug("0000:03:00.3", "2", spec);  // the VM has it
  LearningSession session(split.context(), split.state().snapshot, {});
  lending.lend(split.state(), {at("0000:03:00.3")});
  EXPECT_THAT(session.observe(split.state().snapshot), IsEmpty());
  split.host.plug("0000:03:00.3", "1", spec);
  EXPECT_EQ(session.observe(split.state().snapshot).size(), 1u);
}

TEST(QuietConsole, KnowsTheConsolesOfTheMachine) {
  EXPECT_TRUE(cli::is_console("/dev/tty1", "tty0"));
  EXPECT_TRUE(cli::is_console("/dev/ttyS0", "tty0 ttyS0"));
  EXPECT_TRUE(cli::is_console("/dev/console", ""));
  EXPECT_FALSE(cli::is_console("/dev/tty1", "ttyS0"));
  EXPECT_FALSE(cli::is_console("/dev/ttyS1", "tty0 ttyS0"));
  EXPECT_FALSE(cli::is_console("/dev/pts/3", "tty0 ttyS0"));
  EXPECT_FALSE(cli::is_console("/dev/tty", "tty0"));
  EXPECT_EQ(cli::console_level("7\t4\t1\t7"), 7);
  EXPECT_EQ(cli::console_level(""), 0);
}

}  // namespace
}  // namespace hostsplit
