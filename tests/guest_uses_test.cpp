// What guests and services have of the host that nothing shows while they do not use it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "host/inventory/dependents.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace testing;

struct GuestUsesOf : ::testing::Test {
  SplitHost split;

  void add_stick(const std::string& properties) {
    split.host.add_disk("sdz", "0000:03:00.3");
    split.host.set_file("run/udev/data/b" + number(), properties);
  }
  std::string number() {
    auto text = split.host.file("sys/class/block/sdz/dev");
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  Snapshot look() {
    auto snapshot = inventory(split.root);
    snapshot.uses.clear();
    read_open_devices(split.root, snapshot);
    read_guest_uses(split.root, read_pve(split.root), snapshot);
    return snapshot;
  }
  /// The first use of that name.
  std::optional<HostUse> use(const std::string& name) {
    for (const auto& each : look().uses)
      if (each.name == name) return each;
    return std::nullopt;
  }
  bool is_lifeline(const std::string& name) {
    const auto found = use(name);
    return found && found->lifeline;
  }
  void expect_lifeline(const std::string& name) {
    const auto found = use(name);
    ASSERT_TRUE(found) << name;
    EXPECT_TRUE(found->lifeline);
    EXPECT_EQ(found->functions, std::vector{*parse_pci_address("03:00.3")});
  }
};

TEST_F(GuestUsesOf, LinesAVmDoesNotStartWithout) {
  split.host.add_disk("sdz", "0000:03:00.3");
  const auto line = [&](const std::string& text) {
    split.host.set_file("etc/pve/qemu-server/105.conf", text);
    const auto found = use("VM 105");
    return found && found->line ? found->line->key + " " + found->line->file : "";
  };
  EXPECT_EQ(line("scsi1: /dev/sdz,size=4G\n"), "scsi1 /dev/sdz");
  EXPECT_EQ(line("args: -drive file=/dev/sdz,if=none\n"), "args /dev/sdz");
  EXPECT_EQ(line("scsi1: /dev/sdz\n\n[PENDING]\ndelete: scsi1\n"), "") << "gone when it starts the next time";
}

TEST_F(GuestUsesOf, AVolumeThatIsNotActiveInAGroupThatIs) {
  add_stick("E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=data\n");
  split.host.set_file("etc/pve/storage.cfg", "lvm: data\n\tvgname data\n");
  split.host.set_file("etc/pve/qemu-server/105.conf", "scsi1: data:vm-105-disk-0,size=4G\n");
  split.host.add_mapper("dm-8", "data-iso", "LVM-a", {"sdz"});
  expect_lifeline("VM 105");
  split.host.set_file("run/udev/data/b" + number(), "E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_INCOMPLETE=data\n");
  expect_lifeline("VM 105");
  split.host.set_file("run/udev/data/b" + number(), "E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=other\n");
  EXPECT_FALSE(use("VM 105"));
}

TEST_F(GuestUsesOf, AVolumeThatIsActive) {
  add_stick("E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=data\n");
  split.host.set_file("etc/pve/storage.cfg", "lvm: data\n\tvgname data\n");
  split.host.set_file("etc/pve/qemu-server/105.conf", "scsi1: data:vm-105-disk-0,size=4G\n");
  split.host.add_mapper("dm-8", "data-vm--105--disk--0", "LVM-a", {"sdz"});
  const auto found = use("VM 105");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->lifeline) << "the group is one, and whoever gives it up is told of the VM";
  EXPECT_TRUE(found->stored);
}

TEST_F(GuestUsesOf, AVolumeThatIsOpen) {
  add_stick("");
  split.host.add_mapper("dm-8", "data-vm--105--disk--0", "LVM-a", {"sdz"});
  split.host.open_files(77, "kvm", {"/dev/dm-8"}, 105);
  expect_lifeline("VM 105");
  EXPECT_EQ(use("VM 105")->device, "data-vm--105--disk--0") << "dm-8 may be another one after the next boot";
}

TEST_F(GuestUsesOf, VolumesOfContainers) {
  add_stick("E:ID_FS_TYPE=LVM2_member\nE:LVM_VG_NAME_COMPLETE=cold\n");
  split.host.set_file("etc/pve/storage.cfg", "lvmthin: usb\n\tthinpool data\n\tvgname cold\n");
  split.host.set_file("etc/pve/lxc/110.conf", "mp0: usb:vm-110-disk-0,mp=/data,size=4G\n");
  expect_lifeline("CT 110");
  split.host.set_file("etc/pve/lxc/110.conf", "rootfs: usb:vm-110-disk-0,size=4G\n");
  expect_lifeline("CT 110");
}

