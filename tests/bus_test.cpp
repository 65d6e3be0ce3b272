// The bus object on a private bus: one dbus-daemon of the test's own, both ends in one loop.
#include "service/bus/bus.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-bus.h>

#include <cstdlib>
#include <functional>
#include <vector>

#include "core/base/names.hpp"
#include "host/system/unique_fd.hpp"
#include "service/bus/client.hpp"
#include "service/loop/system_bus.hpp"
#include "service/reconciler/host_health.hpp"
#include "service/work/shutdown_inhibitor.hpp"
#include "support/private_bus.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::PrivateBus;

/// What came back, as text.
struct Answer {
  bool came = false;
  std::string error, text;
};

int on_answer(sd_bus_message* message, void* data, sd_bus_error*) {
  auto& answer = *static_cast<Answer*>(data);
  answer.came = true;
  if (const auto* error = sd_bus_message_get_error(message); error != nullptr) {
    answer.error = error->name;
    answer.text = error->message;
  } else if (const char* text = nullptr; sd_bus_message_read(message, "s", &text) > 0) {
    answer.text = text;
  }
  return 0;
}

struct BusTest : ::testing::Test {
  void SetUp() override {
    if (daemon.address().empty()) GTEST_SKIP() << "dbus-daemon is not installed";
    setenv("DBUS_SYSTEM_BUS_ADDRESS", daemon.address().c_str(), 1);
    sd_event* event = nullptr;
    ASSERT_GE(sd_event_new(&event), 0);
    loop.reset(event);
    ASSERT_GE(sd_bus_open_system(&client), 0);
    ASSERT_GE(sd_bus_attach_event(client, loop.get(), 0), 0);
  }
  void TearDown() override {
    sd_bus_flush_close_unref(client);
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
  }
  BusHandlers handlers() {
    return {.describe = [] { return std::string("{\"version\": 1}"); },
            .plan =
                [](const BusHandlers::Send<std::string>& send) {
                  send([]() -> std::string {
                    throw Error("use", "hostsplit.toml:3", "no", "Fix it.", Error::Kind::bad_input);
                  });
                },
            .status =
                [] {
                  Status status;
                  PortStatus port;
                  port.label = "front-1";
                  port.device = "bad \xff bytes";
                  status.ports.push_back(port);
                  return status;
                },
            .preview =
                [this](const Request& request, bool colour, const BusHandlers::Send<Preview>& send) {
                  if (keep_back) return kept_back.push_back(send);
                  send([&] {
                    return Preview{verb_of(request) + std::string(colour ? " in colour" : ""), "{}", "t1", 3, false};
                  });
                },
            .start = [this](const WorkRequest& request, std::uint32_t uid) -> unsigned {
              if (request.token == "old") throw Error("apply", "the plan", "it changed");
              std::string what = verb_of(request.request);
              for (const auto& word : words_of(request.request)) what += " " + word;
              done.push_back(what + " " + request.token + " by " + std::to_string(uid));
              return 42;
            },
            .cancel = [this](unsigned job) { done.push_back("cancel " + std::to_string(job)); },
            .rename = [this](const std::string& from, const std::string& to) { done.push_back(from + " to " + to); },
            .forget = [](const std::string&) { throw std::runtime_error("odd"); },
            .learn = [this](const std::vector<std::string>& labels) { done.push_back("learn " + labels.at(1)); },
            .stop_learning = [] {},
            .reload = [this] { ++reloads; },
            .configured = [] { return true; },
            .applied = [this] { return applied; },
            .learning = [] { return false; },
            .drift_repairs = [] { return std::uint64_t{7}; },
            .looks = [] { return std::uint64_t{9}; },
            .disconnected = [this] { ++disconnects; }};
  }
  /// \return false if nothing happened for two seconds.
  bool run_until(const bool& came) {
    while (!came)
      if (sd_event_run(loop.get(), 2'000'000) <= 0) return false;
    return true;
  }
  template <class... Arguments>
  Answer call(const char* method, const char* types = nullptr, Arguments... arguments) {
    Answer answer;
    sd_bus_call_method_async(client, nullptr, names::bus_name, names::bus_path, names::bus_interface, method, on_answer,
                             &answer, types, arguments...);
    EXPECT_TRUE(run_until(answer.came)) << method;
    return answer;
  }
  /// Another user asks, while the loop runs. \return the name of the error, or ""
  std::string call_as(uid_t uid, const std::function<int(sd_bus*, sd_bus_error*)>& call) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return "no pipe";
    const pid_t pid = fork();
    if (pid == 0) {
      sd_bus* bus = nullptr;
      sd_bus_error error = SD_BUS_ERROR_NULL;
      const bool asked = setresuid(uid, uid, uid) == 0 && sd_bus_open_system(&bus) >= 0;
      const std::string name = !asked ? "cannot ask" : call(bus, &error) >= 0 ? "" : error.name ? error.name : "?";
      _exit(write(ends[1], name.data(), name.size()) < 0);
    }
    close(ends[1]);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    std::string name;
    for (;;) {
      sd_event_run(loop.get(), 50'000);
      char buffer[256];
      const auto got = read(ends[0], buffer, sizeof buffer);
      if (got > 0) name.append(buffer, static_cast<std::size_t>(got));
      if (got == 0) break;
    }
    close(ends[0]);
    waitpid(pid, nullptr, 0);
    return name;
  }

