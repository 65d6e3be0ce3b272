// Verify: what QEMU's command line and the kernel's files say, and what is made of it.
#include "core/checks/verify.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "formats/proc/numa_maps.hpp"
#include "formats/proc/process_files.hpp"
#include "formats/proc/qemu_command.hpp"
#include "host/guests/guest_pages.hpp"
#include "host/guests/guests.hpp"
#include "operations/report/verify_report.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using testing::SplitHost;

std::string joined(const std::vector<std::string>& arguments) {
  std::string text;
  for (const auto& argument : arguments) text += argument + '\0';
  return text;
}

TEST(QemuCommand, IsReadAsProxmoxVeWritesIt) {
  const auto command = parse_qemu_command(joined(
      {"/usr/bin/kvm", "-id", "101", "-name", "fluent-a,debug-threads=on", "-pidfile", "/var/run/qemu-server/101.pid",
       "-m", "57344", "-object",
       "memory-backend-file,id=ram-node0,size=57344M,mem-path=/run/hugepages/kvm/1048576kB,share=on,prealloc=yes,"
       "host-nodes=0,policy=bind",
       "-numa", "node,nodeid=0,cpus=0-31,memdev=ram-node0", "-device",
       "vfio-pci,host=0000:03:00.3,id=hostpci0,bus=ich9-pcie-port-1,addr=0x0", "-device", "VGA,id=vga"}));
  EXPECT_EQ(command.vm, 101);
  EXPECT_EQ(command.pid_file, "/var/run/qemu-server/101.pid");
  EXPECT_EQ(command.memory, 56 * kib_per_gib);
  ASSERT_EQ(command.backends.size(), 1u);
  EXPECT_EQ(command.backends[0], (MemoryBackend{"ram-node0", 56 * kib_per_gib, true, {0}, "bind", kib_per_gib}));
  ASSERT_EQ(command.functions.size(), 1u);
  EXPECT_EQ(to_string(command.functions[0]), "0000:03:00.3");
  EXPECT_EQ(ordinary_memory(command), 0u);
}

TEST(QemuCommand, JsonIsReadToo) {
  const auto command = parse_qemu_command(joined(
      {"kvm", "-m", "size=4194304k", "-object",
       R"({"host-nodes":[0,1],"id":"ram0","mem-path":"/dev/hugepages/x","policy":"bind","qom-type":"memory-backend-file","size":4294967296})",
       "-device", R"({"driver":"vfio-pci","host":"0000:44:00.1","id":"hostpci0"})"}));
  ASSERT_EQ(command.backends.size(), 1u);
  EXPECT_EQ(command.backends[0].size, 4 * kib_per_gib);
  EXPECT_EQ(command.backends[0].host_nodes, (std::vector<int>{0, 1}));
  EXPECT_EQ(command.memory, 4 * kib_per_gib);
  ASSERT_EQ(command.functions.size(), 1u);
}

TEST(QemuCommand, MemoryOutsideOfHugePagesIsTold) {
  EXPECT_EQ(ordinary_memory(parse_qemu_command(joined({"kvm", "-m", "2G"}))), 2 * kib_per_gib);
  EXPECT_EQ(ordinary_memory(parse_qemu_command(
                joined({"kvm", "-m", "1024", "-object", "memory-backend-ram,id=a,size=1G,host-nodes=0,policy=bind"}))),
            kib_per_gib);
  EXPECT_EQ(ordinary_memory(parse_qemu_command(
                joined({"kvm", "-m", "1024", "-object", "memory-backend-memfd,id=a,size=1G,hugetlb=on"}))),
            0u);
}

TEST(QemuCommand, GarbageIsNothing) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv, "kvm"sv, "-m"sv, "kvm\0-m"sv, "kvm\0-object\0{\"a\":["sv, "kvm\0-object\0{{{]]]\"\0"sv})
    EXPECT_EQ(parse_qemu_command(text).vm, std::nullopt);
}

