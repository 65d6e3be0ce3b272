// What opens encrypted disks at boot, and what the boot mounts: crypttab(5), fstab(5), mount units.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/usb/guards.hpp"
#include "host/inventory/inventory.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using testing::SplitHost;
using testing::UsbSpec;

constexpr auto other = "0000:03:00.3";

/// The root file system on a LUKS volume, and a stick sdz in a controller without anything else.
struct Keys : ::testing::Test {
  SplitHost split;
  Snapshot seen;
  Keys() {
    split.host.set_file("proc/1/mountinfo", "");
    split.host.add_mapper("dm-0", "root_crypt", "CRYPT-LUKS2-aa-root_crypt", {"nvme0n1p2"});
    split.host.add_mount("dm-0", "/");
    UsbSpec stick;
    stick.speed = "5000";
    stick.disk = "sdz";
    split.host.plug(other, "2", stick);
  }
  void plug(const char* controller, const char* path, const char* ids, const char* product) {
    UsbSpec spec;
    spec.speed = "12";
    spec.ids = ids;
    spec.product = product;
    split.host.plug(controller, path, spec);
  }
  void crypttab(const std::string& text) { split.host.set_file("etc/crypttab", text); }
  const HostUse* look(const std::string& name) {
    seen = inventory(split.root);
    for (const auto& use : seen.uses)
      if (use.name == name) return &use;
    return nullptr;
  }
  std::string typed(const std::string& entries) {
    crypttab(entries);
    return inventory(split.root).root_passphrase;
  }
  void boot_by_dracut() {
    split.host.remove("usr/sbin/update-initramfs");
    split.host.set_file("usr/bin/dracut", "");
  }
  /// It is on the stick, and nobody may give it up.
  void expect_on_the_stick(const std::string& name) {
    const auto* use = look(name);
    ASSERT_TRUE(use) << name;
    EXPECT_EQ(use->functions, std::vector{*parse_pci_address(other)});
    EXPECT_EQ(use->unknown, "");
    EXPECT_TRUE(use->root);
  }
};

TEST_F(Keys, ScriptsThatAsk) {
  for (const auto* rest :
       {"cryptroot luks,keyscript=decrypt_keyctl", "/etc/keys/r.gpg luks,keyscript=decrypt_gnupg",
        "/etc/keys/r.enc luks,keyscript=/lib/cryptsetup/scripts/decrypt_ssl",
        "Unlock_the_disk luks,keyscript=/lib/cryptsetup/askpass", "/etc/keys/r.gpg luks,keyscript=decrypt_gnupg-sc",
        "/etc/keys/r.enc luks,keyscript=decrypt_opensc", "x luks,keyscript=/root/script-of-the-owner"})
    EXPECT_EQ(typed("root_crypt UUID=aa " + std::string(rest) + "\n"), "root_crypt") << rest;
  EXPECT_EQ(typed("root_crypt UUID=aa /etc/keys/r.key luks\n"), "");
  const std::string by_tpm = "root_crypt UUID=aa none luks,tpm2-device=auto\n";
  EXPECT_EQ(typed(by_tpm), "root_crypt") << "cryptsetup-initramfs does not know the option";
  boot_by_dracut();
  EXPECT_EQ(typed(by_tpm), "");
}

TEST_F(Keys, APassphraseTheBootWaitsFor) {
  split.host.add_mapper("dm-1", "data", "CRYPT-LUKS2-bb-data", {"sdz"});
  const auto waits = [&](const std::string& entry) {
    crypttab(entry);
    return inventory(split.root).boot_passphrase;
  };
  EXPECT_EQ(waits("data UUID=bb none luks\n"), "data");
  for (const auto* entry :
       {"data UUID=bb none luks,nofail\n", "data UUID=bb none luks,noauto\n",
        "data UUID=bb none luks,tpm2-device=auto\n", "data UUID=bb /etc/data.key luks\n", "gone UUID=cc none luks\n"})
    EXPECT_EQ(waits(entry), "") << entry;
}

TEST_F(Keys, WhatIsMadeAnewAtEachBoot) {
  crypttab("root_crypt UUID=aa /run/root.key luks\n");
  const auto* use = look("the key of root_crypt");
  ASSERT_TRUE(use);
  EXPECT_NE(use->unknown, "");
  crypttab("data UUID=bb /run/data.key luks\n");
  EXPECT_FALSE(look("the key of data")) << "nothing says that the boot needs it";
}

