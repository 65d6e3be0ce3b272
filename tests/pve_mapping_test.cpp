// PCI resource mappings of a cluster: what is made of the applied plan, how it is merged into a file others write to as
// well, and how a cluster that takes no changes is told.
#include "core/checks/pve_mapping.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "formats/proxmox/pci_mapping.hpp"
#include "formats/proxmox/vm_config.hpp"
#include "host/effects/cluster_file.hpp"
#include "operations/mapping.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::SplitHost;

PveMapping mapping(const std::string& id, const char* address, const std::string& node = "pve1") {
  return {id, {{node, {{parse_pci_address(address).value(), false}}, "1022:148c", "1043:87c0", 60}}};
}

const PveMapping front = mapping("hostsplit-101-1", "0000:03:00.3");
constexpr auto front_entry = "\tmap id=1022:148c,iommugroup=60,node=pve1,path=0000:03:00.3,subsystem-id=1043:87c0\n";
constexpr auto head = "hostsplit-101-1\n\tdescription written by hostsplit, for the VM in its name\n";

std::string merged(const std::string& text, const std::vector<PveMapping>& ours, const std::string& node = "pve1") {
  return merge_pve_mappings(text, ours, node, "pci.cfg");
}

TEST(PveMapping, IntoAnEmptyFileAndOutAgain) {
  const std::string once = merged("", {front});
  EXPECT_EQ(once, std::string(head) + front_entry);
  EXPECT_EQ(merged(once, {front}), once) << "the second time does nothing";
  EXPECT_EQ(merged(once, {}), "");
  std::vector<Finding> findings;
  EXPECT_EQ(parse_pve_mappings(once, "pci.cfg", findings), std::vector<PveMapping>{front}) << "it reads back";
  EXPECT_TRUE(findings.empty());
}

struct Merge {
  const char* what;
  std::string before, after;
};

// Everything that is not an entry of this node in a mapping of hostsplit stays byte for byte.
TEST(PveMapping, OthersStayAsTheyAre) {
  const std::string other_node = "\tmap id=1022:148c,iommugroup=9,node=pve2,path=0000:0a:00.3,subsystem-id=1043:87c0\n";
  const std::string foreign =
      "front-usb\n\tdescription sockets in front\n\tmap id=1022:148c,node=pve1,path=0000:03:00.3\n";
  const std::string ours = std::string(head) + front_entry;
  for (const auto& [what, before, after] : std::vector<Merge>{
           {"another mapping", foreign, foreign + "\n" + ours},
           {"without an end of line", foreign.substr(0, foreign.size() - 1), foreign + "\n" + ours},
           {"with a blank line at the end", foreign + "\n", foreign + "\n" + ours},
           {"another node in ours", "hostsplit-101-1\n" + other_node,
            std::string("hostsplit-101-1\n") + front_entry + other_node},
           {"an old entry of ours", "hostsplit-101-1\n\tmap id=1022:149c,node=pve1,path=0000:44:00.1\n" + other_node,
            std::string("hostsplit-101-1\n") + front_entry + other_node},
           {"two old entries of ours",
            "hostsplit-101-1\n\tmap id=1022:149c,node=pve1,path=0000:44:00.1\n" + std::string(front_entry),
            std::string("hostsplit-101-1\n") + front_entry},
           {"properties in another order",
            "hostsplit-101-1\n\tmap node=pve1,path=0000:03:00.3,id=1022:148c,subsystem-id=1043:87c0,"
            "iommugroup=60\n",
            "hostsplit-101-1\n\tmap node=pve1,path=0000:03:00.3,id=1022:148c,subsystem-id=1043:87c0,iommugroup=60\n"},
           {"a mapping nobody wants any more", foreign + "\nhostsplit-102-1\n" + front_entry + "\n" + ours,
            foreign + "\n" + ours},
           {"the same, with another node in it",
            "hostsplit-102-1\n" + std::string(front_entry) + other_node + "\n" + ours,
            "hostsplit-102-1\n" + other_node + "\n" + ours},
           {"comments and properties nobody knows",
            "# by hand\n\nhostsplit-101-1\n\tmdev 1\n\tnew-thing x\n" + other_node,
            std::string("# by hand\n\nhostsplit-101-1\n") + front_entry + "\tmdev 1\n\tnew-thing x\n" + other_node},
           {"names that only look like ours", "hostsplit-101\n\tmap node=pve1\n\nhostsplit-a-1\n\tmap node=pve1\n\n",
            "hostsplit-101\n\tmap node=pve1\n\nhostsplit-a-1\n\tmap node=pve1\n\n" + ours},
           {"an entry that says no node", "hostsplit-101-1\n\tmap id=1022:149c,path=0000:44:00.1\n",
            std::string("hostsplit-101-1\n") + front_entry + "\tmap id=1022:149c,path=0000:44:00.1\n"},
           {"blanks instead of a tab, and CRLF", "front-usb\r\n  map node=pve1,path=x\r\n",
            "front-usb\r\n  map node=pve1,path=x\r\n\n" + ours},
           {"a node whose name begins alike", "hostsplit-101-1\n\tmap id=1022:148c,node=pve11,path=0000:03:00.3\n",
            std::string("hostsplit-101-1\n") + front_entry + "\tmap id=1022:148c,node=pve11,path=0000:03:00.3\n"},
       }) {
    EXPECT_EQ(merged(before, {front}), after) << what;
    EXPECT_EQ(merged(after, {front}), after) << what << ", a second time";
  }
}