constexpr auto maps_text =
    "55f858af0000 default file=/usr/bin/qemu mapped=1123 active=0 N0=1123 kernelpagesize_kB=4\n"
    "7f0000000000 bind:0 file=/run/hugepages/kvm/1048576kB/qemu_back_mem.ram-node0.x\\040(deleted) huge dirty=2 N0=2 "
    "kernelpagesize_kB=1048576\n"
    "7f4240000000 bind:1 file=/memfd:x\\040(deleted) huge dirty=3 N1=3 kernelpagesize_kB=2048\n"
    "7f5000000000 default\n"
    "7f6000000000 default heap anon=10 dirty=10 N0=4 N1=6 kernelpagesize_kB=4\n"
    "nonsense N=3 Nx=1 N1= kernelpagesize_kB=four\n";

TEST(NumaMaps, EachLineCountsInItsOwnPageSize) {
  const auto pages = parse_numa_maps(maps_text);
  EXPECT_EQ(pages, (GuestPages{{{2048, {{1, 3}}}, {kib_per_gib, {{0, 2}}}}, 4 * (1127 + 6)}));
}

TEST(ProcessFiles, StatusIsReadByKey) {
  constexpr auto text =
      "Name:\tkvm\nHugetlbPages:\t 2097152 kB\nRssAnon:\t   20480 kB\nThreads:\t4\nRssFile:\tmany kB\n";
  EXPECT_EQ(status_value(text, "Name"), "kvm");
  EXPECT_EQ(status_value(text, "Nam"), "");
  EXPECT_EQ(status_size(text, "HugetlbPages"), 2 * kib_per_gib);
  EXPECT_EQ(status_size(text, "RssAnon"), 20 * kib_per_mib);
  for (const auto* key : {"Threads", "RssFile", "RssShmem", "Name"}) EXPECT_EQ(status_size(text, key), 0u) << key;
}

TEST(ProcessFiles, MappingsThatHaveAFile) {
  EXPECT_EQ(
      parse_file_mappings("55f858af0000-55f858c00000 r-xp 00000000 fe:01 1234       /usr/bin/qemu\n"
                          "7f4240000000-7f42c0000000 rw-s 00000000 00:14 42 /run/hugepages/kvm/x (deleted)\n"
                          "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0                          [stack]\n"
                          "7f0000000000-7e0000000000 rw-s 00000000 00:14 42 /backwards\n"
                          "garbage\n-\n\n7f43-7f44"),
      (std::vector<Mapping>{{0x55f858af0000, 0x55f858c00000, "fe:01"}, {0x7f4240000000, 0x7f42c0000000, "00:14"}}));
}

TEST(GuestPages, OfAProcessWithoutHugePagesAreWhatTheKernelSumsUp) {
  RunningGuest self;
  self.pid = getpid();
  self.command.memory = 8 * kib_per_gib;
  read_guest_pages(Root(), self, false);
  ASSERT_TRUE(self.pages) << self.pages_unread;
  EXPECT_TRUE(self.pages->huge.empty());
  EXPECT_GT(self.pages->ordinary, 1000u);
}

TEST(GuestPages, FromHugetlbfsAreFoundByTheirAddress) {
  constexpr std::size_t size = 4 << 20;
  const int file = memfd_create("guest", MFD_HUGETLB | MFD_HUGE_2MB | MFD_CLOEXEC);
  void* memory = file < 0 || ftruncate(file, size) != 0
                     ? MAP_FAILED
                     : mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "no two free pages of 2 MiB here; the VM bench has some";
  static_cast<volatile char*>(memory)[0] = 1;  // the second page is never touched
  RunningGuest self;
  self.pid = getpid();
  read_guest_pages(Root(), self, false);
  munmap(memory, size);
  close(file);
  ASSERT_TRUE(self.pages) << self.pages_unread;
  ASSERT_EQ(self.pages->huge.size(), 1u);
  ASSERT_EQ(self.pages->huge.count(2048), 1u);
  std::uint64_t pages = 0;
  for (const auto& [node, count] : self.pages->huge.at(2048)) pages += count;
  EXPECT_EQ(pages, 1u);
}

