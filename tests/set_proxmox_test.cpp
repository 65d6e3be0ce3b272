// VMs set in Proxmox VE as steps of a plan: what is set, read back, pending, refused, interrupted and put back. qm and
// pvesm are tests/pve/proxmox.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/checks/pve_lint.hpp"
#include "core/memory/pools.hpp"
#include "core/planner/vm_steps.hpp"
#include "core/proxmox/vm_settings.hpp"
#include "formats/proxmox/section_config.hpp"
#include "formats/proxmox/vm_config.hpp"
#include "formats/toml/documents.hpp"
#include "host/effects/program.hpp"
#include "host/inventory/proxmox.hpp"
#include "operations/advice.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::find;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SplitHost;

/// As the web interface makes it; keys in the order in which Proxmox VE writes them.
constexpr auto as_made =
    "#Fluent of Anna\nbios: ovmf\nboot: order=scsi0\ncores: 4\nmachine: pc-q35-9.2+pve1\nmemory: 4096\nname: fluent\n"
    "numa: 0\nonboot: 1\nscsi0: local-lvm:vm-disk-0,size=64G\nsockets: 1\n";
constexpr auto storages =
    "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n\nlvmthin: local-lvm\n\tthinpool data\n\tvgname "
    "pve\n";
constexpr auto two_vms =
    "[proxmox]\nvms = \"set\"\n"
    "[vm.101]\nname = \"fluent-a\"\nnode = 0\nmemory = \"8GiB\"\ncontrollers = [\"0000:03:00.3\"]\n"
    "[vm.102]\nname = \"fluent-b\"\nnode = 1\nmemory = \"8GiB\"\ncontrollers = [\"0000:44:00.1\"]\n";

struct SetProxmox : ::testing::Test {
  SplitHost split;

  SetProxmox() {
    split.host.set_file("etc/pve/.members", "{\"nodename\": \"one\"}");
    split.host.set_file("etc/pve/storage.cfg", storages);
    for (const int id : {101, 102}) guest(id, as_made);
    split.configure(two_vms);
  }
  static std::string path(int id) { return "etc/pve/qemu-server/" + std::to_string(id) + ".conf"; }
  void guest(int id, const std::string& text) { split.host.set_file(path(id), text); }
  PveVm vm(int id) const { return read_pve(split.root).next.at(id); }
  std::string value(int id, const std::string& key) const {
    const auto pve = read_pve(split.root);
    return next_value(pve.vms.at(id), key).value_or("(none)");
  }
  void qm(const std::string& words) const {
    std::vector<std::string> command{std::string(TESTS_DIR) + "/pve/qm", "--root", split.host.directory()};
    std::istringstream in(words);
    for (std::string word; in >> word;) command.push_back(word);
    run_program(command, std::chrono::seconds(20));
  }
  void run(int id) {
    split.host.set_file("run/qemu-server/" + std::to_string(id) + ".pid", "4711\n");
    split.host.set_file("proc/4711/comm", "kvm\n");
  }
  std::vector<std::string> codes_of_errors() const {
    std::vector<std::string> codes;
    for (const auto& finding : split.plan_now().findings)
      if (finding.severity == Severity::error) codes.push_back(finding.code);
    return codes;
  }
  /// Everything below /etc.
  std::map<std::string, std::string> etc() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : fs::recursive_directory_iterator(split.host.path("etc")))
      if (entry.is_regular_file())
        files[entry.path().string()] =
            *split.root.read_file(fs::relative(entry.path(), split.host.directory()).string());
    return files;
  }
  void untouched() const {
    EXPECT_EQ(split.driver("0000:03:00.3"), "xhci_hcd");
    EXPECT_EQ(split.pages(0), 0u);
    EXPECT_FALSE(split.root.exists(names::boot_plan_file));
  }
};

