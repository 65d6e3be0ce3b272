// What stands in the way of reserved pages: guests of Proxmox VE against configuration, pools and command line.
#include "core/checks/pve_lint.hpp"
#include "core/memory/kernel_command_line.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/memory/pool_shrink.hpp"
#include "core/memory/pools.hpp"
#include "core/memory/pve_start.hpp"
#include "formats/proxmox/vm_config.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

struct Reads {
  const char* command_line;
  std::uint64_t gigantic, huge;
};

// As PVE::QemuServer::Memory goes through the words.
TEST(PagesPveReads, FromTheKernelCommandLine) {
  for (const auto& [line, gigantic, huge] : {
           Reads{"", 0, 0},
           Reads{"ro quiet", 0, 0},
           Reads{"hugepagesz=1G hugepages=120", 120, 0},
           Reads{"hugepages=64", 0, 64},
           Reads{"hugepages=64 hugepagesz=1G hugepages=4", 4, 64},
           Reads{"hugepagesz=2M hugepages=512 hugepagesz=1G hugepages=4", 4, 512},
           Reads{"default_hugepagesz=1G hugepages=120", 0, 120},
           Reads{"default_hugepagesz=1G hugepagesz=1G hugepages=120", 120, 0},
           Reads{"hugepagesz=1G hugepages=0:60,1:60", 0, 0},
           Reads{"hugepagesz=1G hugepages=0:60,1:60 hugepages=120", 120, 0},
           Reads{"hugepagesz=1G hugepages=4 hugepages=8", 4, 0},
           Reads{"hugepagesz=1024M hugepages=4", 0, 4},
           Reads{"hugepagesz=1g hugepages=4", 0, 4},
           Reads{"hugepagesz=1G hugepages=", 0, 0},
           Reads{"hugepagesz=1G hugepages=4x", 0, 0},
           Reads{"xhugepagesz=1G hugepages=4", 0, 4},
       }) {
    EXPECT_EQ(pages_pve_reads(line, kib_per_gib), gigantic) << line;
    EXPECT_EQ(pages_pve_reads(line, 2 * kib_per_mib), huge) << line;
  }
}

constexpr auto good =
    "numa: 1\nhugepages: 1024\nkeephugepages: 1\nballoon: 0\nmemory: 8192\ncores: 8\naffinity: 0-3\n"
    "numa0: cpus=0-7,hostnodes=0,memory=8192,policy=bind\n";

struct Lint : ::testing::Test {
  PveConfigs pve;
  Config config;
  Snapshot snapshot;

  Lint() {
    pve.known = true;
    for (const int id : {0, 1}) {
      snapshot.nodes[id].id = id;
      snapshot.nodes[id].cpus = id == 0 ? CpuSet{0, 1, 2, 3} : CpuSet{4, 5, 6, 7};
    }
    guest(101, good);
    wish(101, 0, 8);
  }
  void guest(int id, const std::string& text) { pve.vms[id] = parse_pve_vm(id, text, "f", pve.findings); }
  void changed(const std::string& from, const std::string& to) {
    std::string text = good;
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    guest(101, text.replace(at, from.size(), to));
  }
  void wish(int id, int node, std::uint64_t gib) {
    VmWish& vm = config.vms[id];
    vm.id = id;
    vm.node = node;
    vm.memory = gib * kib_per_gib;
  }
  std::vector<Finding> lint() const { return lint_pve(pve, config, snapshot, wanted_pages(config)); }
  std::vector<std::string> codes() const {
    std::vector<std::string> found;
    for (const auto& finding : lint()) found.push_back(finding.code);
    return found;
  }
  std::string remedy(const std::string& code) const {
    const auto found = lint();
    const auto* finding = testing::find(found, code);
    return finding ? finding->remedy : "no finding " + code;
  }
};

using Codes = std::vector<std::string>;

TEST_F(Lint, AGoodGuestHasNothingAgainstIt) {
  EXPECT_EQ(codes(), Codes{});
}

TEST_F(Lint, AnUnknownProxmoxVeIsNotAnEmptyOne) {
  pve = {};
  EXPECT_EQ(codes(), Codes{"pve-unknown"});
}

TEST_F(Lint, AGuestThatIsNotThere) {
  pve.vms.clear();
  EXPECT_EQ(codes(), Codes{"pve-vm-unknown"});
}

TEST_F(Lint, WithoutKeepHugepagesTheStartTrimsThePool) {
  changed("keephugepages: 1\n", "");
  EXPECT_EQ(codes(), Codes{"pve-trims-pool"});
  EXPECT_EQ(remedy("pve-trims-pool"), "qm set 101 --keephugepages 1");
  snapshot.command_line = "hugepagesz=1G hugepages=8";
  EXPECT_EQ(codes(), Codes{}) << "it trims to what is reserved anyway";
  snapshot.command_line = "hugepagesz=1G hugepages=0:8 hugepages=8";
  EXPECT_EQ(codes(), Codes{});
  snapshot.command_line = "hugepagesz=1G hugepages=0:8";
  EXPECT_EQ(codes(), Codes{"pve-trims-pool"});
}