TEST(Interrupts, OfVfioAreFoundByTheirFunction) {
  const auto found = parse_vfio_interrupts(
      "           CPU0       CPU1\n"
      "  24:          0          0  IR-PCI-MSIX-0000:01:00.0   0-edge      xhci_hcd\n"
      " 131:          7          0  IR-PCI-MSIX-0000:03:00.3   0-edge      vfio-msix[0](0000:03:00.3)\n"
      " NMI:          0          0   Non-maskable interrupts\n");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].number, 131);
  EXPECT_EQ(to_string(found[0].function), "0000:03:00.3");
}

/// A guest of 2 GiB on node 0 of a machine with two nodes, as everything should be. Each test spoils one thing.
struct Judged : ::testing::Test {
  PciAddress address{0, 3, 0, 3};
  RunningGuest guest;
  GuestWish wish;
  GuestHost host;

  Judged() {
    guest.vm = 101;
    guest.pid = 4711;
    guest.command.memory = 2 * kib_per_gib;
    guest.command.backends = {{"ram-node0", 2 * kib_per_gib, true, {0}, "bind"}};
    guest.command.functions = {address};
    guest.pages = GuestPages{{{kib_per_gib, {{0, 2}}}}, 90 * kib_per_mib};
    guest.threads = {{4711, "kvm", {0, 1}}, {4712, "CPU 0/KVM", {0, 1}}, {4713, "CPU 1/KVM", {1}}};
    guest.interrupts = {{131, address, {0}}};
    guest.groups = {60};
    wish.vm = 101;
    wish.name = "fluent-a";
    wish.memory = {{0, 2 * kib_per_gib}};
    wish.page_size = kib_per_gib;
    wish.cpus = CpuSet{0, 1};
    wish.functions = {{address, {}, 101, {{Cause::Kind::port, "front-1"}}}};
    for (const int id : {0, 1}) {
      host.nodes[id].id = id;
      host.nodes[id].cpus = id == 0 ? CpuSet{0, 1} : CpuSet{2, 3};
      host.nodes[id].pools = {{kib_per_gib, 3, 1, 0}};
    }
    host.functions[address] = {address, {}, "vfio-pci", "vfio-pci", 60, 0};
  }
  std::vector<Verdict> check_health() const { return judge_guest(guest, wish, host); }
  std::vector<Verdict> wrong() const {
    auto verdicts = check_health();
    std::erase_if(verdicts, [](const Verdict& v) { return v.kind != Verdict::Kind::wrong; });
    return verdicts;
  }
  std::vector<std::string> wrong_checks() const {
    std::vector<std::string> checks;
    for (const auto& verdict : wrong()) checks.push_back(verdict.check);
    return checks;
  }
};

using Checks = std::vector<std::string>;

TEST_F(Judged, AGoodPlacementIsRightThroughout) {
  for (const auto& verdict : check_health())
    EXPECT_EQ(verdict.kind, Verdict::Kind::right) << verdict.check << verdict.found;
  EXPECT_EQ(check_health().size(), 7u);
}

TEST_F(Judged, WrongNode) {
  guest.pages->huge[kib_per_gib] = {{1, 2}};
  EXPECT_EQ(wrong_checks(), (Checks{"memory", "memory"}));
  EXPECT_EQ(wrong()[1].subject, "node 1");
  EXPECT_THAT(wrong()[0].remedy, HasSubstr("could not be read"));
  wish.in_pve = true;
  EXPECT_THAT(wrong()[0].remedy, HasSubstr("shut the VM down and start it"));
  wish.remedy = "qm set 101 --numa 1";
  EXPECT_EQ(wrong()[0].remedy, "qm set 101 --numa 1");
}

TEST_F(Judged, PartlyOnAnotherNode) {
  guest.pages->huge[kib_per_gib] = {{0, 1}, {1, 1}};
  EXPECT_EQ(wrong_checks(), (Checks{"memory", "memory"}));
  EXPECT_EQ(wrong()[0].found, "1024 MiB in huge pages");
}

TEST_F(Judged, SmallerPagesThanWanted) {
  guest.pages->huge = {{2048, {{0, 1024}}}};
  EXPECT_EQ(wrong_checks(), Checks{"page-size"});
}

