// Configurations of Proxmox VE guests as text: tests/pve/*.conf and what must be read from each, in tests/pve/expected.
// HOSTSPLIT_REGENERATE=1 rewrites the expected files; the difference is reviewed like code.
#include "formats/proxmox/vm_config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/printable.hpp"
#include "host/inventory/proxmox.hpp"
#include "support/fake_host.hpp"

namespace hostsplit {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

template <class Number>
std::string or_dash(const std::optional<Number>& number) {
  return number ? fmt::format("{}", *number) : "-";
}

std::string addresses_text(const std::vector<PveHostAddress>& addresses) {
  std::string text;
  for (const auto& [address, whole, behind_vmd] : addresses)
    text += (text.empty() ? "" : ";") + to_string(address) + (whole ? " and its slot" : "");
  return text;
}

std::string cut(const std::string& text) {
  return printable(text.size() > 80 ? text.substr(0, 80) + fmt::format("... {} bytes", text.size()) : text);
}

std::string described(const PveVm& vm, const std::vector<Finding>& findings) {
  std::string text;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty() && value != "-") text += fmt::format("{}: {}\n", key, value);
  };
  add("name", cut(vm.name));
  add("memory", vm.memory ? format_size(*vm.memory) : "");
  add("balloon", vm.balloon ? format_size(*vm.balloon) : "");
  text += fmt::format("numa {} hugepages {} keep {} onboot {} template {} {}x{}\n", vm.numa, to_string(vm.hugepages),
                      vm.keep_hugepages, vm.on_boot, vm.is_template, vm.sockets, vm.cores);
  add("affinity", vm.affinity ? to_string(*vm.affinity) : "");
  add("cpu", vm.cpu);
  add("hotplug", vm.hotplug);
  add("args", cut(vm.args));
  add("hookscript", vm.hookscript);
  add("lock", vm.lock);
  add("start order", or_dash(vm.start_order));
  add("start delay", or_dash(vm.start_delay));
  for (const auto& node : vm.numa_nodes)
    text +=
        fmt::format("numa{}: guest cpus {} host nodes {} memory {} policy {}\n", node.index, to_string(node.guest_cpus),
                    fmt::join(node.host_nodes, ","), node.memory ? format_size(*node.memory) : "-", node.policy);
  for (const auto& pci : vm.host_pci)
    text +=
        fmt::format("hostpci{}: {}{}{}\n", pci.index, addresses_text(pci.addresses),
                    pci.mapping.empty() ? "" : "mapping " + pci.mapping, pci.keep_driver ? " keeps its driver" : "");
  for (const auto& [key, value] : vm.disks) text += fmt::format("disk {}: {}\n", key, value);
  for (const auto& [key, value] : vm.pending) text += fmt::format("pending {}: {}\n", key, value);
  if (!vm.pending_deletes.empty()) text += fmt::format("pending deletes: {}\n", fmt::join(vm.pending_deletes, ","));
  if (!vm.snapshots.empty()) text += fmt::format("snapshots: {}\n", fmt::join(vm.snapshots, ","));
  for (const auto& finding : findings) text += fmt::format("! {}: {}\n", finding.subject, finding.message);
  return text;
}

class PveConfigFile : public ::testing::TestWithParam<fs::path> {};

TEST_P(PveConfigFile, IsReadAsExpected) {
  const fs::path file = GetParam(), expected = file.parent_path() / "expected" / (file.stem().string() + ".txt");
  std::vector<Finding> findings;
  const PveVm vm = parse_pve_vm(101, slurp(file), file.filename(), findings);
  const std::string text = described(vm, findings);
  if (std::getenv("HOSTSPLIT_REGENERATE")) std::ofstream(expected, std::ios::binary) << text;
  EXPECT_EQ(text, slurp(expected)) << file;
}

TEST_P(PveConfigFile, CutOffAnywhereItIsStillRead) {
  const std::string text = slurp(GetParam());
  std::vector<Finding> findings;
  for (std::size_t end = 0; end < std::min<std::size_t>(text.size(), 800); ++end)
    EXPECT_EQ(parse_pve_vm(101, std::string_view(text).substr(0, end), "f", findings).id, 101);
}

std::vector<fs::path> corpus() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(TESTS_DIR) / "pve"))
    if (entry.path().extension() == ".conf") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string name_of(const ::testing::TestParamInfo<fs::path>& info) {
  std::string name = info.param.stem().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Corpus, PveConfigFile, ::testing::ValuesIn(corpus()), name_of);

