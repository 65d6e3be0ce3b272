// Who else uses memory: pages of VMs that are not in the configuration, of processes, ordinary guests, the ZFS cache;
// and the model of a start of Proxmox VE from which the pages of VMs follow that do not run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/memory/args_memory.hpp"
#include "core/memory/host_memory.hpp"
#include "core/memory/kernel_command_line.hpp"
#include "core/memory/pools.hpp"
#include "core/memory/pve_start.hpp"
#include "formats/proxmox/vm_config.hpp"
#include "formats/toml/documents.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::ElementsAre;
using testing::find;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::SplitHost;

std::map<int, NumaNode> two_nodes(std::uint64_t pages = 0, std::uint64_t free = 0) {
  std::map<int, NumaNode> nodes;
  for (const int id : {0, 1}) {
    nodes[id].id = id;
    nodes[id].memory = nodes[id].free = 64 * kib_per_gib;
    nodes[id].pools = {{2048, 0, 0, 0}, {kib_per_gib, pages, free, 0}};
  }
  return nodes;
}

PveVm vm(const std::string& text, int id = 101) {
  std::vector<Finding> findings;
  return parse_pve_vm(id, text, "f", findings);
}

// A start of Proxmox VE ----------------------------------------------------------------------------------------------

constexpr auto good =
    "numa: 1\nhugepages: 1024\nmemory: 8192\ncores: 4\nnuma0: cpus=0-3,hostnodes=0,memory=8192,policy=bind\n";

TEST(PveStart, TakesPagesWhereTheNumaLinesSay) {
  const auto start = judge_start(vm(good), two_nodes());
  EXPECT_TRUE(start.clean());
  EXPECT_EQ(start.pages, (PageCounts{{{0, kib_per_gib}, 8}}));
  EXPECT_TRUE(judge_start(vm("memory: 4096\n"), two_nodes()).pages.empty());
}

TEST(PveStart, AnyIsAGibibyteWhereItComesOutEven) {
  std::string text = good;
  text.replace(text.find("1024"), 4, "any");
  EXPECT_EQ(judge_start(vm(text), two_nodes()).pages, (PageCounts{{{0, kib_per_gib}, 8}}));
  EXPECT_EQ(judge_start(vm("numa: 1\nhugepages: any\nmemory: 1536\n"), two_nodes()).pages,
            (PageCounts{{{0, 2048}, 768}}));
}

TEST(PveStart, WithoutNumaLinesItIsSplitOverSocketsAndBoundNowhere) {
  const auto start = judge_start(vm("numa: 1\nhugepages: 1024\nmemory: 8192\nsockets: 2\n"), two_nodes());
  EXPECT_EQ(start.pages, (PageCounts{{{0, kib_per_gib}, 4}, {{1, kib_per_gib}, 4}}));
  EXPECT_THAT(start.refusals, IsEmpty());
  EXPECT_FALSE(start.clean());
}

TEST(ArgsMemory, WhatAVmTakesPastProxmoxVe) {
  auto nodes = two_nodes();
  nodes[0].cpus = {0, 1};
  nodes[1].cpus = {2, 3};
  nodes[1].pools = {{2048, 0, 0, 0}, {kib_per_gib, 16, 16, 0}};
  const auto of = [&](const std::string& text) {
    return pages_by_args(vm("memory: 8192\n" + text), nodes, kib_per_gib);
  };
  EXPECT_EQ(of("args: -mem-path /dev/hugepages -mem-prealloc\n"), (PageCounts{{{1, kib_per_gib}, 8}}));
  EXPECT_EQ(of("affinity: 0-1\nargs: -mem-path /dev/hugepages\n"), (PageCounts{{{0, kib_per_gib}, 8}}));
  EXPECT_EQ(of("affinity: 2\nargs: -object memory-backend-file,id=m,size=4G,mem-path=/mnt/hugepages-2M\n"),
            (PageCounts{{{1, 2048}, 2048}}));
  EXPECT_THAT(of("args: -object memory-backend-file,id=kvmfr,size=32M,mem-path=/dev/shm/looking-glass\n"), IsEmpty());
  EXPECT_THAT(of("args: -cpu host\n"), IsEmpty());
}