TEST_F(Judged, NoHugePagesAtAllIsSeenWithoutReadingAnyPage) {
  guest.command.backends.clear();
  guest.pages.reset();
  guest.pages_unread = "not read";
  EXPECT_EQ(wrong_checks(), Checks{"page-size"});
}

TEST_F(Judged, NoHugePagesAtAllAndForced) {
  guest.command.backends.clear();
  guest.pages = GuestPages{{}, 2110 * kib_per_mib};
  EXPECT_EQ(wrong_checks(), (Checks{"page-size", "memory", "overhead"}));
}

TEST_F(Judged, OneThreadElsewhereIsNamed) {
  guest.threads[1].allowed = {0, 1, 2};
  ASSERT_EQ(wrong_checks(), Checks{"cpus"});
  EXPECT_EQ(wrong()[0].subject, "thread 4712 (CPU 0/KVM)");
  EXPECT_THAT(wrong()[0].remedy, HasSubstr("--affinity 0-1"));
}

TEST_F(Judged, ManyThreadsElsewhereAreOneLine) {
  for (auto& thread : guest.threads) thread.allowed = {0, 1, 2, 3};
  ASSERT_EQ(wrong_checks(), Checks{"cpus"});
  EXPECT_THAT(wrong()[0].subject, HasSubstr("3 threads"));
}

// Whatever said so: the configuration, or the affinity of Proxmox VE.
TEST_F(Judged, ThreadsOnAnotherNodeThanTheMemoryAreWrongEvenWhereTheyAreWanted) {
  wish.cpus = CpuSet{0, 1, 2, 3};
  for (auto& thread : guest.threads) thread.allowed = {2, 3};
  ASSERT_EQ(wrong_checks(), Checks{"cpus"});
  EXPECT_THAT(wrong()[0].found, HasSubstr("CPUs 2-3, and its memory is on node 0"));
  EXPECT_EQ(wrong()[0].wanted, "CPUs 0-1");
  EXPECT_THAT(wrong()[0].remedy, HasSubstr("for t in /proc/4711/task/*; do taskset -pc 0-1 ${t##*/}; done"));
}

TEST_F(Judged, AControllerOnAnotherNodeIsANote) {
  host.functions[address].node = 1;
  EXPECT_TRUE(wrong_checks().empty());
  const auto verdicts = judge_guest(guest, wish, host);
  const auto far = std::find_if(verdicts.begin(), verdicts.end(), [](const auto& v) { return v.check == "function"; });
  ASSERT_NE(far, verdicts.end());
  EXPECT_EQ(far->kind, Verdict::Kind::note);
  EXPECT_THAT(far->found, HasSubstr("on node 1 while the VM's memory is on another"));
}

TEST_F(Judged, WrongDriver) {
  host.functions[address].driver = "xhci_hcd";
  guest.groups.clear();
  guest.interrupts.clear();
  ASSERT_EQ(wrong_checks(), Checks{"function"});
  EXPECT_EQ(wrong()[0].found, "xhci_hcd, group 60");
}

TEST_F(Judged, AFunctionOnItsCommandLineThatItDoesNotHold) {
  guest.groups = {61};
  EXPECT_EQ(wrong_checks(), Checks{"function"});
}

TEST_F(Judged, AFunctionTheVmWasStartedWithoutIsANote) {
  guest.command.functions.clear();
  guest.interrupts.clear();
  EXPECT_TRUE(wrong().empty());
  EXPECT_EQ(check_health().back().kind, Verdict::Kind::note);
}

TEST_F(Judged, AVanishedFunction) {
  host.functions.clear();
  EXPECT_EQ(wrong_checks(), Checks{"function"});
}

TEST_F(Judged, InterruptsElsewhereAreANote) {
  guest.interrupts[0].cpus = {3};
  EXPECT_TRUE(wrong().empty());
  EXPECT_EQ(check_health().back().kind, Verdict::Kind::note);
  EXPECT_THAT(check_health().back().remedy, HasSubstr("/proc/irq/131/"));
}

