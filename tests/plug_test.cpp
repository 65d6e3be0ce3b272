// Whether the stick in a socket is seen by the VM that has it and by nobody else. qm is tests/pve/proxmox, what guests
// say is in files; nobody waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/checks/plug_watch.hpp"
#include "core/usb/learn.hpp"
#include "host/inventory/inventory.hpp"
#include "host/store/store.hpp"
#include "operations/plug_proof.hpp"
#include "operations/report/verify_report.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SplitHost;
using Kind = Verdict::Kind;

constexpr auto stick = "SEES 1-1\t4\t46f4\t0001\tPROOF\tQEMU USB HARDDRIVE\n";
constexpr auto end = "SEES end\n";

TEST(SeenDevices, ALinuxGuestListsThemWithNothingButAShell) {
  const std::string directory = fs::path(::testing::TempDir()) / "hostsplit-usb-devices";
  const auto put = [&](const std::string& file, const std::string& text) {
    fs::create_directories(fs::path(directory + "/" + file).parent_path());
    std::ofstream(directory + "/" + file) << text << "\n";
  };
  fs::remove_all(directory);
  put("usb1/idVendor", "1d6b");
  put("1-0:1.0/bInterfaceClass", "09");
  for (const auto& [file, text] : std::map<std::string, std::string>{
           {"devnum", "4"}, {"idVendor", "46f4"}, {"idProduct", "0001"}, {"serial", "A B"}, {"product", "U盘 \\n x"}})
    put("1-2.1/" + file, text);
  put("1-1/devnum", "2");  // going away
  put("2-1/idVendor", "0781");
  auto command = listing_command(GuestSystem::sysfs);
  const std::string place = "/sys/bus/usb/devices";
  const auto at = command.back().find(place);
  ASSERT_NE(at, std::string::npos);
  std::string script = command.back();
  command.back() = script.replace(at, place.size(), directory);
  const auto listed = parse_listing(GuestSystem::sysfs, program_output(command, 10s).out);
  ASSERT_TRUE(listed);
  EXPECT_THAT(*listed,
              ElementsAre(SeenDevice{"1-2.1#4", "46f4:0001", "A B", "U盘 \\n x"}, SeenDevice{"2-1#", "0781:", "", ""}));
  EXPECT_EQ(in_words(listed->front()), "U盘 \\n x (46f4:0001, serial A B)");
  fs::remove_all(directory);
  EXPECT_EQ(program_output(command, 10s).out, "end\n") << "a kernel without USB";
}

TEST(SeenDevices, AWindowsGuestListsInstances) {
  const auto listed = parse_listing(GuestSystem::windows,
                                    "USB\\VID_0781&PID_5581\\4C530001\tUSB Mass Storage Device\r\n"
                                    "USB\\VID_0627&PID_0001\\5&2C6E&0&1\tUSB Input Device\r\nend\r\n");
  ASSERT_TRUE(listed);
  EXPECT_THAT(
      *listed,
      ElementsAre(SeenDevice{"USB\\VID_0781&PID_5581\\4C530001", "0781:5581", "4C530001", "USB Mass Storage Device"},
                  SeenDevice{"USB\\VID_0627&PID_0001\\5&2C6E&0&1", "0627:0001", "", "USB Input Device"}));
}

TEST(SeenDevices, TheCommandForWindowsHasNeitherLineEndsNorDoubleQuotes) {
  for (const auto& word : listing_command(GuestSystem::windows)) {
    EXPECT_EQ(word.find_first_of("\n\""), std::string::npos) << word;
    EXPECT_FALSE(word.empty());
  }
}

TEST(SeenDevices, AListThatBreaksOffIsNone) {
  for (const auto system : {GuestSystem::sysfs, GuestSystem::windows})
    for (const auto* text : {"", "1-1\t2\t46f4", "garbage\n", "1-1\t2\t46f4\t0001\t\t\nen"})
      EXPECT_FALSE(parse_listing(system, text)) << text;
  EXPECT_THAT(*parse_listing(GuestSystem::sysfs, "end"), IsEmpty());
}

/// The stand-in itself: what Proxmox VE prints and refuses, with its words (PVE::CLI::qm, PVE::QemuServer::Agent).
struct StandIn : ::testing::Test {
  testing::FakeHost host;
  ProgramOutput qm(const std::vector<std::string>& words) const {
    std::vector<std::string> command{std::string(TESTS_DIR) + "/pve/qm", "--root", host.directory()};
    command.insert(command.end(), words.begin(), words.end());
    return program_output(command, 20s);
  }
  void configured(const std::string& text) { host.set_file("etc/pve/qemu-server/101.conf", text); }
  void runs() { host.set_file("run/qemu-server/101.pid", "1\n"); }
  void says(const std::string& text) { host.set_file("run/qemu-server/101.guest", text); }
};

