// The real program on a recorded machine: words, exit codes, and that nothing is touched.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/utf8.hpp"
#include "support/machine_file.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct Answer {
  int code = -1;
  std::string out, err;
};

std::string content(const fs::path& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class CliTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    std::string pattern = ::testing::TempDir() + "hostsplit-cli-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
    ASSERT_EQ(
        run(std::string(MACHINE_BINARY) + " " + testing::machine_path("trx40-article.toml") + " " + machine()).code, 0);
  }
  static void TearDownTestSuite() { fs::remove_all(directory_); }

  static std::string machine() { return directory_ + "/machine"; }
  /// A shell command, with stdin, stdout and stderr off the terminal.
  static Answer run(const std::string& command) {
    const std::string err = directory_ + "/stderr";
    FILE* pipe = ::popen(("{ " + command + "; } </dev/null 2>" + err).c_str(), "r");
    Answer answer;
    std::array<char, 4096> buffer;
    for (std::size_t count; (count = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      answer.out.append(buffer.data(), count);
    const int status = ::pclose(pipe);
    answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
    answer.err = content(err);
    return answer;
  }
  static Answer hostsplit(const std::string& words) { return run(std::string(HOSTSPLIT_BINARY) + " " + words); }
  static Answer on_machine(const std::string& words) { return hostsplit("--root " + machine() + " " + words); }

  /// Every file and link of the machine with its content.
  static std::map<std::string, std::string> everything() {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(machine()))
      files[entry.path().string()] = entry.is_symlink()        ? fs::read_symlink(entry.path()).string()
                                     : entry.is_regular_file() ? content(entry.path())
                                                               : "(directory)";
    return files;
  }

  static std::string directory_;
};
std::string CliTest::directory_;

/// The records that open steps say the same as those that close them.
TEST_F(CliTest, TheLogHasEachStepOnce) {
  const std::string tools = directory_ + "/tools";
  fs::create_directories(tools);
  std::ofstream(tools + "/journalctl") << "#!/bin/sh\necho \"$@\"\n";
  fs::permissions(tools + "/journalctl", fs::perms::owner_all);
  const std::string log = "PATH=" + tools + ":$PATH " + HOSTSPLIT_BINARY + " log";
  EXPECT_EQ(run(log + " -n 5").out, "-t hostsplit --priority=info -n 5\n");
  EXPECT_EQ(run(log + " -p debug").out, "-t hostsplit -p debug\n") << "who asks for them gets them";
}

TEST_F(CliTest, StatusShowsTheMachine) {
  const Answer answer = on_machine("status");
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("0000:03:00.3"));
  EXPECT_THAT(answer.out, HasSubstr("wanted: vfio-pci"));
  EXPECT_EQ(answer.err, "");
}

TEST_F(CliTest, EveryLookingVerbPrintsJson) {
  for (const char* verb : {"status", "plan", "ports"}) {
    const Answer answer = on_machine(std::string(verb) + " --json");
    EXPECT_EQ(answer.code, 0) << verb;
    ASSERT_TRUE(Json::accept(answer.out)) << verb << "\n" << answer.out;
    EXPECT_EQ(Json::parse(answer.out)["version"], 1) << verb;
  }
}

TEST_F(CliTest, PlanCheckTellsThatThereIsSomethingToDo) {
  EXPECT_EQ(on_machine("plan").code, 0);
  EXPECT_EQ(on_machine("plan --check").code, 4);
  EXPECT_EQ(on_machine("plan --check --json").code, 4);
}

TEST_F(CliTest, PortsListsLabels) {
  const Answer answer = on_machine("ports");
  EXPECT_EQ(answer.code, 0);
  EXPECT_THAT(answer.out, StartsWith("PORT"));
  EXPECT_THAT(answer.out, HasSubstr("desk-1"));
  EXPECT_THAT(answer.out, HasSubstr("Logitech USB Keyboard"));
}