  PrivateBus daemon;
  EventLoop loop{nullptr, &sd_event_unref};
  sd_bus* client = nullptr;
  int reloads = 0, disconnects = 0;
  std::vector<std::string> done;
  bool keep_back = false;  ///< previews are still being computed
  std::vector<BusHandlers::Send<Preview>> kept_back;
  bool applied = false;
};

TEST_F(BusTest, AnswersWithJson) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  EXPECT_EQ(call("Describe").text, "{\"version\": 1}");
}

TEST_F(BusTest, EveryExceptionBecomesAnAnswer) {
  if (geteuid() != 0) GTEST_SKIP() << "changes are for root here";
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  auto answer = call("Plan");
  EXPECT_EQ(answer.error, "org.hostsplit.Error.BadInput");
  EXPECT_EQ(answer.text, "cannot use hostsplit.toml:3: no. Fix it.");
  answer = call("Apply", "s", "old");
  EXPECT_EQ(answer.error, "org.hostsplit.Error.Failed");
  EXPECT_EQ(answer.text, "cannot apply the plan: it changed");
  EXPECT_EQ(call("ForgetPort", "s", "x").text, "odd");
}

TEST_F(BusTest, RootMayDoEverythingAndPolkitIsNotAsked) {
  if (geteuid() != 0) GTEST_SKIP() << "changes are for root here";
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  EXPECT_EQ(call("Apply", "s", "t1").error, "");
  EXPECT_EQ(call("Undo", "s", "").error, "");
  EXPECT_EQ(call("Take", "ass", 1, "front-1", "t2").error, "");
  EXPECT_EQ(call("Release", "ass", 2, "a", "b", "t3").error, "");
  EXPECT_EQ(call("Cancel", "u", 42).error, "");
  EXPECT_EQ(call("RenamePort", "ss", "a", "b").error, "");
  EXPECT_EQ(call("Learn", "as", 2, "a", "b").error, "");
  EXPECT_EQ(call("StopLearning").error, "");
  EXPECT_EQ(call("Reload").error, "");
  EXPECT_EQ(reloads, 1);
  EXPECT_THAT(done, ElementsAre("apply t1 by 0", "undo  by 0", "take front-1 t2 by 0", "release a b t3 by 0",
                                "cancel 42", "a to b", "learn b"));
}

TEST_F(BusTest, LooksAreForEverybodyAndBytesThatAreNoTextDoNoHarm) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  EXPECT_EQ(call("Preview", "sasb", "undo", 0, 1).text, "undo in colour");
  for (const auto* method : {"ListControllers", "ListPorts", "ListPools", "ListFindings"})
    EXPECT_EQ(call(method).error, "") << method;
}