TEST_F(StandIn, RefusesWhereThereIsNoAgent) {
  const auto refused = [&](const std::string& what) {
    for (const auto& words :
         {std::vector<std::string>{"agent", "101", "ping"}, {"guest", "exec", "101", "--", "true"}}) {
      const auto answer = qm(words);
      EXPECT_EQ(answer.exit_code, 255);
      EXPECT_EQ(answer.out, "");
      EXPECT_EQ(answer.err, what + "\n");
    }
  };
  refused("Configuration file 'nodes/localhost/qemu-server/101.conf' does not exist");
  configured("name: a\n");
  refused("No QEMU guest agent configured");
  configured("agent: 0\n");
  refused("No QEMU guest agent configured");
  configured("agent: enabled=1,fstrim_cloned_disks=1\n");
  refused("VM 101 is not running");
  runs();
  refused("QEMU guest agent is not running");
  says("boots\n");
  refused("QEMU guest agent is not running");
}

TEST_F(StandIn, AnswersAPingWithNothingAndNamesTheSystem) {
  configured("agent: 1\n");
  runs();
  says("OS mswindows\nSEES end\n");
  EXPECT_EQ(qm({"agent", "101", "ping"}).out, "");
  EXPECT_EQ(qm({"agent", "101", "ping"}).exit_code, 0);
  EXPECT_EQ(qm({"agent", "101", "get-osinfo"}).out,
            "{\n   \"id\" : \"mswindows\",\n   \"name\" : \"Microsoft Windows\"\n}\n");
  EXPECT_EQ(qm({"guest", "cmd", "101", "get-osinfo"}).out, qm({"agent", "101", "get-osinfo"}).out);
}

TEST_F(StandIn, PrintsWhatACommandHasWritten) {
  configured("agent: 1\n");
  runs();
  says("OS debian\r\nSEES old\r\nSEES end\r\nSEES a\t\"b\"\r\nSEES end\r\nSEES half a li");
  const auto answer = qm({"guest", "exec", "101", "--timeout", "5", "--", "/bin/sh", "-c", "two\nlines"});
  EXPECT_EQ(answer.out,
            "{\n   \"exitcode\" : 0,\n   \"exited\" : 1,\n   \"out-data\" : "
            "\"a\\u0009\\\"b\\\"\\u000aend\\u000a\"\n}\n");
  EXPECT_THAT(qm({"guest", "exec", "101"}).err, HasSubstr("extra-args: No command given"));
  EXPECT_THAT(qm({"guest", "exec", "101", "--timeout", "soon", "--", "a"}).err, HasSubstr("timeout: type check"));
}

TEST_F(StandIn, ReturnsTheProcessOfACommandThatDoesNotEnd) {
  configured("agent: 1\n");
  runs();
  says("HANGS\n");
  const auto answer = qm({"guest", "exec", "101", "--timeout", "1", "--", "sleep", "60"});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_EQ(answer.out, "{\n   \"pid\" : 4242\n}\n");
  EXPECT_EQ(answer.err, "timeout reached, returning pid\n");
}

/// Compares with tests/golden/NAME; with HOSTSPLIT_REGENERATE=1 writes it.
void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = std::string(TESTS_DIR) + "/golden/" + name;
  if (const char* regenerate = std::getenv("HOSTSPLIT_REGENERATE"); regenerate && std::string(regenerate) == "1")
    std::ofstream(path) << text;
  std::ifstream file(path);
  EXPECT_EQ(text, std::string(std::istreambuf_iterator<char>(file), {})) << name;
}

const SeenDevice a_stick{"1-1#4", "46f4:0001", "PROOF", "stick"};
const SeenDevice a_mouse{"2-1#9", "046d:c077", "", "mouse"};
const GivenSocket front{"front-1", *parse_pci_address("0000:03:00.3"), 101, "fluent-a"};

Kind kind_of(const PlugWatch& watch, const std::string& subject) {
  for (const auto& verdict : watch.verdicts())
    if (verdict.subject == subject) return verdict.kind;
  ADD_FAILURE() << subject;
  return Kind::note;
}