TEST_F(CliTest, EveryVerbHasHelp) {
  const Answer all = hostsplit("--help");
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.out, HasSubstr("Exit codes"));
  for (const char* verb :
       {"status", "learn", "setup", "ports", "ports rename", "ports forget", "plan", "apply", "undo", "log", "boot",
        "daemon", "doctor", "verify", "hookscript", "snapshot", "ports export", "ports import"}) {
    const Answer answer = hostsplit(std::string(verb) + " --help");
    EXPECT_EQ(answer.code, 0) << verb << answer.err;
    EXPECT_THAT(answer.out, HasSubstr("--help")) << verb;
    const std::string word = verb;
    const bool internal = word == "boot" || word == "daemon" || word == "hookscript";
    if (word.find(' ') == std::string::npos) {
      EXPECT_EQ(all.out.find("\n  " + word + " ") == std::string::npos, internal) << verb;
    }
  }
  EXPECT_EQ(hostsplit("").code, 0);
  EXPECT_THAT(hostsplit("--version").out, StartsWith("hostsplit "));
  EXPECT_EQ(hostsplit("version").out, hostsplit("--version").out);
  EXPECT_EQ(hostsplit("help").out, hostsplit("--help").out);
  EXPECT_EQ(hostsplit("help plan").out, hostsplit("plan --help").out);
  EXPECT_EQ(hostsplit("help ports rename").out, hostsplit("ports rename --help").out);
}

TEST_F(CliTest, WrongWordsAreAnsweredWithTheOnesMeant) {
  const std::pair<const char*, const char*> cases[] = {{"statsu", "Did you mean: hostsplit status?"},
                                                       {"udno", "Did you mean: hostsplit undo?"},
                                                       {"--root /nowhere statsu", "Did you mean: hostsplit status?"},
                                                       {"status --jsn", "Did you mean: hostsplit status --json?"},
                                                       {"apply --dryrun", "Did you mean: hostsplit apply --dry-run?"},
                                                       {"--rot=/x status", "Did you mean: hostsplit --root?"},
                                                       {"ports renmae a b", "Did you mean: hostsplit ports rename?"}};
  for (const auto& [words, hint] : cases) {
    const Answer answer = hostsplit(words);
    EXPECT_EQ(answer.code, 2) << words;
    EXPECT_EQ(answer.out, "") << words;
    EXPECT_THAT(answer.err, HasSubstr(hint)) << words;
  }
  const Answer nothing_near = hostsplit("frobnicate");
  EXPECT_EQ(nothing_near.code, 2);
  EXPECT_THAT(nothing_near.err, Not(HasSubstr("Did you mean")));
  EXPECT_THAT(nothing_near.err, HasSubstr("hostsplit --help"));
}

TEST_F(CliTest, BadValuesAreWrongUsage) {
  for (const char* words : {"learn --timeout -1",
                            "learn --timeout soon",
                            "ports rename one",
                            "ports forget",
                            "plan --check=maybe",
                            "--root",
                            "status extra",
                            "setup --vm",
                            "setup --vm one",
                            "setup --vm 101 --vm 101",
                            "setup --vm 101=a:b",
                            "hookscript 101",
                            "hookscript one pre-start",
                            "verify one",
                            "verify 7",
                            "learn --web --labels a",
                            "learn --web=0.0.0.0",
                            "learn --web=[::]:80",
                            "learn --web=host.example",
                            "learn --web=127.0.0.1:0"})
    EXPECT_EQ(hostsplit(words).code, 2) << words;
}

TEST_F(CliTest, DoctorFindsWhatARecordingLacks) {
  const Answer answer = on_machine("doctor --json");
  ASSERT_TRUE(Json::accept(answer.out)) << answer.out;
  const Json document = Json::parse(answer.out);
  EXPECT_EQ(document["version"], 1);
  EXPECT_EQ(document["checks"].size(), 22u);
  EXPECT_EQ(document["pages"]["source"], "run-time");
}

TEST_F(CliTest, VerifyOfAVmNobodyKnows) {
  const Answer answer = on_machine("verify 999");
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr("VM 999"));
  const Answer waiting = on_machine("verify 101 --json");
  EXPECT_EQ(waiting.code, 3) << "its pages are not there";
  ASSERT_TRUE(Json::accept(waiting.out)) << waiting.out;
  EXPECT_EQ(Json::parse(waiting.out)["pools"][0]["wanted"], "56 free for VM 101");
}

