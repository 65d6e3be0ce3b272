#include "host/inventory/inventory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/usb/learn.hpp"
#include "formats/toml/documents.hpp"
#include "support/fake_host.hpp"
#include "support/machine_file.hpp"

namespace hostsplit::testing {
namespace {

namespace fs = std::filesystem;

PciAddress at(const char* text) {
  return *parse_pci_address(text);
}

Snapshot machine(const std::string& name) {
  FakeHost host;
  build_machine(host, machine_path(name + ".toml"));
  return inventory(host.root());
}

std::vector<std::string> uses(const Snapshot& snapshot, UseKind kind) {
  std::vector<std::string> lines;
  for (const auto& use : snapshot.uses)
    if (use.kind == kind)
      lines.push_back(use.name + " " + use.device + " " +
                      (!use.functions.empty() ? to_string(use.functions.front()) : "no PCI") +
                      (use.lifeline ? " lifeline" : ""));
  return lines;
}

const UsbPort* port(const Snapshot& snapshot, const std::string& name) {
  for (const auto& each : snapshot.ports)
    if (each.name == name) return &each;
  return nullptr;
}

bool has_finding(const Snapshot& snapshot, const std::string& code, const std::string& subject_end) {
  return std::any_of(snapshot.findings.begin(), snapshot.findings.end(), [&](const Finding& finding) {
    return finding.code == code && finding.subject.ends_with(subject_end) && !finding.remedy.empty();
  });
}

using Lines = std::vector<std::string>;

TEST(Machine, ArticleWorkstation) {
  const auto seen = machine("trx40-article");
  EXPECT_TRUE(seen.findings.empty());
  EXPECT_FALSE(seen.live);
  EXPECT_TRUE(seen.iommu);
  ASSERT_EQ(seen.controllers.size(), 4u);
  const auto* first = seen.function(at("03:00.3"));
  ASSERT_TRUE(first);
  EXPECT_EQ(describe(first->fingerprint), "\\_SB_.S0D0 08.1/00.3 1022:148c");
  EXPECT_EQ(first->group, 60);
  EXPECT_EQ(first->driver, "xhci_hcd");
  EXPECT_EQ(first->driver_override, std::nullopt);
  EXPECT_EQ(to_string(seen.function(at("44:00.3"))->fingerprint.chain), "01.1/00.0/08.0/00.3");
  EXPECT_EQ(seen.groups.at(24).members, (std::vector{at("42:08.0"), at("44:00.0"), at("44:00.1"), at("44:00.3")}));
  EXPECT_EQ(seen.controllers.at(at("44:00.1")).root_hubs,
            (std::vector<RootHub>{{5, UsbHalf::usb2, "480", 6}, {6, UsbHalf::usb3, "10000", 4}}));
  EXPECT_EQ(to_string(seen.nodes.at(0).cpus), "0-31,64-95");
  EXPECT_EQ(seen.nodes.at(1).distances, (std::vector{12, 10}));
  EXPECT_EQ(seen.nodes.at(0).memory, 64 * kib_per_gib);
  EXPECT_EQ(uses(seen, UseKind::mount),
            (Lines{"/ nvme0n1p3 0000:01:00.0 lifeline", "/boot/efi nvme0n1p2 0000:01:00.0 lifeline",
                   "/var/lib/vz nvme1n1p1 0000:21:00.0 lifeline"}));
  EXPECT_EQ(uses(seen, UseKind::swap), Lines{"/dev/dm-0 nvme0n1p3 0000:01:00.0 lifeline"});
  EXPECT_EQ(uses(seen, UseKind::lvm), Lines{"/dev/nvme0n1p3 nvme0n1p3 0000:01:00.0 lifeline"});
  EXPECT_EQ(uses(seen, UseKind::network), Lines{"enp67s0 enp67s0 0000:43:00.0 lifeline"});
  EXPECT_EQ(uses(seen, UseKind::keyboard), Lines{"USB Keyboard input0 0000:22:00.3"});
}

TEST(Machine, ArticleFilesFitIt) {
  FakeHost host;
  build_machine(host, machine_path("trx40-article.toml"));
  const auto map = parse_port_map(host.file(names::port_map_file), names::port_map_file);
  EXPECT_EQ(map.ports.size(), 8u);
  EXPECT_FALSE(has_errors(check_port_map(map, inventory(host.root()))));
  const auto config = parse_config(host.file(names::config_file), names::config_file);
  ASSERT_EQ(config.vms.size(), 2u);
  for (const auto& [id, vm] : config.vms)
    for (const auto& label : vm.ports) EXPECT_TRUE(map.find(label.text)) << label.text;
}

TEST(Machine, HubTwinsOfTheCreatorBoard) {
  const auto seen = machine("trx40-creator");
  ASSERT_EQ(seen.controllers.size(), 5u);
  ASSERT_TRUE(seen.device("7-2") && seen.device("8-2"));
  EXPECT_EQ(seen.device("7-2")->half, UsbHalf::usb2);
  EXPECT_EQ(seen.device("8-2")->half, UsbHalf::usb3);
  ASSERT_TRUE(port(seen, "7-2-port3"));
  EXPECT_EQ(port(seen, "7-2-port3")->path, "2.3");
  EXPECT_EQ(port(seen, "7-2-port3")->peer_path, "2.3");
  EXPECT_EQ(port(seen, "usb9-port6")->device, "9-6");
  EXPECT_EQ(port(seen, "9-6-port1")->device, "9-6.1");
  EXPECT_EQ(port(seen, "9-6-port1")->peer_path, std::nullopt);
}

TEST(Machine, ThreeIdenticalControllers) {
  const auto seen = machine("x570");
  EXPECT_EQ(seen.controllers.size(), 3u);
  EXPECT_EQ(seen.groups.at(33).members, std::vector{at("0d:00.3")});
  EXPECT_EQ(seen.groups.at(21).members.size(), 4u);
  EXPECT_EQ(uses(seen, UseKind::zfs), (Lines{"rpool sda3 0000:08:00.0 lifeline", "rpool sdb3 0000:09:00.0 lifeline"}));
}

TEST(Machine, ThunderboltHostInterfaceIsNoController) {
  const auto seen = machine("z690-thunderbolt");
  EXPECT_FALSE(seen.controller(at("0d:00.0")));
  ASSERT_TRUE(seen.controller(at("41:00.0")));
  EXPECT_EQ(to_string(seen.function(at("41:00.0"))->fingerprint.chain), "1d.0/00.0/02.0/00.0");
  EXPECT_EQ(port(seen, "usb1-port10")->location, 0x80000010u);
  EXPECT_EQ(port(seen, "usb1-port10")->connect_type, "hotplug");
  EXPECT_EQ(seen.function(at("00:14.0"))->node, std::nullopt);
  EXPECT_EQ(uses(seen, UseKind::network), Lines{"enp6s0 enp6s0 0000:06:00.0 lifeline"});
}

TEST(Machine, EhciServer) {
  const auto seen = machine("ehci-dl380p");
  EXPECT_EQ(seen.controllers.at(at("00:1a.0")).kind, ControllerKind::ehci);
  EXPECT_TRUE(seen.controllers.at(at("00:1a.0")).companions.empty());
  EXPECT_EQ(seen.groups.at(29).members.size(), 4u);
  EXPECT_EQ(seen.controllers.at(at("01:00.4")).root_hubs, (std::vector<RootHub>{{3, UsbHalf::usb2, "12", 2}}));
  EXPECT_EQ(port(seen, "2-1-port8")->path, "1.8");
  EXPECT_EQ(uses(seen, UseKind::network)[1], "eno2 eno2 0000:03:00.1");
}

/// Snapshots of real hosts that users sent: none may be read with an exception, and each has PCI functions.
TEST(Machine, Snapshots) {
  for (const auto& entry : fs::directory_iterator(machine_path(""))) {
    if (!entry.path().string().ends_with(".snapshot")) continue;
    FakeHost host;
    unpack_machine(entry.path().string(), host.directory());
    EXPECT_FALSE(inventory(host.root()).functions.empty()) << entry.path();
  }
}

/// The VM bench with a stick in port 1 of its first controller and a keyboard on its second, recorded in the guest.
TEST(Machine, BenchArticle) {
  FakeHost host;
  unpack_machine(machine_path("bench-article.snapshot"), host.directory());
  const auto seen = inventory(host.root());
  ASSERT_EQ(seen.controllers.size(), 4u);
  EXPECT_EQ(seen.function(at("81:00.0"))->group, seen.function(at("81:00.1"))->group);
  EXPECT_EQ(seen.function(at("81:00.0"))->node, 1);
  EXPECT_EQ(seen.nodes.at(0).distances, (std::vector<int>{10, 12}));
  const auto stick =
      std::find_if(seen.devices.begin(), seen.devices.end(), [](const auto& d) { return d.path == "1"; });
  ASSERT_NE(stick, seen.devices.end());
  EXPECT_EQ(stick->controller, at("01:00.0"));
  EXPECT_EQ(stick->half, UsbHalf::usb3);
  EXPECT_TRUE(std::any_of(seen.uses.begin(), seen.uses.end(), [](const auto& use) {
    return use.kind == UseKind::keyboard && use.functions == std::vector{at("02:00.0")};
  }));
}

TEST(Machine, TypingErrorsAreTold) {
  FakeHost description, host;
  description.set_file("bad.toml",
                       "name = \"x\"\nsource = \"y\"\nroot = [\n  { name = \"pci0000:00\", apci = \"z\" },\n]\n");
  try {
    build_machine(host, description.path("bad.toml"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("bad.toml:4: apci"), std::string::npos) << error.what();
  }
}

TEST(Inventory, LiveMachineDoesNotThrow) {
  EXPECT_NO_THROW(inventory(Root("/")));
}

TEST(Inventory, EmptyDirectoryIsAnEmptyMachine) {
  FakeHost directory;
  directory.remove("proc");
  directory.remove("sys");
  directory.remove("lib");
  const auto seen = inventory(directory.root());
  EXPECT_TRUE(seen.functions.empty() && seen.nodes.empty() && seen.uses.empty());
  EXPECT_FALSE(seen.builtin_known);
}

/// A small machine whose attributes are then damaged.
class Hostile : public ::testing::Test {
 protected:
  Hostile() {
    host.add_root_bridge();
    host.add_pci({"0000:00:04.0", "pci0000:00", "1b36:000c", "0000:0000", 0x060400, 3, -1, "pcieport"});
    host.add_controller({"0000:01:00.0", "0000:00:04.0", "1b36:000d", "1af4:1100", 0x0c0330, 6, 0, "xhci_hcd"}, {});
    host.add_node({});
    host.plug("0000:01:00.0", "1", {.serial = "S1", .product = "Stick"});
  }
  Snapshot look() { return inventory(host.root()); }

  FakeHost host;
  const std::string function = "sys/devices/pci0000:00/0000:00:04.0/0000:01:00.0";
};

TEST_F(Hostile, SoundAtFirst) {
  EXPECT_TRUE(look().findings.empty());
  ASSERT_TRUE(look().device("1-1"));
  EXPECT_EQ(look().device("1-1")->version, "2.00");
  EXPECT_EQ(look().device("1-1")->serial, "S1");
}

TEST_F(Hostile, GarbageClassIsNoController) {
  for (const std::string garbage : {"zebra", "", "FFFFFFFFFF", "-1"}) {
    host.set_file(function + "/uevent", "PCI_CLASS=" + garbage + "\nPCI_ID=1B36:000D\n");
    const auto seen = look();
    EXPECT_TRUE(has_finding(seen, "attribute-garbage", "0000:01:00.0/uevent")) << garbage;
    // It has root hubs, so its sockets work; but it is none of those that can be given away.
    for (const auto& [address, controller] : seen.controllers)
      EXPECT_EQ(controller.kind, ControllerKind::other) << garbage;
    EXPECT_EQ(seen.groups.at(6).members.size(), 1u) << garbage;  // still counts for its group
  }
}

TEST_F(Hostile, BinaryIsMadePrintable) {
  host.set_file(function + "/uevent", std::string("PCI_CLASS=\x1b[31m\0\xff", 17) + "\n");
  for (const auto& finding : look().findings)
    for (const char c : finding.message) EXPECT_TRUE(c >= ' ' && c <= '~');
}

TEST_F(Hostile, MissingUeventLeavesTheFunctionOut) {
  host.remove(function + "/uevent");
  const auto seen = look();
  EXPECT_TRUE(has_finding(seen, "attribute-missing", "0000:01:00.0/uevent"));
  EXPECT_FALSE(seen.function(at("01:00.0")));
  EXPECT_TRUE(seen.ports.empty());
}

TEST_F(Hostile, VanishedFunctionIsNoFinding) {
  host.remove(function);  // links to it dangle
  const auto seen = look();
  EXPECT_FALSE(seen.function(at("01:00.0")));
  EXPECT_TRUE(seen.findings.empty());
}

TEST_F(Hostile, Node) {
  host.set_file(function + "/numa_node", "\n");
  EXPECT_TRUE(has_finding(look(), "attribute-garbage", "numa_node"));
  EXPECT_EQ(look().function(at("01:00.0"))->node, std::nullopt);
  host.remove(function + "/numa_node");
  EXPECT_TRUE(look().findings.empty());
}

TEST_F(Hostile, Group) {
  host.set_link(function + "/iommu_group", "../../../../kernel/iommu_groups/banana");
  EXPECT_TRUE(has_finding(look(), "attribute-garbage", "iommu_group"));
  EXPECT_EQ(look().function(at("01:00.0"))->group, std::nullopt);
  host.remove(function + "/iommu_group");
  EXPECT_EQ(look().function(at("01:00.0"))->group, std::nullopt);
}

TEST_F(Hostile, RootHubSpeed) {
  host.set_file(function + "/usb1/speed", "banana\n");
  const auto seen = look();
  EXPECT_TRUE(has_finding(seen, "attribute-garbage", "usb1/speed"));
  EXPECT_EQ(seen.controllers.begin()->second.root_hubs.size(), 1u);
  EXPECT_FALSE(port(seen, "usb1-port1"));
  EXPECT_FALSE(seen.device("1-1"));
  EXPECT_TRUE(port(seen, "usb2-port1"));
  host.remove(function + "/usb1/speed");
  EXPECT_TRUE(has_finding(look(), "attribute-missing", "usb1/speed"));
}

TEST_F(Hostile, DeviceAttributes) {
  host.set_file(function + "/usb1/1-1/speed", std::string(100000, '9'));
  host.remove(function + "/usb1/1-1/version");
  host.set_file(function + "/usb1/1-1/product", std::string(1 << 20, 'x'));
  const auto seen = look();
  EXPECT_TRUE(has_finding(seen, "attribute-garbage", "1-1/speed"));
  ASSERT_TRUE(seen.device("1-1"));
  EXPECT_EQ(seen.device("1-1")->speed, "");
  EXPECT_EQ(seen.device("1-1")->version, "");
  EXPECT_LE(seen.device("1-1")->product_name.size(), 1024u);
  host.remove(function + "/usb1/1-1");  // unplugged while we look: its links dangle
  EXPECT_FALSE(look().device("1-1"));
}

TEST_F(Hostile, PortAttributes) {
  const auto one = function + "/usb1/1-0:1.0/usb1-port1", two = function + "/usb1/1-0:1.0/usb1-port2";
  host.set_file(one + "/connect_type", "sideways\n");
  host.set_file(one + "/location", "0xzz\n");
  host.set_link(one + "/peer", "../../nonsense");
  host.remove(two + "/connect_type");
  host.remove(two + "/location");
  host.remove(one + "/disable");
  const auto seen = look();
  EXPECT_TRUE(has_finding(seen, "attribute-garbage", "usb1-port1/connect_type"));
  EXPECT_TRUE(has_finding(seen, "attribute-garbage", "usb1-port1/location"));
  EXPECT_EQ(port(seen, "usb1-port1")->connect_type, "unknown");
  EXPECT_EQ(port(seen, "usb1-port1")->location, 0u);
  EXPECT_EQ(port(seen, "usb1-port1")->peer_path, std::nullopt);
  EXPECT_FALSE(port(seen, "usb1-port2"));
}

TEST_F(Hostile, Memory) {
  const std::string node = "sys/devices/system/node/node0/";
  host.set_file(node + "cpulist", "5-3\n");
  host.set_file(node + "distance", "ten\n");
  host.set_file(node + "meminfo", "nothing to see\n");
  host.set_file(node + "hugepages/hugepages-1048576kB/nr_hugepages", "-1\n");
  host.remove(node + "hugepages/hugepages-2048kB/free_hugepages");
  host.set_file(node + "hugepages/hugepages-bananakB/nr_hugepages", "1\n");
  const auto seen = look();
  for (const auto* file : {"cpulist", "distance", "meminfo", "hugepages-1048576kB/nr_hugepages"})
    EXPECT_TRUE(has_finding(seen, "attribute-garbage", file)) << file;
  EXPECT_TRUE(has_finding(seen, "attribute-missing", "hugepages-2048kB/free_hugepages"));
  EXPECT_EQ(seen.nodes.at(0).pools.size(), 2u);
  EXPECT_EQ(read_node(host.root(), 0), seen.nodes.at(0));
  EXPECT_EQ(read_node(host.root(), 1), std::nullopt);
}

TEST_F(Hostile, Mounts) {
  host.set_file("proc/1/mountinfo",
                "short\n1 2 259:0 / / rw\n1 2 999:0 / /x rw - ext4 /dev/none rw\n\n- - - - - - -\n");
  ASSERT_EQ(look().uses.size(), 1u);
  EXPECT_FALSE(look().uses[0].unknown.empty()) << "a device that is not there may be anywhere";
  host.remove("proc/1/mountinfo");
  EXPECT_TRUE(has_finding(look(), "attribute-missing", "proc/1/mountinfo"));
}

TEST_F(Hostile, MappersInACircle) {
  host.add_mapper("dm-0", "a", "LVM-a", {});
  host.add_mapper("dm-1", "b", "LVM-b", {"dm-0"});
  host.set_link("sys/devices/virtual/block/dm-0/slaves/dm-1", "../../dm-1");
  EXPECT_TRUE(look().uses.empty());
}

TEST_F(Hostile, Kernel) {
  host.set_file("proc/sys/kernel/osrelease", "../../../etc\n");
  EXPECT_FALSE(look().builtin_known);
  host.set_kernel("6.17", "quiet  hugepages=4");
  host.set_builtin({"usb/host/xhci-hcd", "vfio/vfio"});
  EXPECT_TRUE(look().builtin_known);
  EXPECT_TRUE(look().builtin_modules.contains("xhci_hcd"));
  EXPECT_EQ(look().command_line, "quiet  hugepages=4");
}

/// Uses that the described machines do not show.
TEST_F(Hostile, MoreThatTheHostStandsOn) {
  host.plug("0000:01:00.0", "2", {.speed = "5000", .disk = "sda"});
  host.add_mount("sda", "/mnt/my\\040stick");
  host.add_array("md0", {"sda"});
  host.add_interface("enp4s0", "0000:00:04.0");
  host.add_upper("bond0", {"enp4s0"});
  host.add_upper("bond0.100", {"bond0"});
  host.add_console("ttyS4", "0000:00:04.0");
  EXPECT_EQ(uses(look(), UseKind::network), Lines{"enp4s0 enp4s0 0000:00:04.0 lifeline"}) << "a bond was made of it";
  host.add_route("bond0.100");
  const auto seen = look();
  EXPECT_EQ(uses(seen, UseKind::mount), Lines{"/mnt/my stick sda 0000:01:00.0 lifeline"});
  EXPECT_EQ(uses(seen, UseKind::md), Lines{"md0 sda 0000:01:00.0 lifeline"});
  EXPECT_EQ(uses(seen, UseKind::network), Lines{"enp4s0 enp4s0 0000:00:04.0 lifeline"});
  EXPECT_EQ(uses(seen, UseKind::console), Lines{"ttyS4 ttyS4 0000:00:04.0 lifeline"});
}

/// Its adapter came after the kernel looked for its consoles; another, of a longer name, is one.
TEST_F(Hostile, AConsoleTheKernelDidNotFindAtThisBoot) {
  host.add_console("ttyUSB1", "0000:01:00.0");
  host.add_console("ttyUSB10", "0000:00:04.0");
  host.set_file("proc/cmdline", "quiet console= console=ttyUSB1,115200 console=ttyUSB10\n");
  EXPECT_EQ(uses(look(), UseKind::console),
            (Lines{"ttyUSB1 ttyUSB1 0000:01:00.0 lifeline", "ttyUSB10 ttyUSB10 0000:00:04.0 lifeline"}));
}

/// drivers/nvme/host/multipath.c: the namespace hangs below a virtual subsystem.
TEST_F(Hostile, NvmeMultipath) {
  const std::string subsystem = "sys/devices/virtual/nvme-subsystem/nvme-subsys0";
  host.set_file(subsystem + "/nvme0n1/dev", "259:7\n");
  host.set_file(function + "/nvme/nvme0/state", "live\n");
  host.set_link(subsystem + "/nvme0", "../../../pci0000:00/0000:00:04.0/0000:01:00.0/nvme/nvme0");
  host.set_link("sys/dev/block/259:7", "../../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1");
  host.set_file("proc/1/mountinfo", "36 1 259:7 / / rw - ext4 /dev/nvme0n1 rw\n");
  EXPECT_EQ(uses(look(), UseKind::mount), Lines{"/ nvme0n1 0000:01:00.0 lifeline"});
}

TEST_F(Hostile, CompanionsNameEachOther) {
  host.add_controller({"0000:00:1d.0", "pci0000:00", "8086:2934", "0000:0000", 0x0c0300, 5, 0, "uhci_hcd"}, {2, 0});
  host.add_controller({"0000:00:1d.7", "pci0000:00", "8086:293a", "0000:0000", 0x0c0320, 5, 0, "ehci-pci"}, {6, 0});
  const auto seen = look();
  EXPECT_EQ(seen.controllers.at(at("00:1d.7")).companions, std::vector{at("00:1d.0")});
  EXPECT_EQ(seen.controllers.at(at("00:1d.0")).companions, std::vector{at("00:1d.7")});
  EXPECT_TRUE(seen.controllers.at(at("01:00.0")).companions.empty());
}

TEST_F(Hostile, OneFunctionAgain) {
  const auto seen = look();
  EXPECT_EQ(read_function(host.root(), at("01:00.0")), *seen.function(at("01:00.0")));
  EXPECT_EQ(read_function(host.root(), at("09:00.0")), std::nullopt);
}

}  // namespace
}  // namespace hostsplit::testing
