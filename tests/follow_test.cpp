// From what is in use down to the functions it depends on; and what cannot be followed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/usb/guards.hpp"
#include "core/usb/keyboards.hpp"
#include "formats/proxmox/container_config.hpp"
#include "host/inventory/dependents.hpp"
#include "host/inventory/inventory.hpp"
#include "support/machine_file.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using namespace testing;

PciAddress at(const char* text) {
  return *parse_pci_address(text);
}

/// The first use of that name.
const HostUse* use_of(const Snapshot& snapshot, const std::string& name) {
  for (const auto& use : snapshot.uses)
    if (use.name == name) return &use;
  return nullptr;
}

struct Follow : ::testing::Test {
  SplitHost split;
  Snapshot seen;
  const HostUse* look(const std::string& name) {
    seen = inventory(split.root);
    return use_of(seen, name);
  }
  MountSpec mount(const std::string& point, const std::string& type, const std::string& source) {
    MountSpec spec;
    spec.point = point;
    spec.type = type;
    spec.source = source;
    return spec;
  }
};

TEST_F(Follow, LayersUponLayers) {
  split.host.add_disk("sdz", "0000:03:00.3", 1);
  split.host.add_array("md5", {"sdz1"});
  split.host.add_mapper("dm-8", "crypt", "CRYPT-LUKS2-1-crypt", {"md5"});
  split.host.add_mapper("dm-9", "vg-data", "LVM-x", {"dm-8"});
  split.host.add_mount("dm-9", "/deep");
  const auto* use = look("/deep");
  ASSERT_TRUE(use);
  EXPECT_EQ(use->functions, std::vector{at("03:00.3")});
  EXPECT_EQ(use->device, "sdz1");
}

TEST_F(Follow, AMappingWithNothingBelowIsUnknownWhenItIsMounted) {
  split.host.add_mapper("dm-9", "odd", "", {});
  EXPECT_FALSE(look("odd")) << "nothing to lose while nobody uses it";
  split.host.add_mount("dm-9", "/odd");
  const auto* use = look("/odd");
  ASSERT_TRUE(use);
  EXPECT_THAT(use->unknown, HasSubstr("dm-9"));
}

TEST_F(Follow, ABlockDeviceOfTheNetworkMayBeAnywhereThere) {
  split.host.set_file("sys/devices/virtual/block/nbd0/dev", "43:0\n");
  split.host.set_link("sys/class/block/nbd0", "../../devices/virtual/block/nbd0");
  split.host.set_link("sys/dev/block/43:0", "../../devices/virtual/block/nbd0");
  split.host.set_file("proc/1/mountinfo",
                      split.host.file("proc/1/mountinfo") + "40 1 43:0 / /net rw - ext4 /dev/nbd0 rw\n");
  const auto* use = look("/net");
  ASSERT_TRUE(use);
  EXPECT_FALSE(use->unknown.empty());
  EXPECT_EQ(use->functions, std::vector{at("04:00.0")}) << "the only interface";
  split.host.open_files(77, "kvm", {"/dev/nbd0"}, 105);
  read_open_devices(split.root, seen);
  const auto* open = use_of(seen, "VM 105");
  ASSERT_TRUE(open);
  EXPECT_TRUE(open->lifeline);
  EXPECT_THAT(open->unknown, HasSubstr("it has nbd0 open"));
  EXPECT_EQ(open->functions, std::vector{at("04:00.0")});
}

TEST_F(Follow, ADiskOfAnArrayThatIsNotRunningIsNoUse) {
  split.host.add_array("md9", {});
  EXPECT_FALSE(look("md9"));
}