TEST_F(Judged, ToomuchOrdinaryMemory) {
  guest.pages->ordinary = 390 * kib_per_mib;  // 288 are allowed
  EXPECT_TRUE(wrong().empty()) << "all memory of the guest is in huge pages";
  const auto verdicts = check_health();
  const auto found =
      std::find_if(verdicts.begin(), verdicts.end(), [](const auto& v) { return v.check == "overhead"; });
  ASSERT_NE(found, verdicts.end());
  EXPECT_EQ(found->kind, Verdict::Kind::note);
  EXPECT_THAT(found->remedy, HasSubstr("QEMU itself uses it"));
  guest.command.beside_on_huge = kib_per_gib;
  EXPECT_EQ(wrong_checks(), Checks{"overhead"}) << "a part of the huge pages is shared memory";
}

// nosmt: siblings stay in what a thread may use, and are in no node.
TEST_F(Judged, CpusThatAreSwitchedOffCountForNothing) {
  for (auto& thread : guest.threads) thread.allowed.insert({8, 9});
  guest.interrupts[0].cpus = {0, 8};
  for (const auto& verdict : check_health())
    EXPECT_EQ(verdict.kind, Verdict::Kind::right) << verdict.check << verdict.found;
  wish.cpus = CpuSet{0, 1, 8, 9};
  EXPECT_TRUE(wrong().empty()) << "as the affinity says";
  guest.threads[1].allowed = {2, 8};
  ASSERT_EQ(wrong_checks(), Checks{"cpus"});
  EXPECT_EQ(wrong()[0].found, "may run on CPUs 2");
}

TEST_F(Judged, NotRunningIsNoMistake) {
  guest = {};
  guest.vm = 101;
  EXPECT_TRUE(wrong().empty());
  EXPECT_EQ(check_health()[0].found, "not running");
}

TEST_F(Judged, AStalePidFileIs) {
  guest = {};
  guest.vm = 101;
  guest.distrust = "process 4711 is not this VM";
  EXPECT_EQ(wrong_checks(), Checks{"process"});
}

TEST_F(Judged, AGuestNothingIsSaidAboutIsTold) {
  wish = {};
  guest.pages->huge[2048] = {{0, 64}};
  EXPECT_TRUE(wrong().empty());
  EXPECT_EQ(check_health()[1].found, "2176 MiB in huge pages") << "each page in its own size";
}

TEST_F(Judged, TwoNodesInOneVm) {
  wish.memory = {{0, kib_per_gib}, {1, kib_per_gib}};
  EXPECT_EQ(wrong_checks(), (Checks{"memory", "memory"}));
  guest.pages->huge[kib_per_gib] = {{0, 1}, {1, 1}};
  EXPECT_TRUE(wrong().empty());
}

TEST_F(Judged, PoolsAgainstTheReservationAndTheWaiting) {
  const std::vector<Reservation> reserved{{0, kib_per_gib, 3, {101}, {{101, 3}}},
                                          {1, kib_per_gib, 3, {102}, {{102, 3}}}};
  RunningGuest other;
  other.vm = 102;
  GuestWish other_wish;
  other_wish.vm = 102;
  other_wish.memory = {{1, 2 * kib_per_gib}};
  other_wish.page_size = kib_per_gib;
  const std::vector<std::pair<RunningGuest, GuestWish>> guests{{guest, wish}, {other, other_wish}};
  auto verdicts = judge_pools(host.nodes, reserved, guests);
  ASSERT_EQ(verdicts.size(), 2u);
  EXPECT_EQ(verdicts[0].kind, Verdict::Kind::right);
  EXPECT_THAT(verdicts[0].found, HasSubstr("2 in VM 101"));
  EXPECT_EQ(verdicts[1].kind, Verdict::Kind::wrong) << "one page is free and VM 102 needs two";
  EXPECT_EQ(verdicts[1].wanted, "2 free for VM 102");
  host.nodes[0].pools[0] = {kib_per_gib, 2, 0, 0};
  verdicts = judge_pools(host.nodes, reserved, guests);
  EXPECT_EQ(verdicts[0].kind, Verdict::Kind::wrong) << "three are reserved and two are there";
  host.nodes[0].pools[0] = {kib_per_gib, 4, 1, 1};
  EXPECT_EQ(judge_pools(host.nodes, reserved, guests)[0].kind, Verdict::Kind::note) << "surplus";
}