TEST_F(Keys, OfDatasets) {
  split.host.set_link("dev/disk/by-label/KEYS", "../../sdz");
  split.host.set_file("etc/fstab", "LABEL=KEYS /media/keys vfat noauto,ro 0 0\n");
  split.host.set_file("etc/zfs/zfs-list.cache/tank",
                      "tank\t/tank\ton\ton\ton\ton\ton\toff\ton\toff\ttank\tfile:///media/keys/tank.key\n");
  const auto* use = look("the key of tank");
  ASSERT_TRUE(use);
  EXPECT_EQ(use->functions, std::vector{*parse_pci_address(other)});
  EXPECT_FALSE(use->root);
}

TEST_F(Keys, PassphrasesOfDatasets) {
  const auto line = [](const std::string& name, const std::string& point, const std::string& key,
                       const std::string& nofail) {
    return name + "\t" + point + "\ton\ton\ton\ton\ton\toff\ton\toff\t" + key + "\t-\t-\t-\t-\t-\t-\t" + nofail +
           "\t-\n";
  };
  split.host.set_file("proc/spl/kstat/zfs/tank/state", "ONLINE\n");
  const auto requires_it = [&](const std::string& nofail) {
    split.host.set_file("etc/zfs/zfs-list.cache/tank",
                        line("tank", "none", "tank\tprompt", "-") + line("tank/a", "/a", "tank\tnone", nofail));
    return inventory(split.root).boot_dataset;
  };
  EXPECT_EQ(requires_it("off"), "tank");
  EXPECT_EQ(requires_it("-"), "") << "after three times 90 seconds the boot goes on";
  split.host.set_file("proc/1/mountinfo", "28 1 0:26 / / rw shared:1 - zfs tank/a rw\n");
  EXPECT_EQ(requires_it("-"), "");
  seen = inventory(split.root);
  EXPECT_EQ(seen.root_passphrase, "tank");
  EXPECT_TRUE(seen.root_on_dataset);
  split.host.set_file("etc/dropbear/initramfs/authorized_keys", "");
  EXPECT_EQ(inventory(split.root).root_passphrase, "");
}

TEST_F(Keys, ScriptsThatNeedASmartCard) {
  plug("0000:44:00.1", "1", "08e6:3438", "USB SmartCard Reader");
  crypttab("root_crypt UUID=aa /etc/keys/r.gpg luks,keyscript=decrypt_gnupg-sc\n");
  const auto* use = look("the smart card of root_crypt");
  ASSERT_TRUE(use);
  EXPECT_EQ(use->functions, std::vector{*parse_pci_address("44:00.1")});
  EXPECT_TRUE(use->root);
  EXPECT_FALSE(look("the key of root_crypt")) << "the script is known: it reads no stick";
}

TEST_F(Keys, OfSeveralTokensAnyMayBeTheOne) {
  plug("0000:44:00.1", "1", "08e6:3438", "USB SmartCard Reader");
  plug(other, "1", "1050:0407", "YubiKey OTP+FIDO+CCID");
  crypttab("root_crypt UUID=aa - pkcs11-uri=pkcs11:id=%01,luks\n");
  const auto* use = look("the security key of root_crypt");
  ASSERT_TRUE(use);
  EXPECT_EQ(use->functions.size(), 2u);
  EXPECT_NE(use->unknown, "");
  EXPECT_TRUE(use->root);
}

TEST_F(Keys, ATokenByItsReportDescriptor) {
  plug("0000:44:00.1", "1", "32a3:3201", "Idem Key");
  const auto seen_first = inventory(split.root);
  for (const auto& device : seen_first.devices)
    if (device.product_name == "Idem Key")
      split.host.set_file(
          "sys/bus/usb/devices/" + device.name + "/" + device.name + ":1.0/0003:32A3:3201.0001/report_descriptor",
          "\x06\xd0\xf1\x09\x01");
  crypttab("root_crypt UUID=aa - fido2-device=auto,luks\n");
  const auto* use = look("the security key of root_crypt");
  ASSERT_TRUE(use);
  EXPECT_EQ(use->functions, std::vector{*parse_pci_address("44:00.1")});
  EXPECT_EQ(use->unknown, "");
}