TEST(PveStart, WhatProxmoxVeRefuses) {
  const struct {
    const char *from, *to, *why;
  } mistakes[] = {
      {"numa: 1\n", "", "numa is off"},
      {"memory: 8192", "memory: 8191", "add up"},
      {"hostnodes=0", "hostnodes=12", "one digit"},
      {"hostnodes=0", "hostnodes=5", "not there"},
      {"hostnodes=0", "hostnodes=0-1", "exactly one"},
      {"hostnodes=0", "hostnodes=0-0", "numa0 has hostnodes=0-0"},
      {"hostnodes=0", "hostnodes=00", "one digit"},
      {"cores: 4", "cores: 4\nhotplug: disk;memory", "memory hotplug is on"},
      {",policy=bind", "", "no policy"},
      {"cpus=0-3", "cpus=0-4", "guest CPU 4"},
      {"policy=bind\n", "policy=bind\nnuma1: cpus=3,hostnodes=1,memory=0,policy=bind\n", "in two numa lines"},
  };
  for (const auto& mistake : mistakes) {
    std::string text = good;
    text.replace(text.find(mistake.from), std::string(mistake.from).size(), mistake.to);
    const auto start = judge_start(vm(text), two_nodes());
    ASSERT_FALSE(start.refusals.empty()) << mistake.why;
    EXPECT_THAT(start.refusals.front(), HasSubstr(mistake.why));
  }
}

TEST(PveStart, MemoryIsSharedOutOverNodesThatAreThere) {
  const auto start = judge_start(vm("numa: 1\nhugepages: 1024\nmemory: 6144\nsockets: 3\n"), two_nodes());
  ASSERT_EQ(start.refusals.size(), 1u);
  EXPECT_THAT(start.refusals.front(), HasSubstr("no node 2"));
}

TEST(PveStart, CpusAndFunctionsAreJudgedWithoutHugePagesToo) {
  auto nodes = two_nodes();
  nodes[0].cpus = {0, 1, 2, 3};
  const auto why = [&](const std::string& text) { return judge_start(vm(text), nodes).other_refusals; };
  EXPECT_THAT(why("cores: 4\nvcpus: 4\nhostpci0: 0000:03:00.0\n"), IsEmpty());
  EXPECT_THAT(why("cores: 5\n"), ElementsAre(HasSubstr("this host has 4")));
  EXPECT_THAT(why("cores: 2\nvcpus: 3\n"), ElementsAre(HasSubstr("vcpus is 3")));
  EXPECT_THAT(why("hostpci0: 0000:03:00.0,pcie=1\n"), ElementsAre(HasSubstr("q35")));
  EXPECT_THAT(why("machine: pc-q35-9.2+pve1\nhostpci0: 0000:03:00.0,pcie=on\n"), IsEmpty());
  nodes = two_nodes();
  EXPECT_THAT(why("cores: 48\n"), IsEmpty()) << "nobody knows how many there are";
  EXPECT_THAT(why("cores: 256\n"), ElementsAre(HasSubstr("at most 255")));
}

TEST(PveFix, IsOneLineAndJudgedBeforeItIsPrinted) {
  VmWish wish;
  wish.id = 101;
  wish.node = 1;
  wish.memory = 8 * kib_per_gib;
  const auto fix = fix_for(vm("cores: 4\nmemory: 4096\nnuma3: cpus=0,memory=512\n"), wish, {4, 5}, true, two_nodes());
  EXPECT_EQ(fix.line,
            "qm set 101 --numa 1 --hugepages 1024 --keephugepages 1 --memory 8192 --balloon 0 --numa0 "
            "cpus=0-3,hostnodes=1,memory=8192,policy=bind --delete numa3 --affinity 4-5");
  EXPECT_TRUE(judge_start(fix.vm, two_nodes()).clean());
  EXPECT_EQ(fix_for(fix.vm, wish, {4, 5}, true, two_nodes()).line, "") << "nothing is left to do";
  wish.node = 12;
  EXPECT_THAT(fix_for(vm(good), wish, {}, true, {}).reason, HasSubstr("one digit"));
  wish.node.reset();
  wish.memory = 0;
  wish.spread = {{0, 4 * kib_per_gib}, {1, 4 * kib_per_gib}};
  EXPECT_THAT(fix_for(vm("cores: 1\n"), wish, {}, true, two_nodes()).reason, HasSubstr("no cpus"));
}