TEST_F(Lint, AGuestHostsplitDoesNotKnowCanTrimToo) {
  guest(900, "numa: 1\nhugepages: any\nmemory: 1024\n");
  EXPECT_EQ(codes(), Codes{"pve-trims-pool"});
  EXPECT_EQ(remedy("pve-trims-pool"), "qm set 900 --keephugepages 1");
  guest(900, "template: 1\nnuma: 1\nhugepages: any\n");
  EXPECT_EQ(codes(), Codes{}) << "templates do not start";
}

TEST_F(Lint, OneMistakeEach) {
  const struct {
    const char *from, *to, *code, *remedy;
  } mistakes[] = {
      {"numa: 1\n", "", "pve-numa-off", "qm set 101 --numa 1"},
      {"hugepages: 1024\nkeephugepages: 1\n", "", "pve-no-hugepages", "qm set 101 --hugepages 1024 --keephugepages 1"},
      {"hugepages: 1024", "hugepages: 2", "pve-page-size", "qm set 101 --hugepages 1024"},
      {"balloon: 0\n", "", "pve-balloon", "qm set 101 --balloon 0"},
      {"balloon: 0\n", "balloon: 4096\n", "pve-balloon", "qm set 101 --balloon 0"},
      {"affinity: 0-3\n", "", "pve-affinity", "qm set 101 --affinity 0-3"},
      {"affinity: 0-3\n", "affinity: 4-7\n", "pve-affinity", "qm set 101 --affinity 0-3"},
      {"hostnodes=0", "hostnodes=1", "pve-memory-differs",
       "qm set 101 --numa0 cpus=0-7,hostnodes=0,memory=8192,policy=bind"},
      {"hostnodes=0,", "", "pve-numa-node", "qm set 101 --numa0 cpus=0-7,hostnodes=0,memory=8192,policy=bind"},
      {",policy=bind", "", "pve-numa-node", "qm set 101 --numa0 cpus=0-7,hostnodes=0,memory=8192,policy=bind"},
      {"cores: 8\n", "cores: 8\nhotplug: disk,memory\n", "pve-hotplug-numa", "qm set 101 --hotplug disk"},
      {"numa0: cpus=0-7,hostnodes=0,memory=8192,policy=bind\n", "hotplug: memory\n", "pve-hotplug-memory",
       "qm set 101 --hotplug 0 --numa0 cpus=0-7,hostnodes=0,memory=8192,policy=bind"},
      {"hostnodes=0,", "hostnodes=0-0,", "pve-numa-node",
       "qm set 101 --numa0 cpus=0-7,hostnodes=0,memory=8192,policy=bind"},
      {"cores: 8\n", "cores: 4\n", "pve-no-start", "qm set 101 --numa0 cpus=0-3,hostnodes=0,memory=8192,policy=bind"},
      {"cores: 8\n", "cores: 9\n", "pve-no-start",
       "qm set 101 --cores 4 --numa0 cpus=0-3,hostnodes=0,memory=8192,policy=bind"},
      {"cores: 8\n", "cores: 8\nvcpus: 9\n", "pve-no-start", "qm set 101 --delete vcpus"},
      {"cores: 8\n", "cores: 8\nhostpci0: 0000:03:00.0,pcie=1\n", "pve-no-start",
       "Correct it in the web interface, under Hardware and Options of the VM"},
      {"numa0: ", "numa1: ", "pve-no-start",
       "qm set 101 --numa0 cpus=0-7,hostnodes=0,memory=8192,policy=bind --delete numa1"},
      {"hugepages: 1024\nkeephugepages: 1\n", "hugepages: 2\n", "pve-page-size",
       "qm set 101 --hugepages 1024 --keephugepages 1"},
      {"affinity: 0-3\n", "affinity: 0-1, 2-4\n", "pve-affinity", "qm set 101 --affinity 0-3"},
      {"cores: 8\n", "cores: 8\nlock: backup\n", "pve-locked", ""},
      {"cores: 8\n", "cores: 8\nmemory: 4096\n", "pve-memory-differs", "qm set 101 --memory 8192"},
      {"balloon: 0\n", "balloon: 0\n[PENDING]\nmemory: 4096\n[x]\n", "pve-pending", ""},
  };
  for (const auto& mistake : mistakes) {
    pve.findings.clear();
    changed(mistake.from, mistake.to);
    EXPECT_EQ(remedy(mistake.code), mistake.remedy) << mistake.code;
  }
}

