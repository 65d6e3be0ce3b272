// Reserving on the fake host: what helps a short allocation, what is said when nothing does, and Proxmox VE's lock.
#include "host/act/pages.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/memory/pools.hpp"
#include "host/store/page_lock.hpp"
#include "host/system/unique_fd.hpp"
#include "service/reconciler/reconciler.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::SplitHost;

constexpr auto drop_caches = "proc/sys/vm/drop_caches";

/// Another program that starts a VM with huge pages.
struct StartingVm {
  explicit StartingVm(const SplitHost& split) {
    split.host.root();
    const PageLock create(split.root, 0ms);
    fd.reset(open(split.host.path(names::page_lock_file).c_str(), O_RDWR | O_CLOEXEC));
  }
  void take() { EXPECT_EQ(flock(fd.get(), LOCK_EX | LOCK_NB), 0); }
  UniqueFd fd;
};

struct Pages : ::testing::Test {
  SplitHost split;
  Pages() {
    split.host.set_file(drop_caches, "0\n");
    split.host.set_file("sys/devices/system/node/node0/compact", "");
  }
  long helps() const {
    return std::count_if(split.effects.log().begin(), split.effects.log().end(),
                         [](const std::string& line) { return line.find("drop_caches") != std::string::npos; });
  }
};

TEST_F(Pages, AShortAllocationIsHelpedAndThenWhole) {
  split.effects.short_pages(0, 3);
  split.effects.before = [&](const std::string& line) {
    if (line.find("node0/compact") != std::string::npos) split.host.short_pages(0, 10);
  };
  const auto got = reserve_pages(split.root, split.effects, {0, kib_per_gib, 0, 8, 0, {}, {}});
  EXPECT_EQ(got.got, 8u);
  EXPECT_EQ(got.helped, 1);
  EXPECT_EQ(helps(), 1);
}

TEST_F(Pages, HelpIsBoundedAndWhatIsThereIsKept) {
  split.effects.short_pages(0, 3);
  const auto got = reserve_pages(split.root, split.effects, {0, kib_per_gib, 0, 8, 0, {}, {}});
  EXPECT_EQ(got.got, 3u);
  EXPECT_EQ(got.asked, 8u);
  EXPECT_EQ(helps(), most_helps);
}

TEST_F(Pages, AKernelThatTakesNoAdviceIsNoFailure) {
  split.host.remove(drop_caches);
  split.effects.short_pages(0, 3);
  EXPECT_EQ(reserve_pages(split.root, split.effects, {0, kib_per_gib, 0, 8, 0, {}, {}}).got, 3u);
}

TEST_F(Pages, LoweringNeedsNoHelp) {
  split.host.set_pages(0, kib_per_gib, 8);
  split.host.use_pages(0, kib_per_gib, 5);
  EXPECT_EQ(reserve_pages(split.root, split.effects, {0, kib_per_gib, 8, 2, 0, {}, {}}).got, 2u);
  EXPECT_EQ(helps(), 0);
}

TEST_F(Pages, WhoFindsNoRoomIsNamed) {
  split.configure("[vm.101]\nnode = 0\nmemory = \"4GiB\"\n[vm.102]\nnode = 0\nmemory = \"4GiB\"\n");
  split.effects.short_pages(0, 6);
  const Outcome outcome = split.apply_now();
  EXPECT_THAT(outcome.results.back().detail, HasSubstr("only 6 of 8"));
  EXPECT_THAT(outcome.results.back().detail, HasSubstr("no room for VM 102"));
  EXPECT_THAT(split.audit.records.back().message, HasSubstr("no room for VM 102"));
}

TEST(WithoutRoom, LowerNumbersFirstAndSmallerOnesFit) {
  const std::map<int, std::uint64_t> shares{{101, 4}, {102, 4}, {103, 1}};
  EXPECT_EQ(without_room(shares, 9), std::vector<int>{});
  EXPECT_EQ(without_room(shares, 6), std::vector<int>{102});
  EXPECT_EQ(without_room(shares, 3), (std::vector<int>{101, 102}));
  EXPECT_EQ(without_room(shares, 0), (std::vector<int>{101, 102, 103}));
}