TEST(NextStart, PendingChangesAreMerged) {
  const std::string text =
      "memory: 4096\nnuma: 0\naffinity: 0-3\nballoon: 1\n\n[PENDING]\nmemory: 8192\nnuma: 1\ndelete: "
      "affinity,!balloon\n\n"
      "[snap]\nmemory: 1\n";
  const PveVm now = vm(text);
  const PveVm next = at_next_start(now);
  EXPECT_EQ(now.memory, 4 * kib_per_gib);
  EXPECT_EQ(next.memory, 8 * kib_per_gib);
  EXPECT_TRUE(next.numa);
  EXPECT_FALSE(next.affinity);
  EXPECT_FALSE(next.balloon);
  EXPECT_EQ(next.pending, now.pending);
}

// Pools --------------------------------------------------------------------------------------------------------------

struct Others : ::testing::Test {
  Snapshot snapshot;
  Config config;
  Others() {
    snapshot.nodes = two_nodes(56, 40);
    snapshot.memory_users.known = true;
    config.vms[101].id = 101;
    config.vms[101].node = 0;
    config.vms[101].memory = 40 * kib_per_gib;
  }
  PageUser& add(std::optional<int> id, int pid, std::uint64_t holds, std::uint64_t needs) {
    PageUser user;
    user.vm = id;
    user.name = "other";
    user.pid = pid;
    if (holds) user.holds[{0, kib_per_gib}] = holds;
    if (needs) user.needs[{0, kib_per_gib}] = needs;
    snapshot.memory_users.pages.push_back(user);
    return snapshot.memory_users.pages.back();
  }
  Reservation reserved(const std::optional<BootPlan>& applied = {}) const {
    return with_others(wanted_pages(config), config, snapshot, applied).at(0);
  }
};

TEST_F(Others, PagesOfARunningVmAreCountedBesideThoseOfTheConfiguration) {
  add(114, 5000, 16, 16);
  EXPECT_EQ(reserved().pages, 56u);
  EXPECT_EQ(reserved().others, (std::map<int, std::uint64_t>{{114, 16}}));
  const auto notes = note_others({reserved()}, snapshot);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].subject, "VM 114 (other)");
  std::vector<Finding> findings;
  EXPECT_TRUE(page_steps(snapshot, {reserved()}, 0, {}, findings).empty()) << "56 are there";
}

TEST_F(Others, ThoseThatStartWithTheHostNeedTheirsToo) {
  add(114, 0, 0, 20).on_boot = true;
  EXPECT_EQ(reserved().pages, 60u);
}

TEST_F(Others, ThoseThatDoNotKeepWhatLiesReadyAndGetNoMore) {
  add(114, 0, 0, 20);
  EXPECT_EQ(reserved().pages, 56u) << "16 of 56 lie ready";
  snapshot.nodes = two_nodes(40, 40);
  EXPECT_EQ(reserved().pages, 40u);
}

TEST_F(Others, AProcessKeepsWhatItHolds) {
  add({}, 812, 3, 0);
  EXPECT_EQ(reserved().pages, 43u);
  EXPECT_EQ(note_others({reserved()}, snapshot).at(0).subject, "other (process 812)");
}