TEST_F(Lint, MemoryThatNoLineMakesStartIsNotReserved) {
  const auto refused = [&] { return testing::find(check_startable(config, pve, snapshot.nodes), "pve-cannot-place"); };
  EXPECT_FALSE(refused());
  changed("cores: 8\n", "cores: 8\nargs: -object memory-backend-memfd,id=m,size=8G -numa node,memdev=m\n");
  EXPECT_TRUE(refused());
  config.guests = GuestPolicy::set;
  EXPECT_TRUE(refused());
  pve.known = false;
  EXPECT_FALSE(refused()) << "nothing is known";
  pve.known = true;
  guest(101, "memory: 8192\nargs: -object memory-backend-memfd,id=m,size=8G,hugetlb=on -numa node,memdev=m\n");
  config.guests = GuestPolicy::print;
  EXPECT_FALSE(refused()) << "it takes the pages by itself";
  guest(101, "memory: 8192\nargs: -numa dist,src=0,dst=0,val=10 -device ivshmem-plain,memdev=m\n");
  EXPECT_FALSE(refused()) << "memory of another device";
  guest(101, "memory: 8192\ncores: 1\n");
  EXPECT_FALSE(refused());
  config.vms[101].node.reset();
  config.vms[101].memory = 0;
  config.vms[101].spread = {{0, 4 * kib_per_gib}, {1, 4 * kib_per_gib}};
  EXPECT_TRUE(refused()) << "a numa line would have no CPU";
  pve.vms.clear();
  EXPECT_FALSE(refused()) << "it is not made yet";
}

TEST_F(Lint, HotplugWithoutMemoryIsNoMistake) {
  for (const char* kinds : {"1", "0", "network,disk,usb"}) {
    changed("cores: 8\n", "cores: 8\nhotplug: " + std::string(kinds) + "\n");
    EXPECT_EQ(codes(), Codes{}) << kinds;
  }
}

// nosmt: siblings stay in the affinity, and are in no node.
TEST_F(Lint, CpusThatAreSwitchedOffStayInTheAffinity) {
  changed("affinity: 0-3\n", "affinity: 0-3,8-11\n");
  EXPECT_EQ(codes(), Codes{});
  changed("affinity: 0-3\n", "affinity: 0-1,8-9\n");
  EXPECT_EQ(codes(), Codes{}) << "fewer is a choice";
  changed("affinity: 0-3\n", "affinity: 0-4,8-11\n");
  EXPECT_EQ(remedy("pve-affinity"), "qm set 101 --affinity 0-3");
  changed("affinity: 0-3\n", "affinity: 8-11\n");
  EXPECT_EQ(codes(), Codes{"pve-affinity"}) << "none is left";
}

TEST_F(Lint, MemoryThatIsNoMultipleOfItsPages) {
  changed("memory: 8192\n", "memory: 8000\n");
  EXPECT_EQ(remedy("pve-memory-differs"), "qm set 101 --memory 8192");
  EXPECT_EQ(remedy("pve-memory-multiple"), "qm set 101 --memory 8192");
}

TEST_F(Lint, AVmOverTwoNodesGetsTwoLines) {
  config.vms[101].node.reset();
  config.vms[101].memory = 0;
  config.vms[101].spread = {{0, 4 * kib_per_gib}, {1, 4 * kib_per_gib}};
  config.vms[101].cpus = CpuSet{0, 1, 2, 3};
  EXPECT_EQ(codes(), Codes{"pve-memory-differs"});
  EXPECT_EQ(remedy("pve-memory-differs"),
            "qm set 101 --numa0 cpus=0-3,hostnodes=0,memory=4096,policy=bind --numa1 "
            "cpus=4-7,hostnodes=1,memory=4096,policy=bind");
}

TEST_F(Lint, TwoVmsThatStartTogetherWaitForOneLock) {
  guest(102, "onboot: 1\n" + std::string(good).replace(std::string(good).find("hostnodes=0"), 11, "hostnodes=1"));
  guest(101, "onboot: 1\n" + std::string(good));
  wish(102, 1, 8);
  pve.vms[102].affinity = CpuSet{4, 5, 6, 7};
  EXPECT_EQ(codes(), Codes{"pve-start-order"});
  EXPECT_EQ(remedy("pve-start-order"), "qm set 102 --startup order=1");
  pve.vms[102].start_order = 1;
  EXPECT_EQ(codes(), Codes{}) << "orders start one after the other";
  pve.vms[101].start_order = 1;
  pve.vms[102].stop_delay = 20;
  EXPECT_EQ(remedy("pve-start-order"), "qm set 102 --startup order=2,down=20") << "what else stands there stays";
  pve.managed[102] = true;
  EXPECT_EQ(codes(), Codes{}) << "high availability starts it, and does not look at the order";
  pve.managed[102] = false;
  EXPECT_EQ(codes(), Codes{}) << "nobody starts it";
}

