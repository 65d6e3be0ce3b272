// The worker: what service and worker tell each other, what it does, and the service's end of the connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/planner/token.hpp"
#include "operations/report/preview.hpp"
#include "service/work/worker.hpp"
#include "service/work/worker_link.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using Kind = StepResult::Kind;
using ::testing::HasSubstr;
using testing::SplitHost;

// --- packets ---------------------------------------------------------------------------------------------------------

TEST(WorkPackets, ComeBackAsTheyWere) {
  const WorkRequest request{Transfer{Transfer::To::host, {"0000:03:00.3"}}, "t1"};
  EXPECT_EQ(std::get<WorkRequest>(parse_to_worker(to_packet(request))), request);
  const WorkRequest repair{Repair{{"bind a", "bind b"}}, {}};
  EXPECT_EQ(std::get<WorkRequest>(parse_to_worker(to_packet(repair))), repair);
  EXPECT_TRUE(std::holds_alternative<WorkCancel>(parse_to_worker(to_packet(WorkCancel{}))));

  const auto progress =
      std::get<WorkProgress>(parse_from_worker(to_packet(WorkProgress{2, 7, "id", "s", Kind::failed, "d"})));
  EXPECT_EQ(progress.number, 2u);
  EXPECT_EQ(progress.ended, Kind::failed);
  EXPECT_FALSE(std::get<WorkProgress>(parse_from_worker(to_packet(WorkProgress{}))).ended);

  WorkResult result;
  result.error = "e";
  result.outcome.results = {{"bind a", Kind::skipped, "cancelled"}};
  result.lost_audit = 3;
  const auto back = std::get<WorkResult>(parse_from_worker(to_packet(result)));
  EXPECT_EQ(back.error, "e");
  EXPECT_EQ(back.lost_audit, 3u);
  EXPECT_EQ(back.outcome.results.at(0).kind, Kind::skipped);
}

TEST(WorkPackets, GarbageIsAnErrorOfOurs) {
  for (const auto* packet : {"", "{", "[]", "7", "{\"verb\": 1}", "{\"verb\": \"apply\"}"}) {
    EXPECT_THROW(parse_to_worker(packet), Error) << packet;
    EXPECT_THROW(parse_from_worker(packet), Error) << packet;
  }
}

TEST(WorkPackets, BytesThatAreNoTextDoNoHarm) {
  EXPECT_NO_THROW(parse_from_worker(to_packet(WorkProgress{1, 1, "id", "bad \xff", {}, {}})));
}

TEST(PlanToken, IsTheSameForTheSameStepsOnly) {
  SplitHost split;
  split.configure_two_vms();
  auto planned = split.plan_now();
  const auto token = plan_token(planned);
  EXPECT_EQ(plan_token(split.plan_now()), token);
  EXPECT_NE(plan_token(Plan{}), token);
  for (auto& step : planned.steps)
    if (auto* file = std::get_if<WriteFile>(&step.action)) file->content += "#";
  EXPECT_NE(plan_token(planned), token) << "a file's content counts";
}

// --- work
// --------------------------------------------------------------------------------------------------------------

struct WorkTest : ::testing::Test {
  SplitHost split;
  std::vector<std::string> told;
  WorkResult work(const WorkRequest& request, StopAsked stop = {}) {
    const Context context{split.root, split.effects, split.audit, std::move(stop)};
    return do_work(
        context, request,
        [this](const WorkProgress& p) {
          told.push_back(std::to_string(p.number) + "/" + std::to_string(p.total) + " " +
                         (p.ended ? to_text(*p.ended) : "started"));
        },
        [] { return 0u; });
  }
};

TEST_F(WorkTest, AppliesWhatWasShown) {
  split.configure_two_vms();
  const auto shown = preview(split.state(), Apply{}, Paint{});
  ASSERT_GT(shown.steps, 3u);
  EXPECT_FALSE(shown.refused);
  const auto result = work({Apply{}, shown.token});
  EXPECT_TRUE(result.ok) << result.error;
  EXPECT_THAT(result.document, HasSubstr("\"ok\": true"));
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_EQ(told.front(), "1/" + std::to_string(shown.steps) + " started");
  EXPECT_EQ(told.back(), std::to_string(shown.steps) + "/" + std::to_string(shown.steps) + " done");
  EXPECT_TRUE(work({Apply{}, {}}).ok) << "nothing left to do";
}