TEST_F(Others, WhatIsInUseByWhomIsUnknownStays) {
  add({}, 0, 8, 0).name.clear();
  EXPECT_EQ(reserved().pages, 48u);
  const auto notes = note_others({reserved()}, snapshot);
  ASSERT_EQ(notes.size(), 1u);
  EXPECT_EQ(notes[0].subject, "node 0");
  EXPECT_THAT(notes[0].message, HasSubstr("8 pages of 1 GiB are in use, by whom was not found"));
}

TEST_F(Others, AStartThatTakesPagesNobodyCountsIsNamed) {
  snapshot.nodes = two_nodes(48, 48);
  PageUser& other = add(115, 0, 0, 16);
  const auto told = [&] {
    std::string text;
    for (const auto& note : note_others({reserved()}, snapshot)) text += note.message + "\n";
    return text;
  };
  EXPECT_THAT(told(), HasSubstr("takes 8 more pages of 1 GiB on node 0 when it starts")) << "8 lie ready";
  EXPECT_EQ(reserved().pages, 48u) << "none are added";
  snapshot.nodes = two_nodes(40, 40);
  EXPECT_THAT(told(), HasSubstr("takes 16 pages"));
  other.refused = true;
  EXPECT_EQ(told(), "");
  other.refused = false;
  other.vm = 101;
  EXPECT_EQ(told(), "") << "it has its own";
}

TEST_F(Others, VmsOfTheConfigurationAreNotCountedTwice) {
  add(101, 5000, 40, 40);
  EXPECT_EQ(reserved().pages, 40u);
}

TEST_F(Others, WhereNobodyLookedTheyAreAsApplied) {
  snapshot.memory_users = {};
  BootPlan applied;
  applied.reservations = {{0, kib_per_gib, 56, {101}, {{101, 40}}, {{114, 16}}}};
  EXPECT_EQ(reserved(applied).pages, 56u);
  EXPECT_EQ(parse_boot_plan(to_text(applied), "f"), applied);
}

TEST_F(Others, HowManyCanComeNow) {
  Step step{"pages", Reserve{0, kib_per_gib, 56, 60, 8 * kib_per_gib, {101}, {}}, ""};
  EXPECT_THAT(check_pages_now(snapshot, {step}, false), IsEmpty());
  snapshot.nodes[0].free = 10 * kib_per_gib;
  snapshot.zfs_cache = ZfsCache{30 * kib_per_gib, 0, 60 * kib_per_gib};
  const auto found = check_pages_now(snapshot, {step}, true);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_THAT(found[0].message, HasSubstr("at most 58 of 60 pages of 1 GiB can come now"));
  EXPECT_THAT(found[0].message, HasSubstr("the ZFS ARC holds 30.0 GiB"));
}

TEST(HostMemory, GuestsAndTheZfsCacheAreHeldAgainstWhatPagesLeave) {
  Snapshot snapshot;
  snapshot.nodes = two_nodes();
  Config config;
  const std::vector<Reservation> reserved{{0, kib_per_gib, 50, {101}, {{101, 50}}},
                                          {1, kib_per_gib, 50, {102}, {{102, 50}}}};
  snapshot.memory_users.ordinary = {{200, "a", false, 8 * kib_per_gib, true, {}},
                                    {300, "c", true, 4 * kib_per_gib, true, {}}};
  EXPECT_THAT(check_host_memory(snapshot, config, reserved), IsEmpty()) << "28 GiB left, 16 of them the host's";
  snapshot.memory_users.ordinary.push_back({201, "b", false, kib_per_gib, true, {}});
  EXPECT_TRUE(find(check_host_memory(snapshot, config, reserved), "guests-do-not-fit"));
  snapshot.memory_users.ordinary.back().on_boot = false;
  snapshot.zfs_cache = ZfsCache{kib_per_gib, kib_per_gib, 8 * kib_per_gib};
  EXPECT_THAT(check_host_memory(snapshot, config, reserved), IsEmpty());
  snapshot.zfs_cache->most = 9 * kib_per_gib;
  const auto beside = check_host_memory(snapshot, config, reserved);
  ASSERT_TRUE(find(beside, "zfs-arc-max")) << "12 GiB are for guests";
  EXPECT_THAT(find(beside, "zfs-arc-max")->remedy, HasSubstr("zfs_arc_max=8589934592\""))
      << "which is right, see above";
  snapshot.memory_users.ordinary.clear();
  snapshot.zfs_cache->most = 20 * kib_per_gib;
  EXPECT_THAT(check_host_memory(snapshot, config, reserved), IsEmpty());
  snapshot.zfs_cache->most = 21 * kib_per_gib;
  const auto found = check_host_memory(snapshot, config, reserved);
  ASSERT_TRUE(find(found, "zfs-arc-max"));
  EXPECT_THAT(find(found, "zfs-arc-max")->remedy, HasSubstr("zfs_arc_max=15032385536\""));
}