TEST_F(Follow, TheLongestPrefixAndAllOfSeveral) {
  split.host.add_interface("enx1", "0000:03:00.3");
  split.host.add_interface("enx2", "0000:44:00.1");
  split.host.add_route("enx1", "10.9.0.0/16");
  split.host.add_route("enx2", "10.9.8.0/24");
  split.host.add_mount(mount("/a", "nfs4", "10.9.8.7:/x"));
  split.host.add_mount(mount("/b", "nfs4", "10.9.1.1:/x"));
  split.host.add_mount(mount("/c", "cifs", "//10.9.8.7/share"));
  split.host.add_mount(mount("/d", "ceph", "10.9.1.2:6789,10.9.1.3:6789:/"));
  EXPECT_EQ(look("/a")->functions, std::vector{at("44:00.1")});
  EXPECT_EQ(look("/b")->functions, std::vector{at("03:00.3")});
  EXPECT_EQ(look("/c")->functions, std::vector{at("44:00.1")});
  EXPECT_EQ(look("/d")->functions, std::vector{at("03:00.3")});
  EXPECT_EQ(look("/a")->via, "nfs4 over enx2");
}

TEST_F(Follow, LinkLocalRoutesAreNoUse) {
  split.host.add_interface("enx1", "0000:03:00.3");
  split.host.add_route("enx1", "169.254.0.0/16");
  split.host.set_file("proc/net/ipv6_route",
                      "fe800000000000000000000000000000 40 00000000000000000000000000000000 00 "
                      "00000000000000000000000000000000 00000100 00000001 00000000 00000001     enx1\n");
  EXPECT_FALSE(look("enx1")->lifeline);
  split.host.set_file("proc/net/if_inet6", "fd000000000000000000000000000001 03 40 00 80     enx1\n");
  EXPECT_TRUE(look("enx1")->lifeline);
}

TEST_F(Follow, AnAddressWithItsRouteIsKnown) {
  split.host.add_interface("enx1", "0000:03:00.3");
  split.host.set_file("proc/net/fib_trie", "        |-- 10.1.2.3\n           /32 host LOCAL\n");
  const auto* lost = look("address 10.1.2.3");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->functions, std::vector{at("03:00.3")});
  split.host.add_route("enx1", "10.1.2.0/24");
  EXPECT_FALSE(look("address 10.1.2.3"));
}

TEST_F(Follow, TheDeviceOfAMountThatIsGoneMayBeAnywhere) {
  split.host.set_file("proc/1/mountinfo",
                      split.host.file("proc/1/mountinfo") + "40 1 8:200 / /gone rw - vfat /dev/sdq rw\n");
  const auto* use = look("/gone");
  ASSERT_TRUE(use);
  EXPECT_TRUE(use->functions.empty());
  const auto findings = losses(seen, {{at("44:00.1")}});
  ASSERT_FALSE(findings.empty());
  EXPECT_EQ(findings.front().code, "lifeline-unknown");
}

TEST(Losses, WhatIsBehindABridgeGoesWithIt) {
  SplitHost split;
  const auto seen = inventory(split.root);
  EXPECT_EQ(with_all_behind(seen, {at("00:08.1")}), (std::set{at("00:08.1"), at("03:00.3"), at("04:00.0")}));
  EXPECT_EQ(with_all_behind(seen, {at("03:00.3")}), std::set{at("03:00.3")});
}

TEST(Losses, ALifelineOfTheGuestItGoesToIsNoLoss) {
  SplitHost split;
  auto seen = inventory(split.root);
  HostUse use{UseKind::guest, "VM 105", "disk", {at("03:00.3")}, true};
  use.guest = 105;
  seen.uses = {use};
  EXPECT_TRUE(losses(seen, {{at("03:00.3")}, {{at("03:00.3"), 105}}}).empty());
  EXPECT_TRUE(has_errors(losses(seen, {{at("03:00.3")}, {{at("03:00.3"), 101}}})));
  EXPECT_FALSE(has_errors(losses(seen, {{at("03:00.3")}, {{at("03:00.3"), 101}}, {}, {"VM 105"}})));
}