TEST(PveMapping, RemovingTakesOnlyThisNode) {
  const std::string both =
      merged(merged("x\n\tmap node=pve1\n", {front}), {mapping("hostsplit-101-1", "0000:0a:00.3", "pve2")}, "pve2");
  EXPECT_THAT(both, HasSubstr("node=pve1,path=0000:03:00.3"));
  EXPECT_THAT(both, HasSubstr("node=pve2,path=0000:0a:00.3"));
  const std::string one = merged(both, {}, "pve1");
  EXPECT_THAT(one, Not(HasSubstr("node=pve1,path=0000:03:00.3")));
  EXPECT_THAT(one, HasSubstr("node=pve2,path=0000:0a:00.3"));
  EXPECT_EQ(merged(one, {}, "pve2"), "x\n\tmap node=pve1\n");
}

// Into a file that is not understood whole nothing is written: what would be lost cannot be told.
TEST(PveMapping, AFileThatMakesNoSenseIsLeftAlone) {
  const std::vector<std::array<std::string, 3>> broken{
      {"a property first", "\tmap node=pve1\n", "pci.cfg:1"},
      {"a property after a blank line", "x\n\tmap node=pve1\n\n\tmap node=pve2\n", "pci.cfg:4"},
      {"a header of two words", "front usb\n\tmap node=pve1\n", "pci.cfg:1"},
      {"sections of another file", "pci: front\n\tmap node=pve1\n", "pci.cfg:1"},
      {"ours twice", "hostsplit-101-1\n\tmap node=pve2\n\nhostsplit-101-1\n\tmap node=pve3\n", "pci.cfg:4"},
      {"no text", std::string("x\n\tmap \0\n", 9), "pci.cfg"},
  };
  for (const auto& [what, text, where] : broken) {
    try {
      merged(text, {front});
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr(where)) << what;
      EXPECT_FALSE(error.remedy().empty());
    }
  }
  EXPECT_THROW(merged(std::string((1 << 20) - 20, '#'), {front}), Error) << "1 MiB";
}

/// Two VMs on a node of a cluster.
struct Cluster : ::testing::Test {
  SplitHost split;
  Cluster() {
    split.configure_two_vms();
    split.host.set_file("etc/pve/.members", "{}");
    split.host.set_link("etc/pve/local", "nodes/pve1");
    split.host.set_file("etc/pve/nodes/pve1/qemu-server/101.conf", "memory: 8192\n");
    split.host.set_file("etc/pve/priv/known_hosts", "");
  }
  std::string file() const { return split.host.file(names::pci_mapping_file); }
  MappingChange change(bool remove = false) const { return mapping_change(split.root, remove); }
};