PlugWatch watch_with(const PlugWatch::Devices& vm, const PlugWatch::Devices& host, const PlugWatch::Devices& other) {
  PlugWatch watch(front);
  for (const int who : {PlugWatch::host, 101, 102}) watch.see(who, PlugWatch::Devices{a_mouse});
  const auto with_mouse = [](PlugWatch::Devices devices) {
    devices.push_back(a_mouse);
    return devices;
  };
  watch.see(PlugWatch::host, with_mouse(host));
  watch.see(101, with_mouse(vm));
  watch.see(102, with_mouse(other));
  return watch;
}

TEST(PlugWatch, OnlyTheVmSeesIt) {
  auto watch = watch_with({a_stick}, {}, {});
  EXPECT_FALSE(watch.round_ended()) << "the others were asked before";
  EXPECT_TRUE(watch.round_ended());
  for (const auto& verdict : watch.verdicts()) EXPECT_EQ(verdict.kind, Kind::right) << verdict.subject;
  EXPECT_EQ(watch.verdicts().front().found, "stick (46f4:0001, serial PROOF)");
}

TEST(PlugWatch, WhoElseSeesItIsWrong) {
  EXPECT_EQ(kind_of(watch_with({}, {a_stick}, {}), "host"), Kind::wrong);
  EXPECT_EQ(kind_of(watch_with({}, {a_stick}, {}), "VM 101"), Kind::wrong);
  EXPECT_EQ(kind_of(watch_with({}, {}, {a_stick}), "VM 102"), Kind::wrong);
  EXPECT_EQ(kind_of(watch_with({}, {}, {a_stick}), "host"), Kind::right);
  const auto passed_on = watch_with({a_stick}, {a_stick}, {});
  EXPECT_EQ(kind_of(passed_on, "host"), Kind::wrong);
  EXPECT_THAT(passed_on.verdicts()[1].remedy, HasSubstr("qm config 101"));
  EXPECT_EQ(kind_of(watch_with({a_stick}, {{"3-1#2", "1234:5678", "", ""}}, {}), "host"), Kind::note)
      << "something else, plugged meanwhile";
}

TEST(PlugWatch, NobodySeesIt) {
  auto watch = watch_with({}, {}, {});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(watch.round_ended());
  EXPECT_EQ(kind_of(watch, "VM 101"), Kind::unknown);
  EXPECT_EQ(kind_of(watch, "host"), Kind::right);
}

TEST(PlugWatch, TheVmHasTimeToFindItsDriver) {
  auto watch = watch_with({}, {a_stick}, {});
  EXPECT_FALSE(watch.round_ended());
  EXPECT_FALSE(watch.round_ended());
  EXPECT_FALSE(watch.round_ended());
  EXPECT_TRUE(watch.round_ended());
}

TEST(PlugWatch, AStickThatWasThereCountsWhenItIsPluggedAgain) {
  PlugWatch watch(front);
  watch.see(101, PlugWatch::Devices{a_stick});
  EXPECT_THAT(watch.came(101), IsEmpty());
  watch.see(101, PlugWatch::Devices{});
  watch.see(101, PlugWatch::Devices{a_stick});
  EXPECT_THAT(watch.came(101), ElementsAre(a_stick));
  watch.see(101, PlugWatch::Devices{});
  EXPECT_THAT(watch.came(101), ElementsAre(a_stick)) << "it was seen";
}

TEST(PlugWatch, WhoDoesNotAnswerProvesNothing) {
  PlugWatch watch(front);
  watch.see(101, PlugWatch::Devices{});
  watch.see(102, {}, "got timeout");
  watch.see(101, {}, "got timeout");
  EXPECT_EQ(kind_of(watch, "VM 101"), Kind::unknown);
  EXPECT_EQ(kind_of(watch, "VM 102"), Kind::unknown);
  watch.see(102, PlugWatch::Devices{a_stick});
  EXPECT_EQ(kind_of(watch, "VM 102"), Kind::unknown) << "it may have had it before";
}

std::string joined(const std::vector<std::string>& arguments) {
  std::string text;
  for (const auto& argument : arguments) text += argument + '\0';
  return text;
}

struct Plug : ::testing::Test {
  SplitHost split;
  PlugScene::Time clock{};
  int rounds = 0;
  bool asked = false;
  std::function<void(int round)> meanwhile = [](int) {};