TEST_F(Keys, OptionsOnTheKernelCommandLine) {
  plug(other, "1", "1050:0407", "YubiKey OTP+FIDO+CCID");
  split.host.set_kernel("6.17.13-2-pve", "quiet rd.luks.options=fido2-device=auto");
  expect_on_the_stick("the security key of rd.luks.options");
  EXPECT_EQ(seen.root_passphrase, "root_crypt");
  split.host.set_kernel("6.17.13-2-pve", "quiet rd.luks.options=tpm2-device=auto");
  EXPECT_EQ(inventory(split.root).root_passphrase, "root_crypt") << "only dracut reads it";
  boot_by_dracut();
  EXPECT_EQ(inventory(split.root).root_passphrase, "");
}

TEST_F(Keys, DerivedFromAVolumeOnAStick) {
  split.host.add_mapper("dm-1", "keyvol", "CRYPT-LUKS2-kk-keyvol", {"sdz"});
  crypttab("root_crypt UUID=aa keyvol luks,keyscript=decrypt_derived\nkeyvol LABEL=KV none luks\n");
  expect_on_the_stick("the key of root_crypt");
  EXPECT_EQ(seen.root_passphrase, "keyvol") << "typed for the one that is opened first";
}

TEST_F(Keys, EveryMemberOfTheRootFileSystem) {
  split.host.set_file("proc/1/mountinfo",
                      "28 1 0:26 /@ / rw,relatime shared:1 - btrfs /dev/mapper/root_crypt rw,subvol=/@\n");
  split.host.add_mapper("dm-1", "root_b", "CRYPT-LUKS2-bb-root_b", {"nvme0n1p1"});
  for (const auto* block : {"dm-0", "dm-1"})
    split.host.set_file("sys/fs/btrfs/1111/devices/" + std::string(block) + "/dev", "");
  EXPECT_EQ(typed("root_crypt UUID=aa /etc/a.key luks\nroot_b UUID=bb none luks\n"), "root_b");
  split.host.set_link("dev/disk/by-label/KEYS", "../../sdz");
  crypttab("root_b UUID=bb /dev/disk/by-label/KEYS:/b.key luks,keyscript=passdev\n");
  expect_on_the_stick("the key of root_b");
}

TEST_F(Keys, KeysAndHeadersOnWhatIsMountedOnlyForThem) {
  split.host.set_link("dev/disk/by-label/KEY\\x20STICK", "../../sdz");
  split.host.set_file("etc/fstab", "LABEL=KEY\\040STICK /media/keys/ vfat noauto,ro 0 0\n");
  crypttab("root_crypt UUID=aa /media/keys/r.key luks,header=/media/keys/r.hdr\n");
  expect_on_the_stick("the key of root_crypt");
  expect_on_the_stick("the header of root_crypt");
  split.host.set_file("etc/fstab", "");
  split.host.set_file("etc/systemd/system/media-keys.mount",
                      "[Mount]\nWhat=/dev/disk/by-label/KEY\\x20STICK\nWhere = /media/keys\n");
  expect_on_the_stick("the key of root_crypt");
}

TEST_F(Keys, NamesOfDevicesWithColons) {
  split.host.set_link("dev/disk/by-id/usb-Stick_4C53-0:0", "../../sdz");
  crypttab("root_crypt UUID=aa /dev/disk/by-id/usb-Stick_4C53-0:0:/r.key luks,keyscript=passdev\n");
  expect_on_the_stick("the key of root_crypt");
  crypttab("root_crypt UUID=aa /r.key:/dev/disk/by-id/usb-Stick_4C53-0:0 luks\n");
  expect_on_the_stick("the key of root_crypt");
}

TEST_F(Keys, WhatIsNotPluggedInNow) {
  crypttab("root_crypt UUID=aa /r.key:LABEL=GONE luks\n");
  const auto* use = look("the key of root_crypt");
  ASSERT_TRUE(use);
  EXPECT_TRUE(use->root) << "nobody's to give up only because the stick is pulled";
  EXPECT_NE(use->unknown, "");
  crypttab("data UUID=bb /data.key:LABEL=GONE luks\n");
  EXPECT_TRUE(look("the key of data"));
  crypttab("data UUID=bb /data.key:LABEL=GONE luks,nofail\n");
  EXPECT_FALSE(look("the key of data")) << "the boot goes on without it";
}