TEST_F(GuestUsesOf, APoolThatIsNotImported) {
  add_stick("E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=tank\n");
  split.host.set_file("etc/pve/storage.cfg", "zfspool: vms\n\tpool tank/vms\n");
  split.host.set_file("etc/pve/qemu-server/105.conf", "scsi1: vms:vm-105-disk-0,size=4G\n");
  expect_lifeline("VM 105");
  split.host.set_file("proc/spl/kstat/zfs/tank/state", "ONLINE\n");
  EXPECT_FALSE(is_lifeline("VM 105")) << "then the pool is one";
  split.host.remove("proc/spl/kstat/zfs/tank/state");
  split.host.set_file("run/udev/data/b" + number(), "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=other\n");
  EXPECT_FALSE(use("VM 105"));
}

TEST_F(GuestUsesOf, ADirectoryThatIsMountedOnDemand) {
  add_stick("");
  split.host.set_file("etc/fstab", "/dev/sdz /mnt/usb ext4 noauto,x-systemd.automount 0 2\n");
  split.host.set_file("etc/pve/storage.cfg", "dir: usb\n\tpath /mnt/usb\n\tcontent images\n");
  split.host.set_file("etc/pve/qemu-server/105.conf", "scsi1: usb:105/vm-105-disk-0.qcow2,size=4G\n");
  split.host.set_file("etc/pve/lxc/110.conf", "mp0: /mnt/usb/films,mp=/films\n");
  expect_lifeline("VM 105");
  expect_lifeline("CT 110");
  split.host.add_mount("sdz", "/mnt/usb");
  EXPECT_FALSE(is_lifeline("VM 105")) << "then the mount is one";
}

TEST_F(GuestUsesOf, AnInterfaceMadeOfACard) {
  split.host.add_interface("enx1", "0000:03:00.3");
  for (const std::string type : {"phys", "macvlan", "ipvlan", "vlan"}) {
    split.host.set_file("etc/pve/lxc/110.conf", "lxc.net.0.type: " + type + "\nlxc.net.0.link: enx1\n");
    EXPECT_TRUE(use("CT 110")) << type;
  }
  split.host.set_file("etc/pve/lxc/110.conf", "lxc.net.0.type: veth\nlxc.net.0.link: enx1\n");
  EXPECT_FALSE(use("CT 110"));
}

struct ServicesOf : GuestUsesOf {
  std::string device = "sys/devices/pci0000:00/0000:00:08.1/0000:03:00.3/x/";
  void add_device(const std::string& ids, const std::string& product) {
    UsbSpec spec;
    spec.ids = ids;
    spec.product = product;
    split.host.plug("0000:03:00.3", "2", spec);
  }
  void add_class(const std::string& kind, const std::string& name) {
    split.host.set_file(device + kind + "/" + name + "/uevent", "");
    split.host.set_link("sys/class/" + kind + "/" + name, "../../" + device.substr(4) + kind + "/" + name);
  }
};

TEST_F(ServicesOf, AReceiverByItsFile) {
  add_class("dvb", "dvb0.frontend0");
  split.host.set_file("dev/dvb/adapter0/frontend0", "");
  split.host.set_file("etc/pve/lxc/108.conf", "lxc.mount.entry: /dev/dvb dev/dvb none bind,create=dir\n");
  split.host.set_file("etc/pve/lxc/109.conf", "dev0: /dev/dvb/adapter0/frontend0,gid=44\n");
  split.host.open_files(77, "tvheadend", {"/dev/dvb/adapter0/frontend0"});
  EXPECT_TRUE(use("CT 108"));
  EXPECT_TRUE(use("CT 109"));
  EXPECT_TRUE(use("tvheadend (process 77)"));
}

TEST_F(ServicesOf, ADeviceByItsNumber) {
  add_class("tty", "ttyUSB0");
  split.host.set_link("sys/dev/char/188:0", "../../" + device.substr(4) + "tty/ttyUSB0");
  split.host.open_files(77, "node", {"/dev/char/188:0"});
  expect_lifeline("node (process 77)");
  EXPECT_EQ(use("node (process 77)")->device, "ttyUSB0");
}