/// Where nobody else may change places.
TEST_F(Lint, AnOrderDoesNotPutAVmBeforeAnotherOfTheOwner) {
  guest(102, "onboot: 1\n" + std::string(good).replace(std::string(good).find("hostnodes=0"), 11, "hostnodes=1"));
  guest(101, "onboot: 1\n" + std::string(good));
  wish(102, 1, 8);
  pve.vms[102].affinity = CpuSet{4, 5, 6, 7};
  pve.containers[105].on_boot = true;
  EXPECT_EQ(remedy("pve-start-order"), "qm set 102 --startup order=1") << "it starts last all the same";
  pve.containers[100].on_boot = true;
  EXPECT_THAT(remedy("pve-start-order"), ::testing::AllOf(HasSubstr("guest 100"), ::testing::Not(HasSubstr("qm set"))));
  pve.containers[100].start_order = 1;
  EXPECT_EQ(remedy("pve-start-order"), "qm set 102 --startup order=2");
  pve.vms[101].start_order = pve.vms[102].start_order = 2;
  pve.containers[105].start_order = 3;
  EXPECT_EQ(remedy("pve-start-order"), "qm set 102 --startup order=3") << "its number is smaller";
  pve.containers[90].on_boot = true;
  pve.containers[90].start_order = 3;
  EXPECT_EQ(remedy("pve-start-order"), "qm set 101 --startup order=1") << "behind 100 by its number";
}

NumaNode node_with(int id, std::uint64_t total, std::uint64_t free, std::uint64_t surplus) {
  NumaNode node;
  node.id = id;
  node.pools = {{kib_per_gib, total, free, surplus}};
  return node;
}

std::map<int, NumaNode> nodes_with(std::initializer_list<NumaNode> list) {
  std::map<int, NumaNode> nodes;
  for (const auto& node : list) nodes[node.id] = node;
  return nodes;
}

TEST(Wipe, AVmThatTakesPagesIsNone) {
  Snapshot now;
  now.nodes = nodes_with({node_with(0, 3, 1, 0), node_with(1, 3, 3, 0)});
  EXPECT_TRUE(recognise_wipes(nodes_with({node_with(0, 3, 3, 0), node_with(1, 3, 3, 0)}), now).empty());
}

TEST(Wipe, AWriteOfAnotherNumberIs) {
  Snapshot now;
  now.nodes = nodes_with({node_with(0, 2, 0, 2), node_with(1, 0, 0, 0)});
  const auto wipes = recognise_wipes(nodes_with({node_with(0, 3, 3, 0), node_with(1, 3, 3, 0)}), now);
  ASSERT_EQ(wipes.size(), 2u);
  EXPECT_EQ(wipes[0], (Wipe{0, kib_per_gib, 3, 0, 2, true}));
  EXPECT_EQ(wipes[1], (Wipe{1, kib_per_gib, 3, 0, 0, true}));
  EXPECT_THAT(describe(wipes[0], {101}), HasSubstr("qm set 101 --keephugepages 1"));
}

TEST(Wipe, OfOnePoolWhileTheOtherWasMendedAlready) {
  Snapshot now;
  now.nodes = nodes_with({node_with(0, 2, 0, 2), node_with(1, 3, 3, 0)});
  const auto wipes = recognise_wipes(nodes_with({node_with(0, 3, 3, 0), node_with(1, 3, 3, 0)}), now);
  ASSERT_EQ(wipes.size(), 1u);
  EXPECT_TRUE(wipes[0].like_pve);
  now.nodes = nodes_with({node_with(0, 1, 1, 0), node_with(1, 3, 3, 0)});
  EXPECT_FALSE(recognise_wipes(nodes_with({node_with(0, 3, 3, 0), node_with(1, 3, 3, 0)}), now)[0].like_pve)
      << "it writes 0";
}

TEST(Wipe, OfANumberProxmoxVeWouldNotWriteIsSomebodyElses) {
  Snapshot now;
  now.command_line = "hugepagesz=1G hugepages=6";
  now.nodes = nodes_with({node_with(0, 1, 1, 0), node_with(1, 3, 3, 0)});
  const auto wipes = recognise_wipes(nodes_with({node_with(0, 3, 3, 0), node_with(1, 3, 3, 0)}), now);
  ASSERT_EQ(wipes.size(), 1u);
  EXPECT_FALSE(wipes[0].like_pve);
  EXPECT_THAT(describe(wipes[0], {}), HasSubstr("some program wrote"));
}

}  // namespace
}  // namespace hostsplit