TEST_F(SetProxmox, SetsWhatTheConfigurationSaysAndNothingElse) {
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "memory"), "8192");
  EXPECT_EQ(value(101, "cores"), "64");
  EXPECT_EQ(value(101, "affinity"), "0-31,64-95");
  EXPECT_EQ(value(101, "numa"), "1");
  EXPECT_EQ(value(101, "numa0"), "cpus=0-63,hostnodes=0,memory=8192,policy=bind");
  EXPECT_EQ(value(101, "hugepages"), "1024");
  EXPECT_EQ(value(101, "keephugepages"), "1");
  EXPECT_EQ(value(101, "balloon"), "0");
  EXPECT_EQ(value(101, "hostpci0"), "host=0000:03:00.3,pcie=1");
  EXPECT_EQ(value(101, "hookscript"), "local:snippets/hostsplit-hook");
  EXPECT_EQ(value(102, "hostpci1"), "host=0000:44:00.3,pcie=1");
  EXPECT_EQ(value(102, "startup"), "order=1");
  EXPECT_EQ(value(101, "startup"), "(none)");
  EXPECT_THAT(*split.root.read_file(path(101)), HasSubstr("#Fluent of Anna\n"));
  EXPECT_EQ(value(101, "scsi0"), "local-lvm:vm-disk-0,size=64G");
  for (const auto* words : {"start 101", "start 102"}) EXPECT_NO_THROW(qm(words)) << words;
  EXPECT_THAT(split.plan_now().steps, IsEmpty());
}

TEST_F(SetProxmox, NothingIsLeftToAdvise) {
  const State before = split.state();
  EXPECT_THAT(pve_advice(split.root, before, plan_for(before, Apply{})), IsEmpty());
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(pve_advice(split.root, split.state()), IsEmpty());
}