TEST_F(ServicesOf, ALineOfAnotherDevMayBeAny) {
  add_class("tty", "ttyUSB0");
  split.host.open_files(77, "node", {"/dev/ttyACM0", "/dev/tty1"});
  EXPECT_FALSE(use("node (process 77)")) << "it has the names of the host";
  split.host.set_link("proc/1/ns/mnt", "mnt:[1]");
  split.host.set_link("proc/77/ns/mnt", "mnt:[2]");
  expect_lifeline("node (process 77)");
  EXPECT_NE(use("node (process 77)")->unknown, "");
}

TEST_F(ServicesOf, WhatMayNotBeListed) {
  split.host.open_files(77, "kvm", {"/dev/sdb"}, 105);
  EXPECT_FALSE(look().open_files_unread);
  if (geteuid() == 0) GTEST_SKIP() << "root may list everything";
  const auto files = std::filesystem::path(split.host.directory()) / "proc/77/fd";
  std::filesystem::permissions(files, std::filesystem::perms::none);
  EXPECT_TRUE(look().open_files_unread);
  EXPECT_NE(find(split.state().findings, "open-files-unread"), nullptr);
  std::filesystem::permissions(files, std::filesystem::perms::owner_all);
}

TEST_F(ServicesOf, WhatFollowsAllInputsUsesNone) {
  add_class("input", "event7");
  split.host.open_files(77, "Xorg", {"/dev/input/event7"});
  split.host.open_files(78, "thd", {"/dev/input/event7"});
  EXPECT_FALSE(use("Xorg (process 77)"));
  EXPECT_TRUE(use("thd (process 78)"));
}

TEST_F(ServicesOf, ACardThatSysDoesNotName) {
  split.host.set_file("proc/driver/nvidia/gpus/0000:03:00.3/information", "Model: \t\t X\nDevice Minor: \t 0\n");
  split.host.open_files(77, "ollama", {"/dev/nvidiactl", "/dev/nvidia0"});
  EXPECT_TRUE(use("ollama (process 77)"));
  split.host.open_files(77, "ollama", {"/dev/nvidiactl", "/dev/nvidia1"});
  EXPECT_FALSE(use("ollama (process 77)"));
}

TEST_F(ServicesOf, AWatchdog) {
  add_class("misc", "watchdog");
  split.host.open_files(77, "watchdog-mux", {"/dev/watchdog"});
  expect_lifeline("watchdog-mux (process 77)");
}

TEST_F(ServicesOf, PowerSupplies) {
  const auto name = "the UPS of the host (/etc/nut/ups.conf)";
  split.host.set_file("etc/nut/ups.conf", "[hp]\n  driver = usbhid-ups\n  port = auto\n");
  add_device("03f0:1fe5", "T1500");
  EXPECT_TRUE(use(name));
  split.host.unplug("0000:03:00.3", "2");
  add_device("03f0:0024", "HP Keyboard");
  EXPECT_FALSE(use(name));
  split.host.set_file("etc/nut/ups.conf", "[a]\ndriver = usbhid-ups\nvendorid = 03f0\nproductid = 0024\n");
  EXPECT_TRUE(use(name));
  split.host.set_file("etc/nut/ups.conf", "[a]\ndriver = usbhid-ups\nvendorid = 03f0\nproductid = 0025\n");
  EXPECT_FALSE(use(name));
}

TEST_F(ServicesOf, UsbIp) {
  add_device("10c4:ea60", "Zigbee");
  const auto devices = inventory(split.root).devices;
  for (const auto& each : devices)
    if (each.product_name == "Zigbee") split.host.set_link("sys/bus/usb/drivers/usbip-host/" + each.name, "../x");
  EXPECT_TRUE(use("the USB/IP server (usbip-host)"));
}

TEST_F(ServicesOf, ALoginThatAsksForASecurityKey) {
  add_device("1050:0407", "YubiKey");
  split.host.set_file("etc/pam.d/common-auth", "# auth required pam_u2f.so\n");
  EXPECT_FALSE(use("the login (/etc/pam.d/common-auth: pam_u2f)"));
  split.host.set_file("etc/pam.d/common-auth", "auth required pam_u2f.so cue\n");
  EXPECT_TRUE(use("the login (/etc/pam.d/common-auth: pam_u2f)"));
}

}  // namespace
}  // namespace hostsplit