TEST_F(CliTest, ARecordedMachineCannotBeActedUpon) {
  const auto before = everything();
  for (const char* verb :
       {"apply --yes", "apply", "learn --labels a", "learn --web=127.0.0.1", "ports rename front-1 left",
        "ports forget front-1", "apply --yes --json", "hookscript 101 pre-start"}) {
    const Answer answer = on_machine(verb);
    EXPECT_EQ(answer.code, 2) << verb << "\n" << answer.out << answer.err;
    EXPECT_THAT(answer.err, StartsWith("hostsplit: cannot ")) << verb;
  }
  EXPECT_EQ(everything(), before);
}

TEST_F(CliTest, WithoutItsOtherHalfItLooksAndSaysWhatIsMissing) {
  fs::create_directories(directory_ + "/alone/sbin");
  const std::string alone = directory_ + "/alone/sbin/hostsplit";
  fs::copy_file(HOSTSPLIT_BINARY, alone, fs::copy_options::overwrite_existing);
  EXPECT_EQ(run(alone + " --root " + machine() + " status").code, 0);
  const Answer answer = run(alone + " --root " + machine() + " apply --dry-run");
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.err, HasSubstr("alone/libexec/hostsplit/hostsplit"));
  EXPECT_THAT(answer.err, HasSubstr("install the package again"));
}

TEST_F(CliTest, DryRunListsEveryWriteAndMakesNone) {
  const auto before = everything();
  const Answer answer = on_machine("apply --dry-run");
  EXPECT_EQ(answer.code, 0) << answer.err;
  EXPECT_THAT(answer.out, HasSubstr("0000:03:00.3/driver_override"));
  EXPECT_THAT(answer.out, HasSubstr("modprobe vfio-pci"));
  EXPECT_THAT(answer.out, HasSubstr("etc/hostsplit/boot/plan"));
  EXPECT_THAT(answer.out, HasSubstr("node0/hugepages/hugepages-1048576kB/nr_hugepages"));
  const Answer json = on_machine("apply --dry-run --json");
  ASSERT_TRUE(Json::accept(json.out)) << json.out;
  EXPECT_GT(Json::parse(json.out)["writes"].size(), 5u);
  EXPECT_EQ(everything(), before);
}

/// The machine with another configuration, for as long as the object lives.
struct OtherConfig {
  fs::path path;
  std::string good;
  OtherConfig(const std::string& machine, const std::string& text)
      : path(machine + "/etc/hostsplit/hostsplit.toml"),
        good(content(path)) {
    std::ofstream(path) << text;
  }
  ~OtherConfig() { std::ofstream(path) << good; }
};

TEST_F(CliTest, SetupShowsAProposalAndTouchesNothing) {
  const auto before = everything();
  const Answer shown = on_machine("setup");
  EXPECT_EQ(shown.code, 0) << shown.out << shown.err;
  EXPECT_THAT(shown.out, HasSubstr("VM 101 (fluent-a)"));
  EXPECT_THAT(shown.out, HasSubstr("hostpci0: host=0000:03:00.3,pcie=1"));
  EXPECT_THAT(shown.out, HasSubstr("hostsplit undo takes all of it back"));
  const Answer dry = on_machine("setup --dry-run --vm 101=front-1:40GiB --vm 102");
  EXPECT_EQ(dry.code, 0) << dry.out << dry.err;
  EXPECT_THAT(dry.out, HasSubstr("qm set 101 --digest"));
  const Answer json = on_machine("setup --json");
  ASSERT_TRUE(Json::accept(json.out)) << json.out;
  EXPECT_EQ(Json::parse(json.out)["possible"], true);
  EXPECT_EQ(Json::parse(json.out)["vms"].size(), 2u);
  EXPECT_EQ(everything(), before);
}