TEST_F(SetProxmox, PrintsOnlyWhereItIsNotAskedTo) {
  split.configure("[vm.101]\nnode = 0\nmemory = \"8GiB\"\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(*split.root.read_file(path(101)), as_made);
  EXPECT_FALSE(pve_advice(split.root, split.state()).empty());
}

TEST_F(SetProxmox, UndoLeavesEverythingByteForByte) {
  const auto before = etc();
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_TRUE(split.root.exists("var/lib/vz/snippets/hostsplit-hook"));
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(etc(), before);
  EXPECT_FALSE(split.root.exists("var/lib/vz/snippets/hostsplit-hook"));
  EXPECT_FALSE(split.root.exists(names::baseline_file));
}

TEST_F(SetProxmox, SetupWritesTheConfigurationAndUndoTakesItBack) {
  fs::remove(split.host.path(names::config_file));
  const auto before = etc();
  const std::string text = std::string("version = 1\n") + two_vms;
  ASSERT_TRUE(carry_out(split.context(), hostsplit::Setup{text}).ok());
  EXPECT_EQ(*split.root.read_file(names::config_file), text);
  EXPECT_THAT(split.plan_now().steps, IsEmpty());
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(etc(), before);
}

TEST_F(SetProxmox, AConfigurationEditedSinceStays) {
  const std::string text = std::string("version = 1\n") + two_vms;
  ASSERT_TRUE(carry_out(split.context(), hostsplit::Setup{text + "# mine\n"}).ok());
  split.host.set_file(names::config_file, text + "# mine, changed\n");
  const CarriedOut undone = carry_out(split.context(), Undo{});
  EXPECT_TRUE(undone.ok());
  EXPECT_TRUE(find(undone.plan.findings, "config-edited"));
  EXPECT_EQ(*split.root.read_file(names::config_file), text + "# mine, changed\n");
}

TEST_F(SetProxmox, UndoLeavesWhatSomebodyElseSetSince) {
  ASSERT_TRUE(split.apply_now().ok());
  qm("set 101 --memory 6144 --cores 2");
  const CarriedOut undone = carry_out(split.context(), Undo{});
  EXPECT_TRUE(undone.ok());
  EXPECT_EQ(value(101, "memory"), "6144");
  EXPECT_EQ(value(101, "cores"), "2");
  EXPECT_EQ(value(101, "hostpci0"), "(none)");
  const auto* kept = find(undone.plan.findings, "vm-key-changed");
  ASSERT_TRUE(kept);
  EXPECT_THAT(kept->message, HasSubstr("somebody else wants it so"));
  EXPECT_FALSE(split.root.exists(names::baseline_file)) << "it is theirs from now on";
}

TEST_F(SetProxmox, ARunningVmHasItPending) {
  run(101);
  const Plan plan = split.plan_now();
  EXPECT_TRUE(find(plan.findings, "vm-running"));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_THAT(*split.root.read_file(path(101)), HasSubstr("[PENDING]"));
  EXPECT_THAT(*split.root.read_file(path(101)), HasSubstr("\nmemory: 4096\n"));
  EXPECT_EQ(value(101, "memory"), "8192");
  EXPECT_THAT(split.plan_now().steps, IsEmpty()) << "what is pending is set";
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(*split.root.read_file(path(101)), as_made);
}

TEST_F(SetProxmox, EachRefusalHasItsSentenceAndTouchesNothing) {
  const struct {
    const char *code, *sentence;
    std::function<void()> arrange;
  } cases[] = {
      {"vm-locked", "has locked it (backup)", [&] { guest(101, std::string(as_made) + "lock: backup\n"); }},
      {"vm-template", "it is a template", [&] { guest(101, std::string(as_made) + "template: 1\n"); }},
      {"vm-locked", "has locked it (snapshot)", [&] { guest(101, std::string(as_made) + "lock: snapshot\n"); }},
      {"pve-no-quorum", "no quorum",
       [&] { split.host.set_file("etc/pve/.members", "{\"cluster\": {\"quorate\": 0}}"); }},
      {"vm-elsewhere", "on the node two of the cluster",
       [&] {
         fs::remove(split.host.path(path(101)));
         split.host.set_file("etc/pve/nodes/two/qemu-server/101.conf", as_made);
       }},
      {"vm-missing", "no VM of that number", [&] { fs::remove(split.host.path(path(101))); }},
  };
  for (const auto& each : cases) {
    fs::remove_all(split.host.path("etc/pve/nodes"));
    split.host.set_file("etc/pve/.members", "{}");
    guest(101, as_made);
    each.arrange();
    const Plan plan = split.plan_now();
    const auto* finding = find(plan.findings, each.code);
    ASSERT_TRUE(finding) << each.code;
    EXPECT_EQ(finding->severity, Severity::error);
    EXPECT_THAT(finding->message, HasSubstr(each.sentence));
    EXPECT_NE(finding->remedy, "");
    EXPECT_THROW(split.apply_now(), Error) << each.code;
    untouched();
  }
}

TEST_F(SetProxmox, AVmThatNeedsNoChangeMayBeLocked) {
  ASSERT_TRUE(split.apply_now().ok());
  guest(101, "lock: backup\n" + *split.root.read_file(path(101)));
  EXPECT_THAT(codes_of_errors(), IsEmpty());
}

TEST_F(SetProxmox, EditedMeanwhileIsNoticedByProxmoxVe) {
  split.effects.before = [&](const std::string& line) {
    if (line.starts_with("run qm set 101")) guest(101, std::string(as_made) + "tags: edited\n");
  };
  const Outcome outcome = split.apply_now();
  split.effects.before = {};
  ASSERT_FALSE(outcome.ok());
  const auto failed = std::find_if(outcome.results.begin(), outcome.results.end(),
                                   [](const auto& each) { return each.kind == StepResult::Kind::failed; });
  EXPECT_THAT(failed->detail, HasSubstr("VM 101: somebody has edited it since it was read"));
  EXPECT_EQ(*split.root.read_file(path(101)), std::string(as_made) + "tags: edited\n");
  untouched();
  EXPECT_TRUE(split.apply_now().ok()) << "the next one converges";
}

TEST_F(SetProxmox, QuorumLostMeanwhileIsSaid) {
  split.effects.before = [&](const std::string& line) {
    if (line.starts_with("run qm set")) split.host.set_file("etc/pve/.members", "{\"cluster\": {\"quorate\": 0}}");
  };
  const Outcome outcome = split.apply_now();
  ASSERT_FALSE(outcome.ok());
  const auto failed = std::find_if(outcome.results.begin(), outcome.results.end(),
                                   [](const auto& each) { return each.kind == StepResult::Kind::failed; });
  EXPECT_THAT(failed->detail, HasSubstr("the cluster has no quorum"));
  untouched();
}

TEST_F(SetProxmox, WhatQmDidNotDoIsSeen) {
  struct Deaf : testing::FakeEffects {
    using FakeEffects::FakeEffects;
    void run(const std::vector<std::string>& command, std::chrono::milliseconds deadline) override {
      if (command.front() != "qm") FakeEffects::run(command, deadline);
    }
  } deaf(split.host);
  const Outcome outcome = carry_out({split.root, deaf, split.audit}, Apply{}).outcome;
  ASSERT_FALSE(outcome.ok());
  const auto failed = std::find_if(outcome.results.begin(), outcome.results.end(),
                                   [](const auto& each) { return each.kind == StepResult::Kind::failed; });
  EXPECT_THAT(failed->detail, HasSubstr("reads back as"));
}

TEST_F(SetProxmox, IsAuditedWithOldAndNewValues) {
  ASSERT_TRUE(split.apply_now().ok());
  const auto record = std::find_if(split.audit.records.begin(), split.audit.records.end(), [](const auto& each) {
    return each.event == "set-proxmox" && each.vm == "101" && each.result == "done";
  });
  ASSERT_NE(record, split.audit.records.end());
  EXPECT_THAT(record->from, HasSubstr("memory=4096"));
  EXPECT_THAT(record->to, HasSubstr("memory=8192"));
}

TEST_F(SetProxmox, AVmThatIsNoLongerConfiguredIsPutBack) {
  ASSERT_TRUE(split.apply_now().ok());
  split.configure(
      "[proxmox]\nvms = \"set\"\n[vm.101]\nnode = 0\nmemory = \"8GiB\"\ncontrollers = [\"0000:03:00.3\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(*split.root.read_file(path(102)), as_made);
  EXPECT_EQ(value(101, "hugepages"), "1024");
}

TEST_F(SetProxmox, ALineForAControllerThatWasTakenFromItGoes) {
  ASSERT_TRUE(split.apply_now().ok());
  split.configure(
      "[proxmox]\nvms = \"set\"\n[vm.101]\nnode = 0\nmemory = \"8GiB\"\n[vm.102]\nnode = 1\nmemory = \"8GiB\"\n"
      "controllers = [\"0000:44:00.1\"]\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "hostpci0"), "(none)");
  EXPECT_EQ(value(102, "hostpci0"), "host=0000:44:00.1,pcie=1");
}

TEST_F(SetProxmox, ByMappingWhereTheClusterHasOne) {
  split.host.set_file("etc/hostname", "one\n");
  split.host.set_file("etc/pve/mapping/pci.cfg",
                      "hostsplit-101-1\n\tmap id=1022:148c,iommugroup=60,node=one,path=0000:03:00.3\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "hostpci0"), "mapping=hostsplit-101-1,pcie=1");
}

TEST_F(SetProxmox, AHookScriptOfItsOwnStays) {
  split.host.set_file("var/lib/vz/snippets/mine.sh", "#!/bin/sh\n");
  guest(101, std::string(as_made) + "hookscript: local:snippets/mine.sh\n");
  EXPECT_TRUE(find(split.plan_now().findings, "vm-own-hook"));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "hookscript"), "local:snippets/mine.sh");
  EXPECT_EQ(value(102, "hookscript"), "local:snippets/hostsplit-hook");
}

TEST_F(SetProxmox, TheHookStaysWhileAVmNeedsIt) {
  ASSERT_TRUE(split.apply_now().ok());
  guest(105, "memory: 512\nhookscript: local:snippets/hostsplit-hook\n");
  const CarriedOut undone = carry_out(split.context(), Undo{});
  EXPECT_FALSE(undone.ok());
  EXPECT_TRUE(split.root.exists("var/lib/vz/snippets/hostsplit-hook"));
  qm("set 105 --delete hookscript");
  EXPECT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_FALSE(split.root.exists("var/lib/vz/snippets/hostsplit-hook"));
}

TEST_F(SetProxmox, TheHookIsNotKeptWhereNobodyMayLook) {
  const std::string nas = "dir: nas\n\tpath /mnt/nas\n\tcontent snippets\n\n";
  split.host.set_file("etc/pve/storage.cfg", nas + storages);
  split.host.add_mount({"", "/mnt/nas", "autofs", "systemd-1", "", 1});
  split.host.set_file("mnt/nas/snippets/hostsplit-hook", "x\n");
  guest(102, std::string(as_made) + "hookscript: nas:snippets/hostsplit-hook\n");
  const auto read = read_pve(split.root).storages.at(0);
  EXPECT_TRUE(read.unseen);
  EXPECT_FALSE(read.hook);
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "hookscript"), "local:snippets/hostsplit-hook");
  EXPECT_EQ(value(102, "hookscript"), "nas:snippets/hostsplit-hook") << "it stays";
  EXPECT_EQ(split.host.file("mnt/nas/snippets/hostsplit-hook"), "x\n");
  EXPECT_THAT(split.plan_now().steps, IsEmpty());
  guest(101, as_made);
  split.host.set_file("etc/pve/storage.cfg", nas);
  EXPECT_TRUE(find(split.plan_now().findings, "pve-no-snippets"));
}