TEST(HostMemory, GuestsThatAreBoundToANodeAreHeldAgainstThatNode) {
  Snapshot snapshot;
  snapshot.nodes = two_nodes();
  const std::vector<Reservation> reserved{{0, kib_per_gib, 44, {101}, {{101, 44}}}};
  snapshot.memory_users.ordinary = {{120, "mail", false, 20 * kib_per_gib, true, {{0, 20 * kib_per_gib}}}};
  const auto found = check_host_memory(snapshot, {}, reserved);
  ASSERT_EQ(found.size(), 1u) << "the machine has room";
  EXPECT_EQ(found[0].subject, "node 0");
  EXPECT_THAT(found[0].message, HasSubstr("huge pages leave 20.0 GiB of 64.0 GiB"));
  snapshot.memory_users.ordinary[0].bound = {{1, 20 * kib_per_gib}};
  EXPECT_THAT(check_host_memory(snapshot, {}, reserved), IsEmpty());
}

TEST(HostMemory, AMaximumThatZfsIgnoresIsNone) {
  Snapshot snapshot;
  snapshot.nodes = two_nodes();
  const std::vector<Reservation> reserved{{0, kib_per_gib, 50, {101}, {{101, 50}}},
                                          {1, kib_per_gib, 50, {102}, {{102, 50}}}};
  snapshot.zfs_cache = ZfsCache{kib_per_gib, kib_per_gib, 64 * kib_per_gib};
  const auto told = [&](const char* text, Kib most) {
    snapshot.zfs_cache->set = ZfsCache::Setting{"/etc/modprobe.d/zfs.conf", text, most, true};
    const auto found = check_host_memory(snapshot, {}, reserved);
    const auto* finding = find(found, "zfs-arc-max");
    return finding ? finding->message + "; " + finding->remedy : std::string();
  };
  EXPECT_THAT(told("8192", 8), HasSubstr("may grow to 64.0 GiB (ZFS ignores zfs_arc_max=8192 in "
                                         "/etc/modprobe.d/zfs.conf: that many bytes are less than 64 MiB)"));
  EXPECT_THAT(told("8192", 8), HasSubstr("s/zfs_arc_max=[^ ]*/zfs_arc_max=15032385536/"));
  EXPECT_THAT(told("8192", 8), HasSubstr("echo 15032385536 >"));
  EXPECT_THAT(told("137438953472", 128 * kib_per_gib), HasSubstr("not less than all memory"));
  EXPECT_THAT(told("67108864", 64 * kib_per_mib), HasSubstr("0.1 GiB in /etc/modprobe.d/zfs.conf afterwards"));
  EXPECT_THAT(told("\"34359738368\"", 32 * kib_per_gib), HasSubstr("s/\"*zfs_arc_max=[^ ]*/zfs_arc_max="));
}