TEST_F(BusTest, ArgumentsOfTheWrongTypeAreRefused) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  EXPECT_EQ(call("Apply").error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(call("Apply", "u", 1).error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(call("Learn", "s", "a").error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(call("Describe", "s", "a").error, SD_BUS_ERROR_INVALID_ARGS);
  EXPECT_EQ(call("Dance").error, SD_BUS_ERROR_UNKNOWN_METHOD);
  EXPECT_TRUE(done.empty());
}

// --- budgets ---------------------------------------------------------------------------------------------------------

TEST_F(BusTest, MoreWordsOrBytesThanAnybodyNeedsAreNotEvenRead) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  const auto preview = [&](const char* verb, std::size_t words, std::size_t bytes) {
    sd_bus_message* raw = nullptr;
    sd_bus_message_new_method_call(client, &raw, names::bus_name, names::bus_path, names::bus_interface, "Preview");
    sd_bus_message_append(raw, "s", verb);
    sd_bus_message_open_container(raw, 'a', "s");
    const std::string word(bytes, 'x');
    for (std::size_t i = 0; i < words; ++i) sd_bus_message_append(raw, "s", word.c_str());
    sd_bus_message_close_container(raw);
    sd_bus_message_append(raw, "b", 0);
    Answer answer;
    sd_bus_call_async(client, nullptr, raw, on_answer, &answer, 0);
    sd_bus_message_unref(raw);
    EXPECT_TRUE(run_until(answer.came));
    return answer.error;
  };
  EXPECT_EQ(preview("release", 128, 1), "");
  EXPECT_EQ(preview("release", 129, 1), SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_EQ(preview("release", 1, 4096), "");
  EXPECT_EQ(preview("release", 1, 4097), SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_EQ(preview("setup", 1, 64 * 1024), "");
  EXPECT_EQ(preview("setup", 1, 64 * 1024 + 1), SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_EQ(preview(std::string(5000, 'x').c_str(), 0, 0), SD_BUS_ERROR_LIMITS_EXCEEDED);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(preview("release", 1'600'000, 4), SD_BUS_ERROR_LIMITS_EXCEEDED);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 5);
  EXPECT_EQ(call("Apply", "s", std::string(5000, 'x').c_str()).error, SD_BUS_ERROR_LIMITS_EXCEEDED);
}

TEST_F(BusTest, AUserHasTwoAnswersComputedAtATime) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  keep_back = true;
  Answer first, second;
  for (auto* answer : {&first, &second})
    sd_bus_call_method_async(client, nullptr, names::bus_name, names::bus_path, names::bus_interface, "Preview",
                             on_answer, answer, "sasb", "undo", 0, 1);
  EXPECT_EQ(call("Preview", "sasb", "undo", 0, 1).error, SD_BUS_ERROR_LIMITS_EXCEEDED);
  ASSERT_EQ(kept_back.size(), 2u);
  kept_back[0]([] { return Preview{"one", "{}", "", 0, false}; });
  kept_back[1]([]() -> Preview { throw Error("compute", "it", "no"); });
  kept_back.clear();
  ASSERT_TRUE(run_until(first.came));
  ASSERT_TRUE(run_until(second.came));
  EXPECT_EQ(first.text, "one");
  EXPECT_EQ(second.error, "org.hostsplit.Error.Failed");
  keep_back = false;
  EXPECT_EQ(call("Preview", "sasb", "undo", 0, 1).text, "undo in colour") << "there is room again";
}

// --- polkit, played by the test ------------------------------------------------------------------------------------

struct Polkit {
  bool allows = false, challenges = false;
  std::vector<std::string> asked;  ///< action, and whether the user may be asked
};

int on_check(sd_bus_message* call, void* data, sd_bus_error*) {
  auto& polkit = *static_cast<Polkit*>(data);
  const char *kind = nullptr, *action = nullptr;
  std::uint32_t flags = 0;
  sd_bus_message_enter_container(call, 'r', "sa{sv}");
  sd_bus_message_read(call, "s", &kind);
  sd_bus_message_skip(call, "a{sv}");
  sd_bus_message_exit_container(call);
  sd_bus_message_read(call, "s", &action);
  sd_bus_message_skip(call, "a{ss}");
  sd_bus_message_read(call, "u", &flags);
  polkit.asked.push_back(std::string(action) + (flags != 0 ? " interactive" : ""));
  return sd_bus_reply_method_return(call, "(bba{ss})", polkit.allows ? 1 : 0, polkit.challenges ? 1 : 0, 0);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
const sd_bus_vtable polkit_vtable[] = {
    SD_BUS_VTABLE_START(0),
    SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", on_check, SD_BUS_VTABLE_UNPRIVILEGED),
    SD_BUS_VTABLE_END};
#pragma GCC diagnostic pop

struct AuthorizationTest : BusTest {
  void SetUp() override {
    BusTest::SetUp();
    if (geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  }
  /// polkit is there from now on.
  void start_polkit() {
    sd_bus_add_object_vtable(client, nullptr, "/org/freedesktop/PolicyKit1/Authority",
                             "org.freedesktop.PolicyKit1.Authority", polkit_vtable, &polkit);
    sd_bus_request_name(client, "org.freedesktop.PolicyKit1", 0);
  }
  static int apply(sd_bus* bus, sd_bus_error* error, bool interactive = false) {
    sd_bus_message* call = nullptr;
    sd_bus_message_new_method_call(bus, &call, names::bus_name, names::bus_path, names::bus_interface, "Apply");
    sd_bus_message_append(call, "s", "t1");
    sd_bus_message_set_allow_interactive_authorization(call, interactive ? 1 : 0);
    return sd_bus_call(bus, call, 5'000'000, error, nullptr);
  }
  static constexpr uid_t nobody = 65534;
  Polkit polkit;
};

TEST_F(AuthorizationTest, WithoutPolkitOnlyRootMay) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  EXPECT_EQ(call_as(nobody, [](auto* b, auto* e) { return apply(b, e); }), SD_BUS_ERROR_ACCESS_DENIED);
  EXPECT_TRUE(done.empty());
}

TEST_F(AuthorizationTest, WhomPolkitAllowsMay) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  start_polkit();
  polkit.allows = true;
  EXPECT_EQ(call_as(nobody, [](auto* b, auto* e) { return apply(b, e); }), "");
  EXPECT_THAT(done, ElementsAre("apply t1 by 65534"));
  EXPECT_THAT(polkit.asked, ElementsAre("org.hostsplit.apply"));
}

TEST_F(AuthorizationTest, WhomPolkitRefusesMayNot) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  start_polkit();
  EXPECT_EQ(call_as(nobody, [](auto* b, auto* e) { return apply(b, e); }), SD_BUS_ERROR_ACCESS_DENIED);
  EXPECT_TRUE(done.empty());
}

TEST_F(AuthorizationTest, APasswordIsAskedForOnlyWhereTheCallerSaysSo) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  start_polkit();
  polkit.challenges = true;
  EXPECT_EQ(call_as(nobody, [](auto* b, auto* e) { return apply(b, e); }),
            "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
  (void)call_as(nobody, [](auto* b, auto* e) { return apply(b, e, true); });
  EXPECT_THAT(polkit.asked, ElementsAre("org.hostsplit.apply", "org.hostsplit.apply interactive"));
  EXPECT_TRUE(done.empty());
}

TEST_F(AuthorizationTest, ACallerThatLeavesAndOneThatAsksTooOftenDoNoHarm) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  const auto flood = [](sd_bus* b, sd_bus_error*) {
    for (int i = 0; i < 500; ++i)
      sd_bus_call_method_async(b, nullptr, names::bus_name, names::bus_path, names::bus_interface, "Apply", nullptr,
                               nullptr, "s", "t1");
    return sd_bus_flush(b);
  };
  EXPECT_EQ(call_as(nobody, flood), "");
  EXPECT_EQ(call("Describe").error, "");
  EXPECT_TRUE(done.empty());
}