TEST_F(SetProxmox, WithoutAStorageForSnippetsItIsSaid) {
  split.host.set_file("etc/pve/storage.cfg", "lvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n");
  EXPECT_TRUE(find(split.plan_now().findings, "pve-no-snippets"));
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "hookscript"), "(none)");
}

/// Interrupted before the nth effect, for every n: the next apply converges, and undo leaves nothing.
TEST_F(SetProxmox, InterruptedAnywhereItConverges) {
  const auto before = etc();
  struct Killed {};
  for (std::size_t stop = 1;; ++stop) {
    std::size_t count = 0;
    bool killed = false;
    split.effects.before = [&](const std::string&) {
      if (++count == stop) throw Killed{};
    };
    try {
      carry_out(split.context(), hostsplit::Setup{std::string("version = 1\n") + two_vms});
    } catch (const Killed&) {
      killed = true;
    }
    split.effects.before = {};
    ASSERT_TRUE(carry_out(split.context(), hostsplit::Setup{std::string("version = 1\n") + two_vms}).ok()) << stop;
    EXPECT_THAT(split.plan_now().steps, IsEmpty()) << stop;
    ASSERT_TRUE(carry_out(split.context(), Undo{}).ok()) << stop;
    ASSERT_EQ(etc(), before) << stop;
    if (!killed) break;
  }
}