TEST(Losses, ALineTheGuestItGoesToDoesNotStartWithout) {
  SplitHost split;
  auto seen = inventory(split.root);
  HostUse use{UseKind::guest, "VM 105", "disk", {at("03:00.3")}, true};
  use.guest = 105;
  use.line = GuestLine{"scsi1", "/dev/disk/by-id/ata-A"};
  seen.uses = {use};
  const auto findings = losses(seen, {{at("03:00.3")}, {{at("03:00.3"), 105}}});
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings.front().code, "guest-loses");
  EXPECT_EQ(findings.front().severity, Severity::warning);
  EXPECT_EQ(findings.front().remedy, "qm set 105 --delete scsi1");
}

TEST(GuardHolders, AVirtualFunctionEndsWithItsPhysicalOne) {
  SplitHost split;
  auto seen = inventory(split.root);
  const auto held = at("04:00.0"), moving = at("03:00.3");
  const auto group = seen.function(held)->group;
  ASSERT_TRUE(group);
  ASSERT_NE(group, seen.function(moving)->group);
  seen.holders = {{*group, 77, "kvm", 105}};
  EXPECT_TRUE(guard_holders(seen, {moving}).empty());
  seen.functions.at(held).physical = moving;
  EXPECT_TRUE(has_errors(guard_holders(seen, {moving})));
}

TEST(Keyboards, ByIdsAndNames) {
  const auto weak = [](std::uint16_t vendor, std::uint16_t product, const char* name, bool mouse = false) {
    return weak_keyboard({vendor, product, name, mouse, false});
  };
  EXPECT_EQ(weak(0x046d, 0xc31c, "USB Keyboard"), "");
  EXPECT_EQ(weak(0x046d, 0xc52b, "Logitech USB Receiver Keyboard"), "");
  EXPECT_EQ(weak(0x1ea7, 0x0066, "2.4G Mouse and Keyboard Receiver"), "");
  EXPECT_EQ(weak(0x1050, 0x0010, "whatever"), "a security key");
  EXPECT_EQ(weak(0x1234, 0x0001, "Acme FIDO Token"), "a security key");
  EXPECT_EQ(weak(0x1234, 0x0001, "Handheld Barcode Scanner"), "a scanner or card reader");
  EXPECT_EQ(weak(0x046b, 0xff10, "Virtual Keyboard and Mouse"), "the remote console of the BMC");
  EXPECT_EQ(weak(0x1532, 0x0084, "Razer DeathAdder", true), "a mouse with keys, or a keyboard's receiver");
  EXPECT_EQ(weak(0x1532, 0x0084, "Gaming Mouse"), "a mouse with keys");
  EXPECT_EQ(weak_keyboard({0x1234, 1, "Keys", false, true}), "a security key");
}

TEST(Containers, DevicesInAllForms) {
  const auto container = parse_pve_container(
      108,
      "hostname: zigbee\ndev0: /dev/ttyUSB0,gid=20\ndev1: path=/dev/ttyACM0\n# dev2: /dev/no\n"
      "lxc.mount.entry:\t/dev/serial/by-id/x\tdev/x none bind\nlxc.mount.entry: /mnt/x mnt none bind\n"
      "rootfs: local-lvm:vm-108-disk-0,size=4G\nmp0: /srv/data,mp=/data\n"
      "lxc.cgroup2.devices.allow: c  188:* rwm\nlxc.cgroup2.devices.allow: a\n"
      "lxc.net.0.type: macvlan\nlxc.net.0.link: enx1\nlxc.net.1.type: veth\nlxc.net.1.link: vmbr0\n"
      "[pve:pending]\nmemory: 64\ndev4: /dev/new\n[before]\ndev3: /dev/old\n");
  EXPECT_EQ(container.name, "zigbee");
  EXPECT_EQ(container.devices,
            (std::vector<std::string>{"/dev/ttyUSB0", "/dev/ttyACM0", "/dev/serial/by-id/x", "/mnt/x",
                                      "local-lvm:vm-108-disk-0", "/srv/data", "/dev/new"}));
  EXPECT_EQ(container.interfaces, std::vector<std::string>{"enx1"});
  EXPECT_EQ(container.memory, 512 * kib_per_mib);
  EXPECT_EQ(container.allowed, (std::vector<std::pair<std::string, std::string>>{{"c", "188:*"}}));
  const auto mappings =
      parse_pve_usb_mappings("stick\n\tmap id=10c4:ea60,node=pve1\n\tmap id=1:2,node=pve2,path=1-2\n");
  ASSERT_EQ(mappings.count("stick"), 2u);
  EXPECT_EQ(mappings.begin()->second, (PveUsbMapEntry{"pve1", "10c4:ea60", ""}));
}