TEST_F(Keys, BootMountsInAllSpellings) {
  split.host.set_link("dev/disk/by-partlabel/EFI\\x20System\\x20Partition", "../../sdz");
  for (const auto* line : {"PARTLABEL=EFI\\040System\\040Partition /boot/efi vfat noauto 0 1\n",
                           "PARTLABEL=\"EFI\\040System\\040Partition\" /boot/efi/ vfat noauto 0 1\n"}) {
    split.host.set_file("etc/fstab", line);
    expect_on_the_stick("/boot/efi");
  }
}

TEST_F(Keys, ABootMountThatIsMountedWhenItIsUsed) {
  split.host.set_file("proc/1/mountinfo", split.host.file("proc/1/mountinfo") +
                                              "41 1 0:44 / /boot/efi rw,relatime shared:1 - autofs systemd-1 rw\n");
  const auto* use = look("/boot/efi");
  ASSERT_TRUE(use);
  EXPECT_NE(use->unknown, "");
  EXPECT_TRUE(use->root);
  split.host.set_link("dev/disk/by-uuid/ABCD-1234", "../../sdz");
  split.host.set_file("etc/systemd/system/boot-efi.mount",
                      "[Mount]\nWhat=/dev/disk/by-uuid/ABCD-1234\nWhere=/boot/efi\n");
  expect_on_the_stick("/boot/efi");
}

struct Journals : Keys {
  void mount_data(const std::string& type, const std::string& options) {
    testing::MountSpec spec;
    spec.block = "nvme0n1p1";
    spec.point = "/srv/data";
    spec.type = type;
    spec.options = options;
    split.host.add_mount(spec);
  }
  bool lost(const std::string& name) {
    const auto snapshot = inventory(split.root);
    for (const auto& finding : losses(snapshot, {{*parse_pci_address(other)}}))
      if (finding.severity == Severity::error && finding.message.find(name) != std::string::npos) return true;
    return false;
  }
};

TEST_F(Journals, OfXfsByTheOptionsOfItsMount) {
  mount_data("xfs", "logbufs=8,logdev=/dev/sdz,noquota");
  EXPECT_TRUE(lost("/srv/data"));
}

TEST_F(Journals, TheRealTimePartOfXfs) {
  mount_data("xfs", "rtdev=/dev/sdz");
  EXPECT_TRUE(lost("/srv/data"));
}

TEST_F(Journals, OfExt4AsTheKernelNamesThem) {
  split.host.set_file("proc/fs/jbd2/dm-0-8/info", "");
  EXPECT_FALSE(lost("the journal on"));
  split.host.set_file("proc/fs/jbd2/sdz/info", "");
  EXPECT_TRUE(lost("the journal on sdz"));
  EXPECT_FALSE(look("the journal on sdz")->root);
  split.host.remove("proc/fs/jbd2/dm-0-8");
  EXPECT_TRUE(look("the journal on sdz")->root) << "that of / is not inside of it";
}

TEST_F(Journals, OfExt4ByTheirContentOnly) {
  auto number = split.host.file("sys/class/block/sdz/dev");
  number.pop_back();
  split.host.set_file("run/udev/data/b" + number, "E:ID_FS_TYPE=jbd\n");
  EXPECT_TRUE(lost("the journal on sdz"));
  split.host.set_file("proc/fs/jbd2/dm-0-8/info", "");
  EXPECT_FALSE(lost("the journal on sdz")) << "the kernel has a list, and it is not in it";
}

TEST_F(Journals, TypesWithoutADisk) {
  split.host.set_file("proc/1/mountinfo", split.host.file("proc/1/mountinfo") +
                                              "42 1 0:45 / /srv/c rw - fuse.ceph-fuse ceph-fuse rw\n"
                                              "43 1 0:46 / /dev/binderfs rw - binder binder rw\n");
  EXPECT_FALSE(lost("/srv/c"));
  EXPECT_FALSE(lost("/dev/binderfs"));
}

}  // namespace
}  // namespace hostsplit