TEST_F(CliTest, SetupSaysWhyThereIsNoSuchSplit) {
  const Answer answer = on_machine("setup --vm 101=rear-1 --vm 102=rear-3");
  EXPECT_EQ(answer.code, 3);
  EXPECT_THAT(answer.out, HasSubstr("rear-3 cannot go to VM 102: it shares group 24 with rear-1 of VM 101"));
  EXPECT_EQ(on_machine("setup --vm 101:900GiB").code, 3);
  EXPECT_EQ(Json::parse(on_machine("setup --json --vm 101=rear-1 --vm 102=rear-3").out)["possible"], false);
}

TEST_F(CliTest, ADamagedConfigurationIsToldWithFileAndLine) {
  const OtherConfig damaged(machine(), "version = 1\n\n[vm.101]\nmemroy = \"56GiB\"\n");
  const std::string where = machine() + "/etc/hostsplit/hostsplit.toml:4: vm.101.memroy";
  for (const char* verb : {"plan", "apply --yes"}) {
    const Answer answer = on_machine(verb);
    EXPECT_EQ(answer.code, 2) << verb;
    EXPECT_THAT(answer.err, HasSubstr(where + ": unknown key. Did you mean memory?")) << verb;
    EXPECT_EQ(answer.out, "") << verb;
  }
  EXPECT_NE(on_machine("undo --dry-run").code, 2) << "the way back does not depend on it";
}

TEST_F(CliTest, ADamagedConfigurationDoesNotHideTheMachine) {
  const OtherConfig damaged(machine(), "version = 1\n\n[vm.101]\nmemroy = \"56GiB\"\n");
  const std::string where = machine() + "/etc/hostsplit/hostsplit.toml:4: vm.101.memroy";
  const Answer text = on_machine("status");
  EXPECT_EQ(text.code, 2);
  EXPECT_THAT(text.out, StartsWith("A file of hostsplit cannot be read"));
  EXPECT_THAT(text.out, HasSubstr("0000:03:00.3"));
  EXPECT_THAT(text.out, HasSubstr("error: " + where + ": unknown key  [config-damaged]\n  fix: Did you mean memory?"));
  EXPECT_EQ(Json::parse(on_machine("status --json").out)["controllers"].size(), 4u);
  EXPECT_THAT(on_machine("ports").out, HasSubstr("desk-1"));
  EXPECT_EQ(on_machine("ports").code, 0) << "names do not depend on it";
  const Answer verified = on_machine("verify --json");
  EXPECT_EQ(verified.code, 2);
  EXPECT_EQ(Json::parse(verified.out)["findings"][0]["code"], "config-damaged");
  EXPECT_THAT(on_machine("doctor").out, HasSubstr(where));
}

TEST_F(CliTest, ADamagedPortMapDoesNotHideTheSockets) {
  const fs::path path = machine() + "/var/lib/hostsplit/ports.toml";
  const std::string good = content(path);
  std::ofstream(path) << "version = ";
  const Answer ports = on_machine("ports"), json = on_machine("ports --json"), status = on_machine("status");
  std::ofstream(path) << good;
  for (const auto& answer : {ports, json, status}) EXPECT_EQ(answer.code, 2) << answer.out;
  EXPECT_THAT(ports.out, HasSubstr("(unnamed)  0000:03:00.3"));
  EXPECT_THAT(ports.out, HasSubstr("[ports-damaged]"));
  EXPECT_EQ(Json::parse(json.out)["findings"][0]["code"], "ports-damaged");
  EXPECT_THAT(status.out, HasSubstr("0000:03:00.3"));
}

TEST_F(CliTest, AConfigurationThatDoesNotFitDoesNotHideTheMachine) {
  const OtherConfig misfit(machine(), "version = 1\n[vm.101]\nnode = 7\nmemory = \"1GiB\"\n");
  for (const char* verb : {"status", "doctor"}) {
    const Answer answer = on_machine(verb);
    EXPECT_EQ(answer.code, 3) << verb;
    EXPECT_THAT(answer.out, HasSubstr("[config-does-not-fit]")) << verb;
  }
  EXPECT_THAT(on_machine("status").out, HasSubstr("0000:03:00.3"));
  EXPECT_EQ(on_machine("ports").code, 0);
}