/// What no kernel shows is refused, with the line.
TEST(Shapes, AreRefused) {
  const std::string head = "name = \"x\"\nsource = \"x\"\nroot = [{ name = \"pci0000:00\" }]\n";
  const std::string xhci = "class = 0x0c0330, group = 3, driver = \"xhci_hcd\", usb2 = 2, usb3 = 2 }";
  const std::string good = "{ at = \"0000:00:14.0\", below = \"pci0000:00\", ids = \"8086:a36d\", " + xhci;
  const std::string bridge = "{ at = \"0000:00:1c.0\", below = \"pci0000:00\", ids = \"8086:0003\", class = 0x060400 }";
  const std::pair<const char*, std::string> cases[] = {
      {"there twice", "pci = [" + good + ", " + good + "]"},
      {"not on the bus", "pci = [{ at = \"0000:01:14.0\", below = \"pci0000:00\", ids = \"8086:0001\", " + xhci + "]"},
      {"is no bridge",
       "pci = [" + good + ", { at = \"0000:01:00.0\", below = \"0000:00:14.0\", ids = \"8086:0001\", " + xhci + "]"},
      {"behind 0000:00:1c.0 is bus",
       "pci = [" + bridge + ", { at = \"0000:02:00.0\", below = \"0000:00:1c.0\", ids = \"8086:0001\", " + xhci +
           ", { at = \"0000:03:00.0\", below = \"0000:00:1c.0\", ids = \"8086:0001\", " + xhci + "]"},
      {"has no disk",
       "pci = [{ at = \"0000:00:14.0\", below = \"pci0000:00\", ids = \"8086:0001\", disk = \"sda\", " + xhci + "]"},
      {"there is no port 3",
       "pci = [" + good + "]\nusb = [{ controller = \"0000:00:14.0\", path = \"3\", ids = \"8086:0001\" }]"},
      {"there is no usb2 hub",
       "pci = [" + good + "]\nusb = [{ controller = \"0000:00:14.0\", path = \"1.1\", ids = \"8086:0001\" }]"},
      {"two devices", "pci = [" + good +
                          "]\nusb = [{ controller = \"0000:00:14.0\", path = \"1\", ids = \"8086:0001\" }, "
                          "{ controller = \"0000:00:14.0\", path = \"1\", ids = \"8086:0002\" }]"},
      {"vfio-pci, so nothing",
       "pci = [{ at = \"0000:00:14.0\", below = \"pci0000:00\", ids = \"8086:0001\", class = "
       "0x0c0330, driver = \"vfio-pci\", usb2 = 2 }]\nusb = [{ controller = \"0000:00:14.0\", "
       "path = \"1\", ids = \"8086:0001\" }]"},
      {"behind a root port",
       "pci = [{ at = \"0000:00:1c.0\", below = \"pci0000:00\", ids = \"8086:0003\", class = "
       "0x060400, driver = \"pcieport\" }, { at = \"0000:02:01.0\", below = \"0000:00:1c.0\", "
       "ids = \"8086:0001\", " +
           xhci + "]"},
      {"usb2 is -1", "pci = [{ at = \"0000:00:14.0\", below = \"pci0000:00\", ids = \"8086:0001\", usb2 = -1 }]"},
      {"ids that are none", "pci = [{ at = \"0000:00:14.0\", below = \"pci0000:00\", ids = \"8086-0001\" }]"},
      {"which is not there",
       "pci = [{ at = \"0000:00:14.0\", below = \"pci0000:00\", ids = \"8086:0001\", node = 5 }]"},
      {"no block device sdq2", "swap = [\"sdq2\"]"},
      {"no interface eth9", "routes = [\"eth9\"]"},
      {"no group 99", "holder = [{ pid = 9, group = 99 }]"},
      {"no block device sdq", "process = [{ pid = 9, command = \"x\", opens = [\"/dev/sdq\"] }]"},
      {"process 9 is there twice", "process = [{ pid = 9, command = \"x\" }, { pid = 9, command = \"y\" }]"},
      {"no path from the root", "mount = [{ source = \"nas:/x\", type = \"nfs4\", at = \"srv\" }]"},
  };
  for (const auto& [words, text] : cases) {
    FakeHost host;
    host.set_file("machine.toml", head + text + "\n");
    try {
      build_machine(host, host.path("machine.toml"));
      ADD_FAILURE() << "built: " << text;
    } catch (const std::exception& problem) {
      EXPECT_THAT(problem.what(), HasSubstr(words));
    }
  }
}