TEST_F(BusTest, SignalsCarryPortControllerAndDevice) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  Answer heard;
  // The match is in force once the daemon says so; a signal before that would be lost.
  sd_bus_match_signal_async(client, nullptr, nullptr, names::bus_path, names::bus_interface, "PortChanged", on_answer,
                            on_answer, &heard);
  ASSERT_TRUE(run_until(heard.came));
  heard = {};
  bus.port_changed("front-1", "0000:03:00.3", "Stick");
  ASSERT_TRUE(run_until(heard.came));
  EXPECT_EQ(heard.text, "front-1");
}

TEST_F(BusTest, TellsWhenAPropertyChanges) {
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  Answer heard;
  sd_bus_match_signal_async(client, nullptr, nullptr, names::bus_path, "org.freedesktop.DBus.Properties",
                            "PropertiesChanged", on_answer, on_answer, &heard);
  ASSERT_TRUE(run_until(heard.came));
  heard = {};
  applied = true;
  bus.properties_changed();
  ASSERT_TRUE(run_until(heard.came));
  EXPECT_EQ(heard.text, names::bus_interface);
}

TEST_F(BusTest, ASecondOwnerOfTheNameIsRefusedAndSaysWhy) {
  Bus first(loop.get(), handlers());
  ASSERT_TRUE(first.settle(2s));
  Bus second(loop.get(), handlers());
  EXPECT_FALSE(second.settle(2s));
  EXPECT_THAT(second.lost(), HasSubstr("belongs to another process"));
  EXPECT_FALSE(second.connected());
  EXPECT_EQ(disconnects, 1);
  EXPECT_TRUE(first.connected());
}