TEST(Wish, ComesFromHostsplitFirstAndFromProxmoxVeWhereThatSaysNothing) {
  std::map<int, NumaNode> nodes;
  nodes[0].cpus = {0, 1};
  nodes[1].cpus = {2, 3};
  PveVm pve;
  pve.id = 101;
  pve.name = "from-pve";
  pve.hugepages = PvePages::big;
  pve.numa_nodes = {{0, {0}, {1}, 2 * kib_per_gib, "bind"}};
  pve.affinity = CpuSet{3};
  GuestWish wish = wish_for(101, std::nullopt, std::nullopt, &pve, &pve, nodes);
  EXPECT_EQ(wish.memory, (std::map<int, Kib>{{1, 2 * kib_per_gib}}));
  EXPECT_EQ(wish.cpus, CpuSet{3});
  EXPECT_EQ(wish.name, "from-pve");
  Config config;
  config.vms[101].node = 0;
  config.vms[101].memory = kib_per_gib;
  pve.affinity.reset();
  wish = wish_for(101, config, std::nullopt, &pve, &pve, nodes);
  EXPECT_EQ(wish.memory, (std::map<int, Kib>{{0, kib_per_gib}}));
  EXPECT_EQ(wish.cpus, (CpuSet{0, 1})) << "those of the node";
}

TEST(Wish, WhatWaitsForTheNextStartIsNotToBeTypedAgain) {
  std::map<int, NumaNode> nodes;
  nodes[0].cpus = {0, 1};
  PveVm now;
  now.id = 101;
  now.cores = 2;
  PveVm next = now;
  next.numa = next.keep_hugepages = true;
  next.balloon = 0;
  next.hugepages = PvePages::big;
  next.memory = 2 * kib_per_gib;
  next.numa_nodes = {{0, {0, 1}, {0}, 2 * kib_per_gib, "bind"}};
  next.affinity = CpuSet{0, 1};
  next.host_pci = {{0, {}, "sockets"}};
  Config config;
  config.vms[101].id = 101;
  config.vms[101].node = 0;
  config.vms[101].memory = 2 * kib_per_gib;
  EXPECT_THAT(wish_for(101, config, std::nullopt, &now, &now, nodes).remedy, HasSubstr("qm set 101"));
  const auto wish = wish_for(101, config, std::nullopt, &now, &next, nodes);
  EXPECT_EQ(wish.remedy, "Its configuration is already right: shut the VM down and start it");
  EXPECT_EQ(wish.host_pci.size(), 1u);
  EXPECT_EQ(wish.next_affinity, (CpuSet{0, 1}));
}

/// A guest as files.
struct Verified : ::testing::Test {
  SplitHost split;
  void start(int vm, int pid, int node, const std::string& pid_file = {}) {
    const auto file = pid_file.empty() ? fmt::format("/var/run/qemu-server/{}.pid", vm) : pid_file;
    const auto proc = fmt::format("proc/{}/", pid);
    split.host.set_file(fmt::format("run/qemu-server/{}.pid", vm), fmt::format("{}\n", pid));
    split.host.set_file(proc + "cmdline",
                        joined({"kvm", "-id", std::to_string(vm), "-pidfile", file, "-m", "8192", "-object",
                                fmt::format("memory-backend-file,id=ram-node0,size=8192M,mem-path=/run/hugepages/kvm/"
                                            "1048576kB,share=on,prealloc=yes,host-nodes={},policy=bind",
                                            node),
                                "-device", "vfio-pci,host=0000:03:00.3"}));
    split.host.set_file(proc + "numa_maps",
                        fmt::format("7f00 bind:{} file=/x huge dirty=8 N{}=8 kernelpagesize_kB=1048576\n", node, node));
    split.host.set_file(
        proc + "task/" + std::to_string(pid) + "/status",
        fmt::format("Name:\tkvm\nCpus_allowed:\tf\nCpus_allowed_list:\t{}\n", node == 0 ? "0-31" : "32-63"));
    split.host.set_link(proc + "fd/9", "/dev/vfio/60");
    split.host.use_pages(node, kib_per_gib, 8);
  }
  std::vector<std::string> wrong(const Proof& proof) {
    std::vector<std::string> checks;
    for (const auto& guest : proof.guests)
      for (const auto& verdict : guest.verdicts)
        if (verdict.kind == Verdict::Kind::wrong) checks.push_back(fmt::format("{} {}", guest.vm, verdict.check));
    for (const auto& verdict : proof.pools)
      if (verdict.kind == Verdict::Kind::wrong) checks.push_back("pool " + verdict.subject);
    return checks;
  }
  void SetUp() override {
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
  }
};

