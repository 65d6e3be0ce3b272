// The bus object on a private bus: one dbus-daemon of the test's own, both ends in one loop.
#include "service/bus.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>

#include "core/names.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;

/// A message bus that ends with the object.
class PrivateBus {
 public:
  PrivateBus() {
    const auto config = ::testing::TempDir() + "hostsplit-bus-" + std::to_string(getpid()) + ".conf";
    std::ofstream(config) << R"(<busconfig><listen>unix:tmpdir=/tmp</listen><policy context="default">
        <allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>)";
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return;
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      close(ends[0]);
      execlp("dbus-daemon", "dbus-daemon", ("--config-file=" + config).c_str(), "--nofork", "--print-address", nullptr);
      _exit(127);
    }
    close(ends[1]);
    for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) address_ += c;
    close(ends[0]);
    unlink(config.c_str());
  }
  ~PrivateBus() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;
  const std::string& address() const { return address_; }

 private:
  pid_t pid_ = -1;
  std::string address_;
};

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
            .plan = []() -> std::string {
              throw Error("use", "hostsplit.toml:3", "no", "Fix it.", Error::Kind::bad_input);
            },
            .apply = []() -> std::string { throw Error("apply", "the plan", "it changed"); },
            .undo = []() -> std::string { throw std::runtime_error("odd"); },
            .reload = [this] { ++reloads; },
            .configured = [] { return true; },
            .applied = [this] { return applied; },
            .drift_repairs = [] { return std::uint64_t{7}; }};
  }
  /// \return false if nothing happened for two seconds.
  bool run_until(const bool& done) {
    while (!done)
      if (sd_event_run(loop.get(), 2'000'000) <= 0) return false;
    return true;
  }
  Answer call(const char* method) {
    Answer answer;
    sd_bus_call_method_async(client, nullptr, names::bus_name, names::bus_path, names::bus_interface, method, on_answer,
                             &answer, nullptr);
    EXPECT_TRUE(run_until(answer.came)) << method;
    return answer;
  }

  PrivateBus daemon;
  EventLoop loop{nullptr, &sd_event_unref};
  sd_bus* client = nullptr;
  int reloads = 0;
  bool applied = false;
};

TEST_F(BusTest, AnswersWithJson) {
  const Bus bus(loop.get(), handlers());
  EXPECT_EQ(call("Describe").text, "{\"version\": 1}");
}

TEST_F(BusTest, EveryExceptionBecomesAnAnswer) {
  if (geteuid() != 0) GTEST_SKIP() << "Apply is for root";
  const Bus bus(loop.get(), handlers());
  auto answer = call("Plan");
  EXPECT_EQ(answer.error, "org.hostsplit.Error.BadInput");
  EXPECT_EQ(answer.text, "cannot use hostsplit.toml:3: no. Fix it.");
  answer = call("Apply");
  EXPECT_EQ(answer.error, "org.hostsplit.Error.Failed");
  EXPECT_EQ(call("Undo").text, "odd");
  EXPECT_EQ(call("Reload").error, "");
  EXPECT_EQ(reloads, 1);
}

TEST_F(BusTest, SignalsCarryPortControllerAndDevice) {
  Bus bus(loop.get(), handlers());
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

TEST_F(BusTest, ASecondOwnerOfTheNameIsAnError) {
  const Bus first(loop.get(), handlers());
  EXPECT_THROW(Bus(loop.get(), handlers()), Error);
}

TEST(BusWithoutDaemon, IsAnErrorThatCanBeSurvived) {
  setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
  EXPECT_THROW(Bus(nullptr, {}), Error);
  unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
}

}  // namespace
}  // namespace hostsplit