TEST_F(Pages, AtBootTooLargePoolsShrinkFirst) {
  split.host.set_pages(0, kib_per_gib, 12);
  BootPlan plan;
  plan.reservations = {{0, kib_per_gib, 8, {101}, {{101, 8}}}, {1, kib_per_gib, 10, {102}, {{102, 10}}}};
  const auto steps = boot_page_steps(split.state().snapshot, plan);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(std::get<Reserve>(steps[0].action).to, 8u);
  EXPECT_EQ(std::get<Reserve>(steps[1].action).to, 10u);
}

TEST_F(Pages, NothingIsWrittenWhileAVmStarts) {
  StartingVm pve(split);
  EXPECT_FALSE(PageLock::held(split.root));
  pve.take();
  EXPECT_TRUE(PageLock::held(split.root));
  EXPECT_THROW(PageLock(split.root, 60ms), Error);
  BootPlan plan;
  plan.reservations = {{0, kib_per_gib, 8, {101}, {{101, 8}}}};
  split.host.set_file(names::boot_plan_file, to_text(plan));
  EXPECT_THROW(carry_out(split.context(), EarlyBoot{}), Error);
  EXPECT_EQ(split.pages(0), 0u);
}

TEST_F(Pages, WhoWaitsForAVmToStartSaysSoEverySecondAndAtTheEnd) {
  split.configure_two_vms();
  StartingVm pve(split);
  pve.take();
  std::vector<std::string> told;
  Context context = split.context();
  context.waiting = [&](std::chrono::seconds waited, bool over) {
    told.push_back(std::to_string(waited.count()) + (over ? " over" : ""));
    if (waited >= 1s) pve.fd.reset();
  };
  EXPECT_TRUE(carry_out(context, Apply{}).ok());
  EXPECT_EQ(told, (std::vector<std::string>{"0", "1", "1 over"}));
  told.clear();
  EXPECT_TRUE(carry_out(context, Undo{}).ok());
  EXPECT_TRUE(told.empty()) << "nobody starts a VM";
}

TEST_F(Pages, WhoWaitsCanStop) {
  split.configure_two_vms();
  StartingVm pve(split);
  pve.take();
  Context context = split.context();
  context.stop_asked = [] { return true; };
  try {
    carry_out(context, Apply{});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("cancelled while Proxmox VE"));
  }
  EXPECT_EQ(split.pages(0), 0u);
}

TEST_F(Pages, TheLockIsGivenBackAfterTheLastPool) {
  split.host.add_grub();
  split.configure_two_vms();
  std::vector<bool> held;
  split.effects.before = [&](const std::string& line) {
    if (line.find("nr_hugepages") != std::string::npos || line.find("update-grub") != std::string::npos)
      held.push_back(PageLock::held(split.root));
  };
  ASSERT_TRUE(split.apply_now().ok());
  ASSERT_GE(held.size(), 3u);
  EXPECT_FALSE(held.back()) << "update-grub must keep no VM from starting";
  held.pop_back();
  EXPECT_THAT(held, ::testing::Each(true));
}

TEST_F(Pages, TheServiceMendsAWipeOnceTheVmRuns) {
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  split.audit.records.clear();
  Reconciler reconciler(split.context(), {});
  Reconciler::Time now{1000s};
  reconciler.look(now);

  StartingVm pve(split);
  pve.take();
  split.host.use_pages(0, kib_per_gib, 8);
  split.host.set_pages(0, kib_per_gib, 0);  // in use: all of them become surplus
  split.host.set_pages(1, kib_per_gib, 0);
  reconciler.look(now += 1s);
  EXPECT_EQ(split.pages(1), 0u) << "while Proxmox VE is at it nobody else is";
  EXPECT_TRUE(split.audit.records.empty());
  ASSERT_TRUE(reconciler.next_look());
  pve.fd.reset();

  reconciler.look(now += 1s);
  EXPECT_EQ(split.pages(0), 8u);
  EXPECT_EQ(split.pages(1), 8u);
  const auto wipe = std::find_if(split.audit.records.begin(), split.audit.records.end(),
                                 [](const AuditRecord& record) { return record.event == "wipe"; });
  ASSERT_NE(wipe, split.audit.records.end());
  EXPECT_EQ(wipe->node, "0");
  EXPECT_EQ(wipe->vm, "101");
  EXPECT_THAT(wipe->message, HasSubstr("Proxmox VE"));
}

}  // namespace
}  // namespace hostsplit