Json error_of(const Answer& answer) {
  if (!Json::accept(answer.out)) {
    ADD_FAILURE() << answer.out;
    return Json::object();
  }
  const Json document = Json::parse(answer.out);
  EXPECT_EQ(document["version"], 1);
  return document["error"];
}

TEST_F(CliTest, ErrorsAreJsonWhereJsonIsAskedFor) {
  {
    const OtherConfig damaged(machine(), "version = 1\n\n[vm.101]\nmemroy = \"56GiB\"\n");
    const Answer answer = on_machine("plan --json");
    const Json error = error_of(answer);
    EXPECT_EQ(answer.code, 2);
    EXPECT_EQ(error["kind"], "bad-input");
    EXPECT_EQ(error["file"], machine() + "/etc/hostsplit/hostsplit.toml");
    EXPECT_EQ(error["line"], 4);
    EXPECT_EQ(error["key"], "vm.101.memroy");
    EXPECT_EQ(error["reason"], "unknown key");
    EXPECT_EQ(error["remedy"], "Did you mean memory?");
    EXPECT_THAT(answer.err, HasSubstr("hostsplit.toml:4")) << "people read it on standard error";
  }
  EXPECT_EQ(error_of(on_machine("verify 999 --json"))["object"], "VM 999");
  EXPECT_EQ(error_of(on_machine("apply --yes --json"))["kind"], "bad-input") << "the acting executable, too";
  const Answer usage = hostsplit("status --json --wach");
  EXPECT_EQ(usage.code, 2);
  EXPECT_EQ(error_of(usage)["kind"], "usage");
  EXPECT_EQ(error_of(usage)["remedy"], "Did you mean: hostsplit status --watch?");
  const Answer nowhere = hostsplit("--root /no/such/machine status --json");
  EXPECT_EQ(error_of(nowhere)["file"], nullptr);
  EXPECT_NE(nowhere.code, 0);
}

TEST_F(CliTest, OutputThatIsNotTakenIsAFailure) {
  for (const char* verb : {"status", "status --json", "plan", "--help", "ports", "apply --dry-run", "status --watch"}) {
    const Answer answer = on_machine(std::string(verb) + " >/dev/full");
    EXPECT_EQ(answer.code, 1) << verb;
    EXPECT_THAT(answer.err, HasSubstr("hostsplit: cannot write standard output: ")) << verb;
  }
}

std::size_t widest_line(const std::string& text) {
  std::istringstream in(text);
  std::size_t columns = 0;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    columns = std::max(columns, display_width(line));
  }
  return columns;
}

/// A configuration and labels as somebody in China writes them; the labels are twice as wide as they are long.
TEST_F(CliTest, EveryLookingVerbKeepsToTheColumnsThereAre) {
  const fs::path path = machine() + "/var/lib/hostsplit/ports.toml";
  const std::string good = content(path);
  std::string named = good;
  for (auto at = named.find("front-1"); at != std::string::npos; at = named.find("front-1"))
    named.replace(at, 7, "前面板1号口");
  std::ofstream(path) << named;
  {
    const OtherConfig config(
        machine(),
        "version = 1\n[vm.101]\nname = \"流体计算甲\"\nnode = 0\nmemory = \"40GiB\"\n"
        "ports = [\"前面板1号口\"]\n[vm.102]\nnode = 1\nmemory = \"56GiB\"\nports = [\"rear-1\"]\n");
    for (const char* verb : {"status", "ports", "doctor", "doctor -v", "plan", "plan --verbose", "verify"})
      for (const std::size_t columns : {80, 100, 132}) {
        const Answer answer =
            run("COLUMNS=" + std::to_string(columns) + " " + HOSTSPLIT_BINARY + " --root " + machine() + " " + verb);
        EXPECT_LE(widest_line(answer.out), columns) << verb << "\n" << answer.out;
        EXPECT_EQ(answer.err, "") << verb;
      }
    const Answer piped = on_machine("status");
    EXPECT_GT(widest_line(piped.out), 80u) << "each sentence on one line for programs that search it";
    EXPECT_THAT(piped.out, HasSubstr("VM 101 流体计算甲: 前面板1号口"));
  }
  std::ofstream(path) << good;
}