TEST(DealtOut, EvenlyAsFarAsEachNodeReaches) {
  auto nodes = two_nodes();
  EXPECT_EQ(dealt_out({kib_per_gib, {}, 7}, nodes), (std::map<int, std::uint64_t>{{0, 4}, {1, 3}}));
  nodes[0].memory = 16 * kib_per_gib;
  EXPECT_EQ(dealt_out({kib_per_gib, {}, 60}, nodes), (std::map<int, std::uint64_t>{{0, 16}, {1, 44}}));
  nodes[0].memory = 0;
  EXPECT_EQ(dealt_out({kib_per_gib, {}, 60}, nodes), (std::map<int, std::uint64_t>{{1, 60}}));
  EXPECT_EQ(dealt_out({kib_per_gib, {{0, 2}, {1, 3}}, 0}, nodes), (std::map<int, std::uint64_t>{{0, 2}, {1, 3}}));
}

TEST(Baseline, RemembersWhatWasPutIn) {
  Baseline baseline;
  baseline.edits = {{"etc/kernel/cmdline", {"hugepagesz=1G", "hugepages=4"}, {"iommu=pt"}},
                    {"etc/kernel/cmdline", {}, {}}};
  EXPECT_EQ(parse_baseline(to_toml(baseline), "f"), baseline);
}

// On a machine -------------------------------------------------------------------------------------------------------

TEST(MemoryUsers, AreReadFromProxmoxVeAndProcesses) {
  SplitHost split;
  split.host.set_file("etc/pve/qemu-server/114.conf", "name: router\nonboot: 1\n" + std::string(good));
  split.host.set_file("etc/pve/qemu-server/115.conf", "memory: 2048\n");
  split.host.set_file("etc/pve/qemu-server/116.conf", "template: 1\n" + std::string(good));
  split.host.set_file("etc/pve/lxc/200.conf", "hostname: files\nmemory: 512\nonboot: 1\n");
  split.host.set_file("proc/812/status", "Name:\txmrig\nHugetlbPages:\t    4096 kB\n");
  split.host.set_file("proc/812/numa_maps", "7f00 default file=/dev/hugepages/x huge N1=2 kernelpagesize_kB=2048\n");
  const MemoryUsers users = split.state().snapshot.memory_users;
  EXPECT_TRUE(users.known && users.proxmox_ve);
  ASSERT_EQ(users.pages.size(), 2u);
  EXPECT_EQ(to_string(users.pages[0]), "VM 114 (router)");
  EXPECT_EQ(users.pages[0].needs, (PageCounts{{{0, kib_per_gib}, 8}}));
  EXPECT_TRUE(users.pages[0].on_boot);
  EXPECT_EQ(to_string(users.pages[1]), "xmrig (process 812)");
  EXPECT_EQ(users.pages[1].holds, (PageCounts{{{1, 2048}, 2}}));
  ASSERT_EQ(users.ordinary.size(), 2u);
  EXPECT_EQ(users.ordinary[1].memory, 512 * kib_per_mib);
}

TEST(MemoryUsers, WhatARunningVmHoldsIsNotWhatItMayGrowTo) {
  SplitHost split;
  const auto resident = [&](const std::string& status) {
    split.host.set_file("run/qemu-server/115.pid", "4711\n");
    split.host.set_file("proc/4711/cmdline",
                        std::string("kvm\0-id\000115\0-pidfile\0/var/run/qemu-server/115.pid\0-m\0002048\0", 58));
    split.host.set_file("proc/4711/status", status);
    return split.state().snapshot.memory_users.resident.at(115);
  };
  EXPECT_EQ(resident("RssAnon:\t 1024 kB\nRssFile:\t 512 kB\nRssShmem:\t 64 kB\n"), 1088u);
  EXPECT_EQ(resident("RssAnon:\t 4194304 kB\n"), 2 * kib_per_gib) << "QEMU's own part comes back with it";
  EXPECT_EQ(resident("VmRSS:\t 2048 kB\n"), 2048u);
  EXPECT_EQ(resident("Name:\tkvm\n"), 2 * kib_per_gib) << "nobody knows: at most this";
}