TEST_F(WorkTest, WaitingIsAStepZero) {
  std::vector<WorkProgress> seen;
  const auto waiting = waiting_reported_by([&](const WorkProgress& progress) { seen.push_back(progress); });
  waiting(std::chrono::seconds(3), false);
  waiting(std::chrono::seconds(4), true);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].number, 0u);
  EXPECT_EQ(seen[0].detail, "3 s");
  EXPECT_FALSE(seen[0].ended);
  EXPECT_EQ(seen[1].ended, Kind::done);
  waiting_reported_by(nullptr)(std::chrono::seconds(1), false);
}

TEST_F(WorkTest, RefusesAnotherPlanThanTheShownOne) {
  split.configure_two_vms();
  const auto shown = preview(split.state(), Apply{}, Paint{});
  split.configure("[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  const auto result = work({Apply{}, shown.token});
  EXPECT_FALSE(result.ok);
  EXPECT_THAT(result.error, HasSubstr("the machine has changed since it was made"));
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST_F(WorkTest, ACancelLeavesTheStepsThatHaveNotBegun) {
  split.configure_two_vms();
  int asked = 0;
  const auto result = work({Apply{}, {}}, [&] { return ++asked > 2; });
  EXPECT_FALSE(result.ok);
  ASSERT_GT(result.outcome.results.size(), 3u);
  EXPECT_EQ(result.outcome.results[1].kind, Kind::done);
  EXPECT_EQ(result.outcome.results[2].kind, Kind::skipped);
  EXPECT_EQ(result.outcome.results[2].detail, "cancelled");
  EXPECT_EQ(result.outcome.results.back().detail, "cancelled");
}

TEST_F(WorkTest, RepairsOnlyWhatItIsTold) {
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  for (const auto* address : {"0000:03:00.3", "0000:44:00.1"}) {
    split.host.unbind(address);
    split.host.bind(address, "xhci_hcd");
  }
  EXPECT_TRUE(work({Repair{{"bind 0000:44:00.1"}}, {}}).ok);
  EXPECT_EQ(split.driver("0000:44:00.1"), "vfio-pci");
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
}

TEST_F(WorkTest, WhatCannotBeDoneIsToldNotThrown) {
  EXPECT_THROW(make_request("dance", {}), Error);
  split.configure("[vm.101]\nports = [\"nowhere\"]\n");
  EXPECT_NE(work({Apply{}, {}}).error, "") << "a plan with errors";
  split.host.set_file(names::config_file, "version = 1\n[vm.101\n");
  const auto damaged = work({Apply{}, {}});
  EXPECT_TRUE(damaged.bad_input);
  EXPECT_THAT(damaged.error, HasSubstr("hostsplit.toml:2"));
}

TEST(NothingDone, IsTheDocumentOfAnApplyThatHadNothingToDo) {
  SplitHost split;
  const Plan planned = split.plan_now();
  const auto shown = preview(split.state(), Apply{}, Paint{});
  EXPECT_EQ(nothing_done(shown), do_work(split.context(), {Apply{}, {}}, {}, [] { return 0u; }).document);
}

TEST_F(WorkTest, LendsAControllerAndTakesItBack) {
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  WorkRequest release{make_request("release", {"0000:03:00.3"}), {}};
  release.token = preview(split.state(), release.request, Paint{}).token;
  ASSERT_TRUE(work(release).ok);
  EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
  EXPECT_FALSE(work(release).ok) << "the plan that was shown is done";
  EXPECT_THROW(make_request("take", {}), Error) << "it does not say what";
  ASSERT_TRUE(work({make_request("take", {"0000:03:00.3"}), {}}).ok);
  EXPECT_EQ(split.driver("0000:03:00.3"), "vfio-pci");
  EXPECT_TRUE(work({make_request("release", {"no such port"}), {}}).bad_input);
}

// --- the service's end
// -------------------------------------------------------------------------------------------------

/// Plays the socket unit and one worker, in the same loop.
struct LinkTest : ::testing::Test {
  LinkTest() : path(::testing::TempDir() + "hostsplit-work-" + std::to_string(getpid())) {
    sd_event* event = nullptr;
    sd_event_new(&event);
    loop.reset(event);
    listen();
    link = std::make_unique<WorkerLink>(loop.get(), path);
  }
  ~LinkTest() override { unlink(path.c_str()); }

  void listen() {
    unlink(path.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    listening.reset(socket(AF_UNIX, SOCK_SEQPACKET, 0));
    ASSERT_EQ(bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listening.get(), 4), 0);
  }
  unsigned start(const std::string& verb) {
    return link->start({make_request(verb, {}), {}},
                       {[this](const WorkProgress& p) { said.push_back(p.sentence); },
                        [this, verb](const WorkResult& r) { said.push_back(verb + (r.ok ? " ok" : ": " + r.error)); }});
  }
  void turn(int times = 3) {
    for (int i = 0; i < times; ++i) sd_event_run(loop.get(), 20'000);
  }
  void accept() { worker.reset(::accept(listening.get(), nullptr, nullptr)); }
  /// \return the verb the worker was asked for
  std::string receive() {
    char buffer[4096];
    const auto size = recv(worker.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (size <= 0) return "";
    const auto message = parse_to_worker({buffer, static_cast<std::size_t>(size)});
    const auto* request = std::get_if<WorkRequest>(&message);
    return request ? verb_of(request->request) : "cancel";
  }
  void send(const std::string& packet) { ASSERT_GT(::send(worker.get(), packet.data(), packet.size(), 0), 0); }
  void finish() {
    WorkResult result;
    result.ok = true;
    send(to_packet(result));
    turn();
  }

  std::string path;
  EventLoop loop{nullptr, &sd_event_unref};
  UniqueFd listening, worker;
  std::vector<std::string> said;
  std::unique_ptr<WorkerLink> link;
};

using ::testing::ElementsAre;

TEST_F(LinkTest, OneAfterTheOtherOverOneConnection) {
  start("apply");
  start("repair");
  EXPECT_TRUE(said.empty()) << "nobody is called back from within start()";
  turn();
  accept();
  EXPECT_EQ(receive(), "apply");
  EXPECT_EQ(receive(), "") << "the second waits for the first";
  send(to_packet(WorkProgress{1, 1, "id", "a step", {}, {}}));
  finish();
  EXPECT_EQ(receive(), "repair");
  finish();
  EXPECT_THAT(said, ElementsAre("a step", "apply ok", "repair ok"));
}

TEST_F(LinkTest, APersonsRequestGoesBeforeRepairs) {
  start("repair");
  turn();
  accept();
  EXPECT_EQ(receive(), "repair");
  start("repair");
  start("apply");
  start("undo");
  EXPECT_EQ(receive(), "cancel") << "the repair that runs leaves what it has not begun";
  EXPECT_EQ(receive(), "");
  finish();
  EXPECT_EQ(receive(), "apply");
  finish();
  EXPECT_EQ(receive(), "undo");
  finish();
  EXPECT_EQ(receive(), "repair");
  finish();
  EXPECT_THAT(said, ElementsAre("repair ok", "apply ok", "undo ok", "repair ok"));
}

TEST_F(LinkTest, ACancelReachesTheWorkerOrEmptiesTheLine) {
  const auto first = start("apply"), second = start("undo");
  turn();
  accept();
  EXPECT_EQ(receive(), "apply");
  link->cancel(second);
  link->cancel(first);
  link->cancel(4711);
  EXPECT_EQ(receive(), "cancel");
  finish();
  EXPECT_THAT(said, ElementsAre("undo: cancelled before it began", "apply ok"));
}

TEST_F(LinkTest, AWorkerThatEndsInTheMiddleIsAFailureAndTheNextOneIsNew) {
  start("apply");
  start("repair");
  turn();
  accept();
  worker.reset();
  turn();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], HasSubstr("stopped while it was running"));
  accept();
  EXPECT_EQ(receive(), "repair");
  finish();
  EXPECT_EQ(said.back(), "repair ok");
}

TEST_F(LinkTest, AWorkerThatEndedWhileIdleIsReplaced) {
  start("apply");
  turn();
  accept();
  receive();
  finish();
  worker.reset();
  turn();
  start("undo");
  turn();
  accept();
  EXPECT_EQ(receive(), "undo");
}

TEST_F(LinkTest, GarbageFromTheWorkerIsAFailure) {
  start("apply");
  turn();
  accept();
  send("{\"number\": \"one\"}");
  turn();
  EXPECT_EQ(said.size(), 1u);
}

TEST_F(LinkTest, WhereNobodyListensTheErrorSaysWhatToDo) {
  listening.reset();
  unlink(path.c_str());
  start("repair");
  turn();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], HasSubstr("systemctl start hostsplit-work.socket"));
}

TEST_F(LinkTest, TooMuchInLineIsRefused) {
  for (int i = 0; i < 8; ++i) start("apply");
  EXPECT_THROW(start("apply"), Error);
}

}  // namespace
}  // namespace hostsplit
