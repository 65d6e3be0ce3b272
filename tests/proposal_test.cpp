// Proposals as text: tests/proposals/<case>.txt holds what is proposed on a recorded machine, and why, or why there is
// none. Each that is possible must apply without an error. HOSTSPLIT_REGENERATE=1 rewrites the expected files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/error.hpp"
#include "core/proposal/cores.hpp"
#include "core/proposal/proposal.hpp"
#include "formats/toml/documents.hpp"
#include "host/inventory/inventory.hpp"
#include "operations/report/setup_report.hpp"
#include "operations/setup.hpp"
#include "support/machine_file.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using testing::SplitHost;

struct Case {
  const char* name;
  const char* machine;
  std::map<int, const char*> vms = {};   ///< of Proxmox VE, and lines of each
  std::vector<const char*> wishes = {};  ///< as after --vm
  bool learned = true;                   ///< two sockets of each controller have names
  const char* config = "";               ///< hostsplit.toml
};

constexpr auto plain = "memory: 4096\ncores: 4\nonboot: 1\nmachine: q35\n";
constexpr auto small = "memory: 2048\ncores: 2\n";

const std::vector<Case> all_cases = {
    {"article-two-halves", "trx40-article", {{101, plain}, {102, plain}}},
    {"article-three-vms", "trx40-article", {{101, plain}, {102, plain}, {103, plain}}, {"101", "102", "103="}},
    {"article-three-vms-with-sockets",
     "trx40-article",
     {{101, plain}, {102, plain}, {103, plain}},
     {"101", "102", "103"}},
    {"article-four-vms",
     "trx40-article",
     {{101, plain}, {102, plain}, {103, plain}, {104, plain}},
     {"101", "102", "103=", "104="}},
    {"article-unequal", "trx40-article", {{101, plain}, {102, plain}}, {"101:20GiB", "102:50GiB"}},
    {"article-over-both-nodes", "trx40-article", {{101, plain}}, {"101=:100GiB"}},
    {"article-large-and-small", "trx40-article", {{101, plain}, {102, plain}}, {"101:80GiB", "102:16GiB"}},
    {"article-too-large", "trx40-article", {{101, plain}, {102, plain}}, {"101:80GiB", "102:80GiB"}},
    {"article-one-vm", "trx40-article", {{101, plain}}},
    {"article-no-vms", "trx40-article"},
    {"article-a-template", "trx40-article", {{101, plain}, {102, "memory: 4096\ntemplate: 1\n"}}, {"101", "102"}},
    {"article-no-such-vm", "trx40-article", {{101, plain}}, {"101", "777"}},
    {"article-not-learned", "trx40-article", {{101, plain}, {102, plain}}, {}, false},
    {"article-memory-only", "trx40-article", {{101, plain}, {102, plain}}, {"101=", "102="}, false},
    {"article-one-group-twice", "trx40-article", {{101, plain}, {102, plain}}, {"101=port-5", "102=port-7"}},
    {"article-the-keyboard", "trx40-article", {{101, plain}, {102, plain}}, {"101=port-1", "102=port-3"}},
    {"article-no-such-port", "trx40-article", {{101, plain}}, {"101=front-9"}},
    {"article-ordinary-guests",
     "trx40-article",
     {{101, plain}, {102, plain}, {105, "memory: 16384\nonboot: 1\n"}},
     {"101", "102"}},
    {"article-small-vms-beside", "trx40-article", {{101, plain}, {102, plain}, {105, small}}},
    {"creator-two-halves", "trx40-creator", {{101, plain}, {102, plain}}},
    {"creator-three-vms", "trx40-creator", {{101, plain}, {102, plain}, {103, plain}}, {"101", "102", "103"}},
    {"x570-two-halves", "x570", {{101, plain}, {102, plain}}},
    {"x570-one-vm", "x570", {{101, plain}}},
    {"z690-two-halves", "z690-thunderbolt", {{101, plain}, {102, plain}}},
    {"z690-memory-only", "z690-thunderbolt", {{101, plain}, {102, plain}}, {"101=", "102="}},
    {"dl380p-two-halves", "ehci-dl380p", {{101, plain}, {102, plain}}},
    {"four-nodes-two-halves", "four-nodes", {{101, plain}, {102, plain}}, {"101=", "102="}},
    {"four-nodes-four-vms",
     "four-nodes",
     {{101, plain}, {102, plain}, {103, plain}, {104, plain}},
     {"101=", "102=", "103=", "104="}},
    {"small-two-halves", "small-two-nodes", {{101, plain}, {102, plain}}, {"101=", "102="}},
    {"article-floor-of-the-owner",
     "trx40-article",
     {{101, plain}, {102, plain}},
     {},
     true,
     "version = 1\n[host]\nkeep_free = \"4GiB\"\n"},
};