TEST_F(Verified, AGoodGuest) {
  start(101, 4711, 0);
  Proof proof = verify(split.root, {}, false);
  EXPECT_EQ(wrong(proof), Checks{}) << proof_text(proof, {});
  EXPECT_TRUE(proof.ok());
  EXPECT_EQ(proof.guests.size(), 2u);
  EXPECT_EQ(proof.guests[0].pid, 4711);
  EXPECT_THAT(proof_text(proof, {}), HasSubstr("Nothing is wrong; VM 102 is not running."));
  proof = verify(split.root, {101}, false);
  EXPECT_THAT(proof_text(proof, {}), HasSubstr("Everything is as wanted."));
  proof.guests[0].verdicts.push_back({Verdict::Kind::note, "interrupts", "0000:03:00.3", "2 interrupts", "", ""});
  EXPECT_THAT(proof_text(proof, {}), HasSubstr("Everything is as wanted.")) << "nothing can be done about it";
  proof.guests[0].verdicts.back().remedy = "echo 0 > /proc/irq/91/smp_affinity_list";
  EXPECT_THAT(proof_text(proof, {}), HasSubstr("Nothing is wrong; 1 note."));
  EXPECT_THAT(proof_text(verify(split.root, {102}, false), {}), HasSubstr("VM 102 is not running: nothing is proven."));
  EXPECT_THAT(proof_json(proof), HasSubstr("\"ok\": true"));
}

TEST_F(Verified, OnTheWrongNode) {
  start(101, 4711, 1);
  const Proof proof = verify(split.root, {101}, false);
  EXPECT_EQ(wrong(proof), (Checks{"101 memory", "101 memory", "101 cpus", "pool node 1, 1 GiB"}))
      << proof_text(proof, {});
  EXPECT_EQ(proof.guests.size(), 1u);
}

TEST_F(Verified, AnotherProcessWithTheSameNumber) {
  start(101, 4711, 0, "/var/run/qemu-server/102.pid");
  EXPECT_EQ(wrong(verify(split.root, {101}, false)), (Checks{"101 process", "pool node 0, 1 GiB"}))
      << "its pages are gone all the same";
}

TEST_F(Verified, GiantsInOrdinaryPagesAreOnlyWalkedWhenForced) {
  start(101, 4711, 0);
  split.host.set_file("proc/4711/cmdline",
                      joined({"kvm", "-id", "101", "-pidfile", "/var/run/qemu-server/101.pid", "-m", "8192"}));
  split.host.set_file("proc/4711/numa_maps", "7f00 default anon=2097152 N0=2097152 kernelpagesize_kB=4\n");
  const RunningGuest guest = read_guest(split.root, 101, false);
  EXPECT_FALSE(guest.pages.has_value());
  EXPECT_THAT(guest.pages_unread, HasSubstr("--force"));
  EXPECT_TRUE(read_guest(split.root, 101, true).pages.has_value());
  EXPECT_EQ(wrong(verify(split.root, {101}, false)), Checks{"101 page-size"});
  EXPECT_EQ(wrong(verify(split.root, {101}, true)), (Checks{"101 page-size", "101 memory", "101 overhead"}));
}

TEST_F(Verified, WhomNobodyKnowsIsAWrongWord) {
  EXPECT_THROW(verify(split.root, {999}, false), Error);
}

}  // namespace
}  // namespace hostsplit