/// The same for an undo: what was to be put back is still known.
TEST_F(SetProxmox, AnInterruptedUndoIsCompletedByTheNext) {
  const auto before = etc();
  struct Killed {};
  for (std::size_t stop = 1;; ++stop) {
    ASSERT_TRUE(split.apply_now().ok()) << stop;
    std::size_t count = 0;
    bool killed = false;
    split.effects.before = [&](const std::string&) {
      if (++count == stop) throw Killed{};
    };
    try {
      carry_out(split.context(), Undo{});
    } catch (const Killed&) {
      killed = true;
    }
    split.effects.before = {};
    ASSERT_TRUE(carry_out(split.context(), Undo{}).ok()) << stop;
    ASSERT_EQ(etc(), before) << stop;
    if (!killed) break;
  }
}

TEST_F(SetProxmox, AChangeThatWasNotReachedIsStillOurs) {
  ASSERT_TRUE(split.apply_now().ok());
  std::string more = two_vms;
  more.replace(more.find("8GiB"), 4, "9GiB");
  split.configure(more);
  struct Killed {};
  split.effects.before = [&](const std::string& line) {
    if (line.starts_with("run qm")) throw Killed{};
  };
  EXPECT_THROW(split.apply_now(), Killed);
  split.effects.before = {};
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(*split.root.read_file(path(101)), as_made);
}