/// Two sockets of each controller with root hubs, named port-1, port-2, ... in the order of addresses.
PortMap learn_all(const Snapshot& snapshot) {
  PortMap map;
  for (const auto& [address, controller] : snapshot.controllers)
    for (const auto* path : {"1", "2"}) {
      const bool there =
          std::any_of(snapshot.ports.begin(), snapshot.ports.end(), [&, at = address](const UsbPort& port) {
            return port.controller == at && port.half == UsbHalf::usb2 && port.path == path;
          });
      if (!there) continue;
      LearnedPort port;
      port.label = "port-" + std::to_string(map.ports.size() + 1);
      port.controller = snapshot.function(address)->fingerprint;
      port.usb2 = LearnedHalf{path, true};
      map.ports.push_back(port);
    }
  return map;
}

void build(testing::FakeHost& host, const Case& each) {
  testing::build_machine(host, testing::machine_path(std::string(each.machine) + ".toml"));
  for (const auto* path : {"etc/hostsplit/hostsplit.toml", "var/lib/hostsplit/ports.toml", "etc/pve"})
    std::filesystem::remove_all(host.path(path));
  host.set_file("etc/pve/storage.cfg", "dir: local\n\tpath /var/lib/vz\n\tcontent iso,vztmpl,backup\n");
  for (const auto& [id, lines] : each.vms) host.set_file("etc/pve/qemu-server/" + std::to_string(id) + ".conf", lines);
  if (*each.config) host.set_file("etc/hostsplit/hostsplit.toml", each.config);
  if (each.learned) host.set_file("var/lib/hostsplit/ports.toml", to_toml(learn_all(inventory(host.root()))));
}

class ProposalCase : public ::testing::TestWithParam<Case> {};