TEST_F(CliTest, AnErrorQuotesAFileWithoutItsControlCharacters) {
  const OtherConfig damaged(machine(), "version = 1\n[vm.101]\n\"a\\u001b[2J\" = 1\n");
  for (const char* verb : {"status", "plan", "plan --json"}) {
    const Answer answer = on_machine(verb);
    EXPECT_EQ(answer.code, 2);
    EXPECT_THAT(answer.err + answer.out, Not(HasSubstr("\x1b"))) << verb;
  }
}

TEST_F(CliTest, FindingsOfSeverityErrorExitThree) {
  const OtherConfig impossible(machine(), "version = 1\n[vm.101]\nports = [\"no-such-port\"]\n");
  for (const char* verb : {"status", "plan", "plan --check", "apply --yes"})
    EXPECT_EQ(on_machine(verb).code, 3) << verb;
  EXPECT_THAT(on_machine("plan").out, HasSubstr("[port-unknown]"));
}

TEST_F(CliTest, NoColourWherePiped) {
  EXPECT_THAT(on_machine("status").out, Not(HasSubstr("\033")));
  EXPECT_THAT(on_machine("plan").out, Not(HasSubstr("\033")));
}

/// script(1) gives the program a terminal.
TEST_F(CliTest, ColourOnATerminalUnlessRefused) {
  if (run("command -v script").code != 0) GTEST_SKIP() << "script(1) is not installed";
  const std::string command = std::string(HOSTSPLIT_BINARY) + " --root " + machine() + " status";
  const auto on_terminal = [&](const std::string& variables) {
    return run("env -u NO_COLOR " + variables + " script -qec '" + command + "' /dev/null").out;
  };
  EXPECT_THAT(on_terminal("TERM=xterm"), HasSubstr("\033["));
  EXPECT_THAT(on_terminal("TERM=xterm NO_COLOR=1"), Not(HasSubstr("\033[")));
  EXPECT_THAT(on_terminal("TERM=dumb"), Not(HasSubstr("\033[")));
  EXPECT_THAT(on_terminal("-u TERM"), Not(HasSubstr("\033[")));
}

TEST_F(CliTest, WatchRepeatsWithoutATerminalAndEndsOnCtrlC) {
  const Answer answer =
      run("timeout --signal=INT 5 " + std::string(HOSTSPLIT_BINARY) + " --root " + machine() + " status --watch");
  EXPECT_THAT(answer.out, Not(HasSubstr("\033")));
  std::size_t count = 0;
  for (auto at = answer.out.find("VM 101 fluent-a"); at != std::string::npos;
       at = answer.out.find("VM 101 fluent-a", at + 1))
    ++count;
  EXPECT_GE(count, 2u) << answer.out;
  EXPECT_LE(count, 4u) << "every two seconds";
}

TEST_F(CliTest, WatchDrawsInPlaceOnATerminalAndPutsItBack) {
  if (run("command -v script").code != 0) GTEST_SKIP() << "script(1) is not installed";
  const std::string command =
      "timeout --foreground --signal=INT 3 " + std::string(HOSTSPLIT_BINARY) + " --root " + machine() + " status -w";
  const std::string out = run("TERM=xterm script -qec '" + command + "' /dev/null").out;
  const auto begin = out.find("\033[?1049h"), end = out.find("\033[?25h\033[?1049l");
  ASSERT_NE(begin, std::string::npos) << out;
  ASSERT_NE(end, std::string::npos) << "the terminal is as it was";
  EXPECT_THAT(out.substr(begin, end - begin), HasSubstr("Ctrl-C ends."));
  EXPECT_THAT(out.substr(end), HasSubstr("VM 101")) << "the last picture stays";
  EXPECT_THAT(run("TERM=dumb script -qec '" + command + "' /dev/null").out, Not(HasSubstr("\033")));
}

TEST_F(CliTest, ARootThatDoesNotExistIsNamed) {
  const Answer answer = hostsplit("--root /no/such/machine status");
  EXPECT_NE(answer.code, 0);
  EXPECT_THAT(answer.err, HasSubstr("/no/such/machine"));
}

}  // namespace
}  // namespace hostsplit