/// A bus that accepts and says nothing: sd-bus by itself waits 90 s for it.
struct SilentBus : ::testing::Test {
  std::string path = "/tmp/hostsplit-silent-bus-" + std::to_string(getpid());
  UniqueFd listening{socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  EventLoop loop{nullptr, &sd_event_unref};
  void SetUp() override {
    unlink(path.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(listening.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(listen(listening.get(), 8), 0);
    setenv("DBUS_SYSTEM_BUS_ADDRESS", ("unix:path=" + path).c_str(), 1);
    sd_event* event = nullptr;
    ASSERT_GE(sd_event_new(&event), 0);
    loop.reset(event);
  }
  void TearDown() override {
    unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
    unlink(path.c_str());
  }
  static double seconds_of(const std::function<void()>& what) {
    const auto begin = std::chrono::steady_clock::now();
    what();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
};

TEST_F(SilentBus, KeepsTheLoopFromNothingAndIsGivenUp) {
  int lost = 0;
  BusHandlers handlers;
  handlers.configured = handlers.applied = handlers.learning = [] { return false; };
  handlers.drift_repairs = handlers.looks = [] { return std::uint64_t{0}; };
  handlers.disconnected = [&] { ++lost; };
  std::unique_ptr<Bus> bus;
  EXPECT_LT(seconds_of([&] {
              bus = std::make_unique<Bus>(loop.get(), handlers);
              EXPECT_FALSE(bus->settle(100ms));
              for (int i = 0; i < 100000; ++i) bus->drift_repaired("0000:03:00.3");
            }),
            1);
  EXPECT_TRUE(bus->connected()) << "it may still come";
  EXPECT_LT(seconds_of([&] {
              while (lost == 0 && sd_event_run(loop.get(), 10'000'000) > 0) {
              }
            }),
            8);
  EXPECT_EQ(bus->lost(), "the system bus does not answer");
  EXPECT_FALSE(bus->connected());
  EXPECT_LT(seconds_of([&] { bus.reset(); }), 1);
}

TEST_F(SilentBus, NobodyElseWaitsForItEither) {
  EXPECT_LT(seconds_of([] { EXPECT_EQ(open_system_bus(200ms), nullptr); }), 1);
  EXPECT_LT(seconds_of([] { EXPECT_FALSE(host_signs(healthy_after).multi_user); }), 1);
  EXPECT_LT(seconds_of([] { const ShutdownInhibitor inhibitor("a test"); }), 4);
  EXPECT_LT(seconds_of([] { EXPECT_EQ(ServiceClient::connect(), nullptr); }), 8);
}

TEST_F(BusTest, ABusThatGoesAwayIsNoticed) {
  auto other = std::make_unique<PrivateBus>();
  setenv("DBUS_SYSTEM_BUS_ADDRESS", other->address().c_str(), 1);
  Bus bus(loop.get(), handlers());
  ASSERT_TRUE(bus.settle(2s));
  EXPECT_TRUE(bus.connected());
  other.reset();
  for (int i = 0; i < 20 && disconnects == 0; ++i) sd_event_run(loop.get(), 100'000);
  EXPECT_EQ(disconnects, 1);
  EXPECT_FALSE(bus.connected());
}

TEST(BusWithoutDaemon, IsAnErrorThatCanBeSurvived) {
  setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
  EXPECT_THROW(Bus(nullptr, {}), Error);
  unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

}  // namespace
}  // namespace hostsplit