TEST(Shapes, OfWhatIsPluggedInAreRefused) {
  const std::string head =
      "name = \"x\"\nsource = \"x\"\nroot = [{ name = \"pci0000:00\" }]\n"
      "pci = [{ at = \"0000:00:14.0\", below = \"pci0000:00\", ids = \"8086:a36d\", class = 0x0c0330, driver = "
      "\"xhci_hcd\", usb2 = 2, usb3 = 2 }, { at = \"0000:00:17.0\", below = \"pci0000:00\", ids = \"8086:0001\", "
      "class = 0x010601, driver = \"ahci\", disk = \"sda\", partitions = 1 }]\n";
  const auto plugged = [](const std::string& path, const std::string& more) {
    return "{ controller = \"0000:00:14.0\", path = \"" + path + "\", " + more + " }";
  };
  const std::string ids = "ids = \"046d:c31c\", ";
  const std::pair<const char*, std::string> cases[] = {
      {"no speed of USB", plugged("1", ids + "speed = \"7\"")},
      {"are no ids", plugged("1", "ids = \"046d-c31c\"")},
      {"a hub is nothing else", plugged("1", ids + "hub_ports = 4, disk = \"sdb\"")},
      {"block device sda is there twice", plugged("1", ids + "disk = \"sda\"")},
      {"block device sda1 is there twice", plugged("1", ids + "disk = \"sda1\"")},
      {"longer than 15", plugged("1", ids + "interface = \"enx00e04c6800012345\"")},
      {"interface enx1 is there twice",
       plugged("1", ids + "interface = \"enx1\"") + ", " + plugged("2", ids + "interface = \"enx1\"")},
      {"tty ttyUSB0 is there twice",
       plugged("1", ids + "tty = \"ttyUSB0\"") + ", " + plugged("2", ids + "tty = \"ttyUSB0\"")},
      {"adapter hci0 is there twice",
       plugged("1", ids + "bluetooth = \"hci0\"") + ", " + plugged("2", ids + "bluetooth = \"hci0\"")},
  };
  for (const auto& [words, text] : cases) {
    FakeHost host;
    host.set_file("machine.toml", head + "usb = [" + text + "]\n");
    try {
      build_machine(host, host.path("machine.toml"));
      ADD_FAILURE() << words;
    } catch (const std::exception& problem) {
      EXPECT_THAT(problem.what(), ::testing::HasSubstr(words));
    }
  }
}

}  // namespace
}  // namespace hostsplit