TEST_P(ProposalCase, IsAsExpectedAndApplies) {
  testing::FakeHost host;
  build(host, GetParam());
  const Root root(host.directory());
  std::vector<PartWanted> wishes;
  for (const auto* wish : GetParam().wishes) wishes.push_back(parse_guest_wish(wish));
  const SetupOffer offer = offer_setup(root, wishes, Others::keep);
  std::string text = setup_text(offer, Paint{});
  for (auto at = text.find(host.directory()); at != std::string::npos; at = text.find(host.directory()))
    text.erase(at, host.directory().size());
  const std::string expected = std::string(TESTS_DIR) + "/proposals/" + GetParam().name + ".txt";
  if (std::getenv("HOSTSPLIT_REGENERATE")) std::ofstream(expected) << text;
  std::ifstream in(expected);
  std::ostringstream kept;
  kept << in.rdbuf();
  EXPECT_EQ(text, kept.str());
  if (offer.proposal.possible()) {
    EXPECT_FALSE(has_errors(offer.plan.findings));
  } else {
    for (const auto& obstacle : offer.proposal.obstacles) EXPECT_NE(obstacle.remedy, "") << obstacle.code;
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, ProposalCase, ::testing::ValuesIn(all_cases), [](const auto& test) {
  std::string name = test.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(PartWantedText, IsReadAsWritten) {
  EXPECT_EQ(parse_guest_wish("101"), (PartWanted{101, {}, {}, {}}));
  EXPECT_EQ(parse_guest_wish("101:56GiB"), (PartWanted{101, {}, 56 * kib_per_gib, {}}));
  EXPECT_EQ(parse_guest_wish("101="), (PartWanted{101, std::vector<std::string>(), {}, {}}));
  EXPECT_EQ(parse_guest_wish("101=front-1,front-2:56GiB"),
            (PartWanted{101, std::vector<std::string>{"front-1", "front-2"}, 56 * kib_per_gib, {}}));
  for (const auto* text : {"", "x", "99", "101:56", "101:0GiB", "101-front", "101=a,,b", "101=a/b", "1010000000000"})
    EXPECT_THROW(parse_guest_wish(text), Error) << text;
}

Snapshot node_with(const CpuSet& cpus, std::vector<CpuSet> cores, std::vector<CpuSet> caches) {
  Snapshot snapshot;
  snapshot.nodes[0].cpus = cpus;
  snapshot.topology = {std::move(cores), std::move(caches)};
  return snapshot;
}

TEST(ShareCores, KeepsSiblingsTogether) {
  const auto snapshot =
      node_with({0, 1, 2, 3, 4, 5, 6, 7}, {{0, 4}, {1, 5}, {2, 6}, {3, 7}}, {{0, 1, 2, 3, 4, 5, 6, 7}});
  const auto shares = share_cores(snapshot, snapshot.nodes.at(0), {1, 1});
  ASSERT_TRUE(shares);
  EXPECT_EQ(to_string((*shares)[0].cpus), "0-1,4-5");
  EXPECT_EQ(to_string((*shares)[1].cpus), "2-3,6-7");
  const auto uneven = share_cores(snapshot, snapshot.nodes.at(0), {3, 1});
  EXPECT_EQ(to_string((*uneven)[0].cpus), "0-2,4-6");
}

TEST(ShareCores, EachKindOfCoreIsSharedOut) {
  auto snapshot = node_with({0, 1, 2, 3, 4, 5, 6, 7}, {{0, 1}, {2, 3}, {4}, {5}, {6}, {7}}, {});
  snapshot.topology.kinds = {{0, 1, 2, 3}, {4, 5, 6, 7}};
  const auto shares = share_cores(snapshot, snapshot.nodes.at(0), {1, 1});
  ASSERT_TRUE(shares);
  EXPECT_EQ(to_string((*shares)[0].cpus), "0-1,4-5");
  EXPECT_EQ(to_string((*shares)[1].cpus), "2-3,6-7");
  EXPECT_EQ((*shares)[0].why, (Reason{Reason::Kind::mixed_cores, 3}));
}

TEST(ShareCores, TakesWholeCachesWhereThereAreEnough) {
  const auto snapshot = node_with({0, 1, 2, 3}, {{0}, {1}, {2}, {3}}, {{0, 2}, {1, 3}});
  const auto shares = share_cores(snapshot, snapshot.nodes.at(0), {1, 1});
  EXPECT_EQ(to_string((*shares)[0].cpus), "0,2");
  EXPECT_EQ((*shares)[0].why.kind, Reason::Kind::whole_caches);
}

TEST(ShareCores, UnknownSiblingsAndTooFewCores) {
  const auto unknown = node_with({0, 1, 2, 3}, {}, {});
  EXPECT_EQ((*share_cores(unknown, unknown.nodes.at(0), {1, 1}))[0].why.kind, Reason::Kind::single_cpus);
  const auto one = node_with({0, 1}, {{0, 1}}, {});
  EXPECT_FALSE(share_cores(one, one.nodes.at(0), {1, 1}));
}

}  // namespace
}  // namespace hostsplit