TEST_F(SetProxmox, NoCpuIsLeftToBePluggedInByHand) {
  guest(101, std::string(as_made) + "vcpus: 4\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "vcpus"), "(none)") << "it would start with 4 of its 64 CPUs";
  qm("set 101 --vcpus 8");
  EXPECT_THAT(split.plan_now().steps, IsEmpty()) << "chosen after hostsplit took it away";
  qm("set 101 --delete vcpus");
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(value(101, "vcpus"), "4");
}

TEST_F(SetProxmox, WhatItsStartWouldFallOverIsSetToo) {
  guest(101, std::string(as_made) + "hotplug: network,memory,usb\nvcpus: 200\naffinity: 3\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "hotplug"), "network,usb");
  EXPECT_EQ(value(101, "vcpus"), "(none)");
  EXPECT_EQ(value(101, "affinity"), "0-31,64-95") << "what it was made with is no choice";
  EXPECT_THAT(split.plan_now().steps, IsEmpty());
  qm("set 101 --affinity 0-7");
  EXPECT_EQ(vm_settings(vm(101), split.state().config->vms.at(101), split.state().snapshot, true).at("cores"), "8");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(value(101, "affinity"), "0-7") << "fewer is a choice since";
}

TEST_F(SetProxmox, NothingIsSetThatKeepsAVmFromStarting) {
  guest(101, std::string(as_made) + "args: -object memory-backend-file,id=m,size=4G -numa node,memdev=m\n");
  const auto findings = split.plan_now().findings;
  const auto* refused = find(findings, "vm-no-start");
  ASSERT_TRUE(refused);
  EXPECT_THAT(refused->message, HasSubstr("its args"));
  EXPECT_THROW(split.apply_now(), Error);
  untouched();
}

TEST(VmSettings, AnyStaysOnlyWhereItComesToThePagesThatAreWanted) {
  VmWish wish;
  wish.id = 101;
  wish.node = 0;
  wish.memory = 8 * kib_per_gib;
  PveVm vm;
  vm.hugepages = PvePages::any;
  EXPECT_EQ(vm_settings(vm, wish, {}).at("hugepages"), "any");
  wish.page_size = 2 * kib_per_mib;
  EXPECT_EQ(vm_settings(vm, wish, {}).at("hugepages"), "2");
  wish.memory += 2 * kib_per_mib;
  EXPECT_EQ(vm_settings(vm, wish, {}).at("hugepages"), "any");
}

TEST(VmSettings, NoMoreCpusThanAStartTakes) {
  Snapshot snapshot;
  for (int cpu = 0; cpu < 256; ++cpu) snapshot.nodes[0].cpus.insert(cpu);
  VmWish wish;
  wish.node = 0;
  PveVm vm;
  EXPECT_EQ(vm_settings(vm, wish, snapshot).at("cores"), "255");
  vm.machine = "q35";
  EXPECT_EQ(vm_settings(vm, wish, snapshot).at("cores"), "256");
  snapshot.nodes[0].cpus = {0, 1, 2, 3};
  wish.cpus = CpuSet{0, 1};
  vm.sockets = 8;
  EXPECT_EQ(vm_settings(vm, wish, snapshot).at("sockets"), "1");
  EXPECT_EQ(vm_settings(vm, wish, snapshot).at("cores"), "2");
}

TEST(VmSettings, AfterThemNothingIsAdvised) {
  Snapshot snapshot;
  for (const int id : {0, 1}) snapshot.nodes[id].id = id;
  snapshot.nodes[0].cpus = {0, 1, 2, 3};
  snapshot.nodes[1].cpus = {4, 5, 6, 7};
  for (const auto& entry : fs::directory_iterator(std::string(TESTS_DIR) + "/pve")) {
    if (entry.path().extension() != ".conf") continue;
    std::ifstream in(entry.path());
    const std::string text(std::istreambuf_iterator<char>(in), {});
    PveConfigs pve;
    pve.known = true;
    std::vector<Finding> ignored;
    const PveVm vm = parse_pve_vm(101, text, "f", ignored);
    Config config;
    config.vms[101].id = 101;
    for (const auto& spread :
         {std::map<int, Kib>{{0, 8 * kib_per_gib}}, {{0, 4 * kib_per_gib}, {1, 4 * kib_per_gib}}}) {
      config.vms[101].spread = spread;
      const PveVm next = at_next_start(vm);
      pve.vms[101] = with_changes(next, changed_keys(next, vm_settings(next, config.vms[101], snapshot)));
      for (const auto& finding : lint_pve(pve, config, snapshot, wanted_pages(config)))
        EXPECT_TRUE(finding.code == "pve-locked" ||
                    (finding.code == "pve-no-start" && finding.message.find("q35") != std::string::npos))
            << entry.path() << ": " << finding.code << ": " << finding.message;
      EXPECT_THAT(changed_keys(pve.vms[101], vm_settings(pve.vms[101], config.vms[101], snapshot)), IsEmpty())
          << entry.path();
    }
  }
}

TEST(BaselineText, KeepsKeysOfProxmoxVe) {
  Baseline baseline;
  baseline.pve_keys = {{{PveObject::Kind::vm, "101"}, "memory", "4096", "8192", "6144"},
                       {{PveObject::Kind::vm, "101"}, "numa0", {}, "cpus=0"},
                       {{PveObject::Kind::storage, "local"}, "content", "iso", "iso,snippets"},
                       {{PveObject::Kind::vm, "102"}, "numa1", "cpus=0", {}}};
  baseline.files = {{"etc/hostsplit/hostsplit.toml", std::nullopt, "0123"}};
  EXPECT_EQ(parse_baseline(to_toml(baseline), "f"), baseline);
}

TEST(Storages, AreReadWithTheirPlace) {
  const auto found = parse_pve_storages(
      "# comment\ndir: local\n\tpath /var/lib/vz\n\tcontent iso,snippets\n\nnfs: far\n\tpath /mnt/pve/far\n"
      "dir: other\n\tpath /srv\n\tnodes two,three\ndir: off\n\tpath /off\n\tdisable\n",
      "one");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(found[0].path, "var/lib/vz");
  EXPECT_TRUE(holds(found[0], "snippets"));
  EXPECT_FALSE(holds(found[0], "snip"));
  EXPECT_EQ(found[1].path, "") << "on the network";
  EXPECT_FALSE(found[2].here);
  EXPECT_FALSE(found[3].here);
}

TEST(Quorum, AsTheMembersSay) {
  EXPECT_EQ(parse_pve_quorum("{\"cluster\": { \"name\": \"c\", \"quorate\": 1, \"nodes\": 3 }}"), true);
  EXPECT_EQ(parse_pve_quorum("{ \"cluster\": {\"quorate\":0}}"), false);
  EXPECT_EQ(parse_pve_quorum("{\"nodename\": \"one\"}"), std::nullopt);
  EXPECT_EQ(parse_pve_quorum(""), std::nullopt);
}

}  // namespace
}  // namespace hostsplit