  Plug() {
    split.configure_two_vms();
    const Snapshot before = inventory(split.root);
    split.host.plug("0000:03:00.3", "1", {});
    const Snapshot after = inventory(split.root);
    save_port_map(split.root, split.effects,
                  learn_port(load_port_map(split.root), after, usb_changes(before, after).came.front(), "front-1"));
    split.host.unplug("0000:03:00.3", "1");
    EXPECT_TRUE(split.apply_now().ok());
    for (const int vm : {101, 102}) {
      split.host.set_file(config_of(vm), "agent: 1\nname: fluent\n");
      says(vm, end);
    }
    runs(101, 4101, "0000:03:00.3");
    runs(102, 4102, "0000:44:00.1");
  }
  static std::string config_of(int vm) { return "etc/pve/qemu-server/" + std::to_string(vm) + ".conf"; }
  void says(int vm, const std::string& text) {
    split.host.set_file("run/qemu-server/" + std::to_string(vm) + ".guest", text);
  }
  void runs(int vm, int pid, const std::string& function) {
    const std::string number = std::to_string(vm), process = "proc/" + std::to_string(pid);
    split.host.set_file("run/qemu-server/" + number + ".pid", std::to_string(pid) + "\n");
    split.host.set_file(process + "/cmdline",
                        joined({"/usr/bin/kvm", "-id", number, "-pidfile", "/var/run/qemu-server/" + number + ".pid",
                                "-device", "vfio-pci,host=" + function + ",id=hostpci0"}));
  }
  GivenSocket socket() const { return given_socket(split.root, "front-1"); }
  PlugProof prove() {
    PlugScene scene;
    scene.ask = [&](const std::vector<std::string>& command, std::chrono::milliseconds deadline) {
      std::vector<std::string> words{std::string(TESTS_DIR) + "/pve/" + command.front(), "--root",
                                     split.host.directory()};
      words.insert(words.end(), command.begin() + 1, command.end());
      return program_output(words, deadline);
    };
    scene.plug_now = [&](const GivenSocket&) { asked = true; };
    scene.waiting = [&](std::chrono::seconds) { meanwhile(++rounds); };
    scene.now = [&] { return clock; };
    scene.pause = [&](std::chrono::milliseconds time) { clock += time; };
    scene.timeout = 4s;
    return prove_plug(split.root, socket(), scene);
  }
  std::string why_not() {
    try {
      prove();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
};

TEST_F(Plug, TheVmSeesTheStickAndNobodyElse) {
  meanwhile = [&](int round) {
    if (round == 3) says(101, std::string(stick) + end);
  };
  const auto proof = prove();
  EXPECT_TRUE(asked);
  EXPECT_EQ(rounds, 4) << "once more for the others";
  EXPECT_TRUE(proof.proven());
  const std::string text = plug_text(proof, {});
  EXPECT_THAT(text, HasSubstr("front-1 of VM 101 (fluent), controller 0000:03:00.3\n"));
  EXPECT_THAT(text, HasSubstr("QEMU USB HARDDRIVE (46f4:0001, serial PROOF)"));
  EXPECT_THAT(text, HasSubstr("What is plugged into front-1 is seen by VM 101 and by nobody else.\n"));
  expect_golden("plug.json", plug_json(proof));
}

TEST_F(Plug, AStickThatTheHostGetsIsWrong) {
  meanwhile = [&](int round) {
    if (round == 2) split.host.plug("0000:22:00.3", "2", {.serial = "PROOF"});
  };
  const auto proof = prove();
  EXPECT_TRUE(proof.wrong());
  EXPECT_THAT(plug_text(proof, {}), HasSubstr("front-1 is not VM 101's alone."));
}

TEST_F(Plug, NothingIsProvenWhenNobodySeesIt) {
  const auto proof = prove();
  EXPECT_FALSE(proof.wrong());
  EXPECT_FALSE(proof.proven());
  EXPECT_EQ(rounds, 8);
  EXPECT_THAT(plug_text(proof, {}), HasSubstr("Nothing is proven"));
  EXPECT_THAT(plug_json(proof), HasSubstr("\"ok\": false"));
}

TEST_F(Plug, AVmThatFallsSilentIsUnknownAndEndsInTime) {
  meanwhile = [&](int) { says(101, "HANGS\n"); };
  const auto proof = prove();
  EXPECT_EQ(proof.verdicts.front().kind, Kind::unknown);
  EXPECT_THAT(proof.verdicts.front().found, HasSubstr("has not ended within 20 s"));
}

TEST_F(Plug, AnotherVmThatFallsSilentIsNotAskedAgain) {
  meanwhile = [&](int round) {
    says(102, round == 1 ? "HANGS\n" : std::string(stick) + end);
    if (round == 3) says(101, std::string(stick) + end);
  };
  const auto proof = prove();
  EXPECT_TRUE(proof.proven());
  EXPECT_EQ(proof.verdicts.back().kind, Kind::unknown);
  EXPECT_THAT(proof.verdicts.back().found, HasSubstr("has not ended"));
}

TEST_F(Plug, AnotherVmWithoutAgentIsNoObstacle) {
  split.host.set_file(config_of(102), "name: fluent\n");
  meanwhile = [&](int) { says(101, std::string(stick) + end); };
  const auto proof = prove();
  EXPECT_TRUE(proof.proven());
  EXPECT_THAT(plug_text(proof, {}), HasSubstr("is seen by VM 101 and not by the host."));
  EXPECT_THAT(plug_text(proof, {}), HasSubstr("not asked: No QEMU guest agent configured"));
}

TEST_F(Plug, AWindowsGuestIsAskedInItsOwnWay) {
  says(101, std::string("OS mswindows\n") + end);
  meanwhile = [&](int) { says(101, std::string("OS mswindows\nSEES USB\\VID_46F4&PID_0001\\PROOF\tDisk\n") + end); };
  const auto proof = prove();
  ASSERT_EQ(proof.sticks.size(), 1u);
  EXPECT_EQ(proof.sticks[0].ids, "46f4:0001");
  EXPECT_EQ(proof.sticks[0].serial, "PROOF");
}

TEST_F(Plug, AnAgentThatIsOffAndOneThatIsSilentHaveDifferentRemedies) {
  split.host.set_file(config_of(101), "name: fluent\n");
  EXPECT_THAT(why_not(), HasSubstr("its guest agent is off. Run qm set 101 --agent 1, install qemu-guest-agent"));
  split.host.set_file(config_of(101), "agent: 0,type=virtio\n");
  EXPECT_THAT(why_not(), HasSubstr("qm set 101 --agent 1"));
  split.host.set_file(config_of(101), "name: fluent\n\n[PENDING]\nagent: 1\n");
  EXPECT_THAT(why_not(), HasSubstr("is switched on at its next start"));
  split.host.set_file(config_of(101), "agent: enabled=1\n");
  says(101, "boots\n");
  const std::string silent = why_not();
  EXPECT_THAT(silent, HasSubstr("does not answer (QEMU guest agent is not running). If it is not there, install"));
  EXPECT_THAT(silent, ::testing::Not(HasSubstr("qm set")));
  says(101, "DENIES\n");
  EXPECT_THAT(why_not(), HasSubstr("(Agent error: Command guest-exec has been disabled)"));
  EXPECT_FALSE(asked) << "nobody is to plug anything for nothing";
}

TEST_F(Plug, WhereNoVmCanSeeItIsSaidBefore) {
  const auto refused = [&](const std::string& label) -> std::string {
    try {
      given_socket(split.root, label);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(refused("front-2"), HasSubstr("no socket has that name. Did you mean front-1? Known: front-1"));
  split.host.remove("run/qemu-server/101.pid");
  EXPECT_THAT(refused("front-1"), HasSubstr("VM 101 is not running. Start it: qm start 101"));
  runs(101, 4101, "0000:44:00.1");
  EXPECT_THAT(refused("front-1"), HasSubstr("VM 101 was started without 0000:03:00.3"));
  split.host.unbind("0000:03:00.3");
  EXPECT_THAT(refused("front-1"), HasSubstr("with no driver. Run: sudo hostsplit apply"));
  split.host.set_file(names::released_file, "0000:03:00.3\n");
  EXPECT_THAT(refused("front-1"), HasSubstr("sudo hostsplit take front-1"));
  split.configure("[vm.102]\ncontrollers = [\"0000:44:00.1\"]\n");
  split.host.remove("run/qemu-server/102.pid");
  split.host.remove("run/qemu-server/101.pid");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(refused("front-1"), HasSubstr("this socket is the host's"));
  split.host.remove(names::boot_plan_file);
  EXPECT_THAT(refused("front-1"), HasSubstr("nothing is applied"));
  split.host.remove(names::port_map_file);
  EXPECT_THAT(refused("front-1"), HasSubstr("no socket has a name yet"));
}

}  // namespace
}  // namespace hostsplit