TEST(MemoryUsers, PagesInNoProcessAreOfFilesOrOfSomebodyUnknown) {
  SplitHost split;
  split.host.set_file("etc/pve/qemu-server/115.conf",
                      "memory: 2048\nnuma: 1\nnuma0: cpus=0,hostnodes=1,memory=2048,policy=bind\n");
  split.host.set_pages(0, kib_per_gib, 8);
  split.host.use_pages(0, kib_per_gib, 3);
  MemoryUsers users = split.state().snapshot.memory_users;
  EXPECT_EQ(users.ordinary.at(0).bound, (std::map<int, Kib>{{1, 2 * kib_per_gib}}));
  ASSERT_EQ(users.pages.size(), 1u);
  EXPECT_TRUE(users.pages[0].unknown());
  EXPECT_EQ(users.pages[0].holds, (PageCounts{{{0, kib_per_gib}, 3}}));
  split.host.set_file("dev/hugepages/left", "x");
  users = split.state().snapshot.memory_users;
  EXPECT_EQ(to_string(users.pages.at(0)), "files in /dev/hugepages");
}

TEST(ZfsSettings, AreReadAsModprobeAndTheKernelDo) {
  SplitHost split;
  split.host.set_file("proc/spl/kstat/zfs/arcstats", "x\nname type data\nsize 4 1024\n");
  const auto set = [&](const std::string& text) {
    split.host.set_file("etc/modprobe.d/zfs.conf", text);
    const auto cache = split.state().snapshot.zfs_cache;
    return cache && cache->set ? *cache->set : ZfsCache::Setting{"none", "", 0, false};
  };
  constexpr Kib eight = 8 * kib_per_gib;
  for (const char* line :
       {"options zfs zfs_arc_max=8589934592\n", "options zfs zfs_arc_max=\"8589934592\"\n",
        "options zfs \"zfs_arc_max=8589934592\"\n", "options zfs zfs_arc_min=1 \\\n  zfs_arc_max=8589934592\n",
        "options \\\nzfs zfs_arc_max=8589\\\n934592\n"}) {
    EXPECT_EQ(set(line).most, eight) << line;
    EXPECT_TRUE(set(line).valid) << line;
  }
  EXPECT_FALSE(set("options zfs zfs_arc_max=\"8G\"\n").valid);
  EXPECT_EQ(set("# options zfs \\\noptions zfs zfs_arc_max=8589934592\n").where, "none") << "a comment goes on, too";
}

TEST(MemoryUsers, WhomHighAvailabilityIgnoresStartsAsOnbootSays) {
  SplitHost split;
  split.host.set_file("etc/pve/qemu-server/115.conf", "memory: 2048\nonboot: 1\n");
  split.host.set_file("etc/pve/ha/resources.cfg", "vm: 115\n\tstate ignored\n");
  EXPECT_TRUE(split.state().snapshot.memory_users.ordinary.at(0).on_boot);
  split.host.set_file("etc/pve/ha/resources.cfg", "vm: 115\n\tstate stopped\n");
  EXPECT_FALSE(split.state().snapshot.memory_users.ordinary.at(0).on_boot);
}

TEST(MemoryUsers, AThirdVmKeepsItsPagesThroughApplyBootAndUndo) {
  SplitHost split;
  split.host.set_file("etc/pve/qemu-server/114.conf", "name: router\nonboot: 1\n" + std::string(good));
  split.configure("[vm.101]\nnode = 0\nmemory = \"8GiB\"\n");
  ASSERT_TRUE(split.apply_now().ok());
  EXPECT_EQ(split.pages(0), 16u);
  EXPECT_TRUE(split.plan_now().steps.empty());
  split.host.set_pages(0, kib_per_gib, 0);
  ASSERT_TRUE(carry_out(split.context(), EarlyBoot{}).ok());
  EXPECT_EQ(split.pages(0), 16u);
  split.host.use_pages(0, kib_per_gib, 8);
  ASSERT_TRUE(carry_out(split.context(), Undo{}).ok());
  EXPECT_EQ(split.pages(0), 8u) << "those in use stay";
}

}  // namespace
}  // namespace hostsplit