TEST_F(Cluster, OneMappingForEachFunctionOfWhatWasApplied) {
  EXPECT_THROW(change(), Error) << "nothing was applied";
  ASSERT_TRUE(split.apply_now().ok());
  const auto wanted = change();
  ASSERT_EQ(wanted.ours.size(), 3u);
  EXPECT_EQ(wanted.ours[0].id, "hostsplit-101-1");
  EXPECT_EQ(wanted.ours[1].id, "hostsplit-102-1");
  EXPECT_EQ(wanted.ours[2].id, "hostsplit-102-2");
  const auto& entry = wanted.ours[0].entries.at(0);
  EXPECT_EQ(entry.node, "pve1");
  EXPECT_EQ(to_string(entry.addresses.at(0).address), "0000:03:00.3");
  EXPECT_EQ(entry.ids, "1022:148c");
  EXPECT_TRUE(entry.group);
  EXPECT_THAT(mapping_text(wanted), HasSubstr("qm set 102 --hostpci1 mapping=hostsplit-102-2"));
  const auto json = nlohmann::json::parse(mapping_json(wanted, false));
  EXPECT_EQ(json["mappings"].size(), 3u);
  EXPECT_EQ(json["changes"], true);
  EXPECT_EQ(json["mappings"][0]["path"], "0000:03:00.3");

  write_mappings(split.context(), wanted);
  EXPECT_EQ(file(), wanted.after);
  EXPECT_EQ(split.audit.records.back().result, "done");
  EXPECT_EQ(split.audit.records.back().to, "/etc/pve/mapping/pci.cfg");
  EXPECT_EQ(change().before, change().after) << "the second time there is nothing to do";
  EXPECT_FALSE(split.root.exists("etc/pve/priv/lock/file-mapping_pci_cfg")) << "the lock is given back";
  EXPECT_EQ(split.root.list("etc/pve/mapping"), std::vector<std::string>{"pci.cfg"}) << "nothing lies beside it";

  write_mappings(split.context(), change(true));
  EXPECT_EQ(file(), "");
}

TEST_F(Cluster, AFunctionThatIsGoneGetsNone) {
  ASSERT_TRUE(split.apply_now().ok());
  split.host.remove("sys/bus/pci/devices/0000:44:00.3");
  const auto wanted = change();
  EXPECT_EQ(wanted.ours.size(), 2u);
  EXPECT_EQ(wanted.ours[1].id, "hostsplit-102-1") << "the other keeps its name";
  ASSERT_EQ(wanted.findings.size(), 1u);
  EXPECT_EQ(wanted.findings[0].code, "claim-absent");
}

TEST_F(Cluster, WithoutProxmoxVeItIsSaid) {
  split.host.remove("etc/pve");
  EXPECT_THROW(change(), Error);
}

TEST_F(Cluster, WhoeverWritesInBetweenIsNotOverwritten) {
  ASSERT_TRUE(split.apply_now().ok());
  const auto wanted = change();
  split.host.set_file(names::pci_mapping_file, "somebody\n\tmap node=pve2\n");
  EXPECT_THROW(write_mappings(split.context(), wanted), Error);
  EXPECT_EQ(file(), "somebody\n\tmap node=pve2\n");
  EXPECT_EQ(split.audit.records.back().result, "failed");
  EXPECT_FALSE(split.root.exists("etc/pve/priv/lock/file-mapping_pci_cfg"));
}

TEST_F(Cluster, ALockThatIsHeldIsWaitedForAndLeftAlone) {
  split.host.set_file("etc/pve/priv/lock/file-mapping_pci_cfg/x", "");
  try {
    replace_cluster_file(split.root, names::pci_mapping_file, "", "x\n", 10ms);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("another node of the cluster is changing it"));
  }
  EXPECT_TRUE(split.root.exists("etc/pve/priv/lock/file-mapping_pci_cfg"));
  EXPECT_FALSE(split.root.exists(names::pci_mapping_file));
}

// pmxcfs refuses every change of a node without quorum with EACCES; a user who may not write stands for it.
TEST_F(Cluster, WithoutQuorumNothingChangesAndTheReasonIsTold) {
  if (geteuid() != 0) GTEST_SKIP() << "needs another user";
  ASSERT_TRUE(split.apply_now().ok());
  const auto wanted = change();
  const auto applied = split.host.file(names::boot_plan_file);
  for (const char* directory : {"", "etc", "etc/pve", "etc/pve/priv"}) chmod(split.host.path(directory).c_str(), 0755);
  ASSERT_EQ(seteuid(65534), 0);
  std::string said;
  try {
    write_mappings(split.context(), wanted);
  } catch (const Error& error) {
    said = error.what();
  }
  ASSERT_EQ(seteuid(0), 0);
  EXPECT_THAT(said, HasSubstr("no quorum"));
  EXPECT_THAT(said, HasSubstr("pvecm status"));
  EXPECT_FALSE(split.root.exists(names::pci_mapping_file));
  EXPECT_EQ(split.host.file(names::boot_plan_file), applied);
}

}  // namespace
}  // namespace hostsplit