TEST(PveCorpus, HasFortyFiles) {
  EXPECT_GE(corpus().size(), 40u);
}

TEST(PveMappings, DomainsOfIntelVmdAreTaken) {
  std::vector<Finding> findings;
  const auto vm = parse_pve_vm(106, "hostpci0: 10000:e1:00.0,pcie=1\nhostpci1: 10000:e1:00\n", "106.conf", findings);
  const auto mappings = parse_pve_mappings("ssd\n\tmap node=pve,path=10000:e1:00.0\n", "pci.cfg", findings);
  EXPECT_TRUE(findings.empty());
  ASSERT_EQ(vm.host_pci.size(), 2u);
  const PveHostAddress function{{}, false, "10000:e1:00.0"}, slot{{}, true, "10000:e1:00.0"};
  EXPECT_EQ(vm.host_pci[0].addresses, std::vector{function});
  EXPECT_EQ(vm.host_pci[1].addresses, std::vector{slot});
  ASSERT_EQ(mappings.size(), 1u);
  EXPECT_EQ(mappings[0].entries.at(0).addresses, std::vector{function});
  EXPECT_FALSE(means(slot, PciAddress{})) << "it is no address of its own";
}

TEST(PveMappings, AreReadPerNode) {
  std::vector<Finding> findings;
  const auto mappings = parse_pve_mappings(slurp(fs::path(TESTS_DIR) / "pve" / "mapping.cfg"), "pci.cfg", findings);
  ASSERT_EQ(mappings.size(), 3u);
  EXPECT_EQ(mappings[0].id, "front-usb");
  ASSERT_EQ(mappings[0].entries.size(), 2u);
  EXPECT_EQ(mappings[0].entries[1].node, "pve2");
  EXPECT_EQ(mappings[0].entries[0].group, 60);
  EXPECT_EQ(mappings[1].entries[0].addresses.size(), 2u);
  EXPECT_TRUE(mappings[2].entries.empty());
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].subject, "pci.cfg:11");
}

struct PveTree : ::testing::Test {
  testing::FakeHost host;
  void guest(int id, const std::string& text) {
    host.set_file(fmt::format("etc/pve/nodes/pve1/qemu-server/{}.conf", id), text);
    host.set_link("etc/pve/local", "nodes/pve1");
    host.set_link("etc/pve/qemu-server", "nodes/pve1/qemu-server");
  }
};

TEST_F(PveTree, WithoutPmxcfsNothingIsKnown) {
  EXPECT_FALSE(read_pve(host.root()).known);
  fs::create_directories(host.path("etc/pve"));
  EXPECT_FALSE(read_pve(host.root()).known) << "an empty mount point says nothing about guests";
}

TEST_F(PveTree, GuestsOfThisNodeAreRead) {
  guest(101, "memory: 4096\n");
  guest(102, "memory: never\n");
  host.set_file("etc/pve/nodes/pve1/qemu-server/notes.txt", "memory: 1\n");
  host.set_file("etc/pve/nodes/pve2/qemu-server/103.conf", "memory: 1024\n");
  const PveConfigs configs = read_pve(host.root());
  EXPECT_TRUE(configs.known);
  EXPECT_EQ(configs.node, "pve1");
  EXPECT_EQ(configs.vms.size(), 2u);
  ASSERT_EQ(configs.findings.size(), 1u);
  EXPECT_THAT(configs.findings[0].subject, HasSubstr("qemu-server/102.conf:1"));
}

TEST_F(PveTree, MappingsAreFollowedToThisNode) {
  guest(101, "hostpci0: mapping=front-usb\nhostpci1: mapping=nowhere\n");
  host.set_file("etc/pve/mapping/pci.cfg", slurp(fs::path(TESTS_DIR) / "pve" / "mapping.cfg"));
  const PveConfigs configs = read_pve(host.root());
  const auto& pci = configs.vm(101)->host_pci;
  ASSERT_EQ(addresses_of(pci.at(0), configs).size(), 1u);
  EXPECT_EQ(to_string(addresses_of(pci.at(0), configs)[0].address), "0000:03:00.3");
  EXPECT_TRUE(addresses_of(pci.at(1), configs).empty());
}

TEST_F(PveTree, NoGuestsIsAnAnswerToo) {
  guest(101, "memory: 4096\n");
  host.remove("etc/pve/nodes/pve1/qemu-server/101.conf");
  const PveConfigs configs = read_pve(host.root());
  EXPECT_TRUE(configs.known);
  EXPECT_TRUE(configs.vms.empty());
}

}  // namespace
}  // namespace hostsplit
