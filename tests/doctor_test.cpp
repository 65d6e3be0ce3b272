// Doctor: every check fine on a good host, and each finding on a host with that one mistake.
#include "core/checks/doctor.hpp"
#include "core/memory/kernel_command_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "host/inventory/host_setup.hpp"
#include "operations/advice.hpp"
#include "operations/doctor.hpp"
#include "operations/report/doctor_report.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::find;
using ::testing::HasSubstr;
using testing::SplitHost;

struct Doctor : ::testing::Test {
  SplitHost split;

  Doctor() {
    auto& host = split.host;
    host.set_file("dev/kvm", "");
    host.set_file("proc/cpuinfo", "processor\t: 0\nvendor_id\t: AuthenticAMD\nflags\t\t: fpu svm pdpe1gb\n\n");
    host.set_file("proc/interrupts", "  24:  0  IR-PCI-MSIX-0000:01:00.0   0-edge      nvme0q0\n");
    host.set_file("sys/class/iommu/ivhd0/x", "");
    host.set_file("etc/pve/.members", "{}");
    host.set_link("etc/pve/local", "nodes/pve1");
    host.set_link("etc/pve/qemu-server", "nodes/pve1/qemu-server");
    host.set_file("etc/pve/jobs.cfg", "vzdump: backup-1\n\tschedule sun 01:00\n\tenabled 1\n\tall 1\n");
    guest(101, 0);
    guest(102, 1);
    split.configure("[vm.101]\nnode = 0\nmemory = \"8GiB\"\n[vm.102]\nnode = 1\nmemory = \"8GiB\"\n");
  }
  void guest(int id, int node, const std::string& more = {}) {
    const auto number = std::to_string(node);
    split.host.set_file("etc/pve/nodes/pve1/qemu-server/" + std::to_string(id) + ".conf",
                        "numa: 1\nhugepages: 1024\nkeephugepages: 1\nballoon: 0\nmemory: 8192\ncores: 8\naffinity: " +
                            std::string(node == 0 ? "0-31,64-95" : "32-63,96-127") + "\nnuma0: cpus=0-7,hostnodes=" +
                            number + ",memory=8192,policy=bind\nhookscript: local:snippets/hostsplit-hook\n" + more);
  }
  void command_line(const std::string& words) {
    split.host.set_kernel("6.17.13-2-pve", "root=/dev/mapper/pve-root ro " + words);
  }
  std::vector<Finding> findings() const { return diagnose(split.root).findings; }
  /// What could not be looked at of templates and backups.
  std::string unknown_backups() const {
    for (const auto& checkup : diagnose(split.root).checkups)
      if (checkup.name == "backup") return fmt::format("{}", fmt::join(checkup.unknown, "; "));
    return {};
  }
  Finding finding(const std::string& code) const {
    const auto all = findings();
    const auto* found = testing::find(all, code);
    EXPECT_NE(found, nullptr) << "no finding " << code;
    return found ? *found : Finding{};
  }
};

TEST_F(Doctor, AGoodHostIsFineThroughout) {
  split.host.add_grub();
  command_line("hugepagesz=1G hugepages=16");
  for (const int node : {0, 1}) split.host.set_pages(node, kib_per_gib, 8);
  const Diagnosis diagnosis = diagnose(split.root);
  for (const auto& finding : diagnosis.findings) ADD_FAILURE() << finding.code << ": " << finding.message;
  EXPECT_EQ(diagnosis.checkups.size(), 22u);
  EXPECT_THAT(diagnosis_text(diagnosis, {}, true), HasSubstr("ok  the IOMMU is on"));
  EXPECT_THAT(diagnosis_text(diagnosis, {}, false), ::testing::Not(HasSubstr("the IOMMU is on")));
  EXPECT_THAT(diagnosis_text(diagnosis, {}, false), HasSubstr("checks are ok (hostsplit doctor --verbose lists them)"));
  EXPECT_THAT(diagnosis_text(diagnosis, {}, false), HasSubstr("hugepagesz=1G hugepages=16"));
  EXPECT_THAT(diagnosis_json(diagnosis), HasSubstr("\"source\": \"command-line\""));
}

TEST_F(Doctor, APlanSaysWhatToChangeInProxmoxVe) {
  const auto told = [&] { return with_advice(split.root, split.state(), split.plan_now()); };
  EXPECT_FALSE(find(told().findings, "pve-trims-pool")) << "both VMs keep their pages";
  EXPECT_FALSE(find(told().findings, "pve-balloon"));
  split.host.set_file("etc/pve/nodes/pve1/qemu-server/101.conf",
                      "numa: 1\nhugepages: 1024\nmemory: 8192\ncores: 8\naffinity: 0-31,64-95\n"
                      "numa0: cpus=0-7,hostnodes=0,memory=8192,policy=bind\n");
  const Plan plan = told();
  EXPECT_FALSE(has_errors(plan.findings)) << "the host can be split all the same";
  const auto* trims = find(plan.findings, "pve-trims-pool");
  ASSERT_TRUE(trims);
  EXPECT_EQ(trims->remedy, "qm set 101 --keephugepages 1 --balloon 0");
  const auto* balloon = find(plan.findings, "pve-balloon");
  ASSERT_TRUE(balloon);
  EXPECT_EQ(balloon->remedy, "qm set 101 --keephugepages 1 --balloon 0") << "one line for each VM";
  EXPECT_FALSE(find(split.plan_now().findings, "pve-balloon")) << "the service does not look there";
  split.configure("[host]\nkeep_free = \"60GiB\"\n[vm.101]\nnode = 0\nmemory = \"8GiB\"\n");
  EXPECT_FALSE(find(told().findings, "pve-balloon")) << "a refused plan says why it is refused, and no more";
  split.host.remove("etc/pve");
  EXPECT_TRUE(pve_advice(split.root, split.state()).empty());
}

TEST_F(Doctor, FirmwareSaysWhereToLook) {
  split.host.remove("dev/kvm");
  split.host.remove("sys/class/iommu");
  split.host.set_file("proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu\n");
  EXPECT_THAT(finding("virtualization-off").remedy, HasSubstr("SVM Mode"));
  EXPECT_THAT(finding("iommu-off").remedy, HasSubstr("AMD CBS"));
  EXPECT_EQ(finding("no-gibibyte-pages").severity, Severity::warning);
  split.host.set_file("proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu\n");
  EXPECT_THAT(finding("virtualization-off").remedy, HasSubstr("VT-x"));
  EXPECT_THAT(finding("iommu-off").remedy, HasSubstr("VT-d"));
  command_line("amd_iommu=off");
  EXPECT_THAT(finding("iommu-off").remedy, HasSubstr("Take amd_iommu=off out"));
}

TEST_F(Doctor, InterruptRemapping) {
  split.host.set_file("proc/interrupts", "  24:  0  PCI-MSIX-0000:01:00.0   0-edge      nvme0q0\n");
  EXPECT_EQ(finding("interrupt-remapping-off").severity, Severity::error);
  split.host.set_file("proc/interrupts", "  1:  0  IO-APIC   1-edge      i8042\n");
  EXPECT_EQ(testing::find(findings(), "interrupt-remapping-off"), nullptr) << "nothing is known";
  split.host.set_file("sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
  EXPECT_EQ(finding("unsafe-interrupts").severity, Severity::warning);
}

TEST_F(Doctor, WordsOnTheCommandLine) {
  command_line("amd_iommu=on pcie_acs_override=downstream,multifunction");
  EXPECT_EQ(finding("amd-iommu-on").severity, Severity::info);
  EXPECT_THAT(finding("acs-override").message, HasSubstr("downstream,multifunction"));
}

TEST_F(Doctor, FarTooManyPagesOnTheCommandLine) {
  command_line("hugepagesz=1G hugepages=120");
  EXPECT_EQ(finding("boot-pages-over-floor").severity, Severity::error);
  EXPECT_THAT(finding("boot-pages-over-floor").remedy, HasSubstr("At most 112 pages"));
  command_line("hugepagesz=1G hugepages=0:60,1:8");
  EXPECT_EQ(finding("boot-pages-over-floor").subject, "node 0");
  EXPECT_FALSE(testing::find(findings(), "boot-pages-unread")) << "every VM keeps its pages";
  split.host.set_file("etc/pve/nodes/pve1/qemu-server/103.conf", "numa: 1\nhugepages: 2\nmemory: 8192\n");
  EXPECT_FALSE(testing::find(findings(), "boot-pages-unread")) << "a start trims pools of its own page size";
  split.host.set_file("etc/pve/nodes/pve1/qemu-server/103.conf", "numa: 1\nhugepages: 1024\nmemory: 8192\n");
  EXPECT_THAT(finding("boot-pages-unread").remedy, HasSubstr("Write hugepagesz=1G hugepages=0:60,1:8 hugepages=68 in"));
}

TEST_F(Doctor, PagesThatLeaveTheHostTooLittle) {
  split.host.set_pages(1, kib_per_gib, 60);
  EXPECT_THAT(finding("pages-over-floor").remedy, HasSubstr("At most 56 pages of 1 GiB"));
}

TEST_F(Doctor, FilesOfTheArticle) {
  auto& host = split.host;
  host.set_file("etc/modules-load.d/vfio.conf", "# for passthrough\nvfio\nvfio_virqfd\n");
  host.set_file("etc/modprobe.d/vfio.conf", "options vfio-pci ids=1022:148c disable_vga=1\nblacklist xhci_hcd\n");
  host.set_file("etc/rc.local",
                "#!/bin/sh\necho 60 > /sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages\n");
  EXPECT_EQ(finding("vfio-virqfd").subject, "/etc/modules-load.d/vfio.conf:3");
  EXPECT_THAT(finding("vfio-ids").message, HasSubstr("0000:03:00.3, 0000:22:00.3"));
  EXPECT_EQ(finding("vfio-ids").severity, Severity::error) << "it takes a twin";
  EXPECT_EQ(finding("xhci-blacklisted").subject, "/etc/modprobe.d/vfio.conf:2");
  EXPECT_THAT(finding("rc-local-pages").message, HasSubstr("not executable"));
  std::filesystem::permissions(host.path("etc/rc.local"), std::filesystem::perms::owner_all);
  EXPECT_THAT(finding("rc-local-pages").message, HasSubstr("late at boot"));
}

TEST_F(Doctor, WhoElseWritesPages) {
  auto& host = split.host;
  const auto writers = [&] {
    std::vector<std::string> files;
    for (const auto& each : findings())
      if (each.code == "pages-written-elsewhere") files.push_back(each.subject);
    std::sort(files.begin(), files.end());
    return files;
  };
  host.set_file("etc/sysctl.conf", "vm.nr_hugepages = 1\n");
  host.set_link("etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
  host.set_file("etc/dpdk/dpdk.conf", "NR_2M_PAGES=\nNR_1G_PAGES=\"0\"\n#NR_1G_PAGES=8\n");
  host.set_file("etc/network/interfaces", "iface a inet manual\n\tdown echo 0 > /proc/sys/vm/nr_hugepages\n");
  host.set_file("usr/lib/tuned/other/tuned.conf", "vm.nr_hugepages=4\n");
  host.set_file("var/lib/vz/snippets/cloud-init.yml", "- echo 4 > /proc/sys/vm/nr_hugepages\n");
  host.set_file("var/lib/vz/snippets/hostsplit-hook", "echo 4 > /proc/sys/vm/nr_hugepages\n");
  host.set_file("etc/cron.d/hp.disabled", "@reboot root echo 4 > /proc/sys/vm/nr_hugepages\n");
  host.set_file("etc/sysctl.d/.hp.conf", "vm.nr_hugepages = 4\n");
  host.set_file("etc/cron.daily/off", "echo 4 > /proc/sys/vm/nr_hugepages\n");
  host.set_file("etc/cron.d/metrics", "* * * * * root cat /proc/sys/vm/nr_hugepages > /var/lib/x.prom\n");
  EXPECT_EQ(writers(), std::vector<std::string>{"/etc/sysctl.conf:1"}) << "one file under two names, and no others";

  host.remove("etc/sysctl.d/99-sysctl.conf");
  host.set_file("etc/sysctl.d/99-sysctl.conf", "vm.nr_hugepages = 1\n");
  host.set_file("etc/rc.local", "#!/bin/sh\n/usr/local/sbin/hp.sh\n");
  host.set_file("usr/local/sbin/hp.sh", "echo 4 > /proc/sys/vm/nr_hugepages\n");
  host.set_file("etc/dpdk/dpdk.conf", "NR_1G_PAGES=8\n");
  host.set_file("etc/network/interfaces.d/b", "iface b inet manual\n\tpost-up echo 1 > /proc/sys/vm/nr_hugepages\n");
  host.set_file("etc/tuned/mine/tuned.conf", "[bootloader]\ncmdline_mine=hugepages=4\n");
  host.set_file("etc/tuned/active_profile", "mine other\n");
  host.set_file("etc/pve/nodes/pve1/qemu-server/103.conf", "memory: 512\nhookscript: nas:snippets/x.sh\n");
  host.set_file("etc/pve/storage.cfg", "dir: nas\n\tpath /mnt/nas\n\tcontent snippets\n");
  host.set_file("mnt/nas/snippets/x.sh", "#!/bin/sh\necho 1 > /proc/sys/vm/nr_hugepages\n");
  EXPECT_EQ(writers(), (std::vector<std::string>{"/etc/dpdk/dpdk.conf:1", "/etc/network/interfaces.d/b:2",
                                                 "/etc/sysctl.conf:1", "/etc/sysctl.d/99-sysctl.conf:1",
                                                 "/etc/tuned/mine/tuned.conf:2", "/mnt/nas/snippets/x.sh:2",
                                                 "/usr/lib/tuned/other/tuned.conf:1", "/usr/local/sbin/hp.sh:1"}));
}

TEST_F(Doctor, LinesOfModprobeThatGoOn) {
  split.host.set_file("etc/modprobe.d/vfio.conf", "options vfio-pci disable_vga=1 \\\n  ids=1022:148c\n");
  EXPECT_EQ(finding("vfio-ids").subject, "/etc/modprobe.d/vfio.conf:1");
}

TEST_F(Doctor, IdsAreAnErrorWhereATwinStaysWithTheHost) {
  split.host.set_file("etc/modprobe.d/vfio.conf", "options vfio-pci ids=1022:148c\n");
  split.configure("[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  EXPECT_EQ(finding("vfio-ids").severity, Severity::error);
  EXPECT_THAT(finding("vfio-ids").message, HasSubstr("; no VM was given 0000:22:00.3"));
  split.configure(
      "[host]\nmay_lose = [\"keyboard\", \"usb\"]\n[vm.101]\ncontrollers = [\"0000:03:00.3\", \"0000:22:00.3\"]\n");
  EXPECT_EQ(finding("vfio-ids").severity, Severity::warning) << "it takes what is assigned, and nothing else";
  EXPECT_THAT(finding("vfio-ids").message, ::testing::Not(HasSubstr("no VM")));
}

TEST_F(Doctor, OwnFileOfModprobeHasItsOwnAccount) {
  split.host.set_file("etc/modprobe.d/hostsplit.conf", "options vfio-pci ids=1022:148c\nblacklist xhci_pci\n");
  for (const auto& each : findings())
    EXPECT_TRUE(each.code != "vfio-ids" && each.code != "xhci-blacklisted") << each.message;
}

TEST_F(Doctor, IdsOnTheCommandLine) {
  command_line("vfio-pci.ids=144d:a808");
  EXPECT_THAT(finding("vfio-ids").message, HasSubstr("/ is mounted from it"));
}

TEST_F(Doctor, IdsInOtherForms) {
  for (const auto* list : {"1022:148C", "\"1022:148c,10de:1ad8\"", "0x1022:0x148c", "1022:148c:1043:87c0",
                           "10de:1ad8,1022:ffffffff:ffffffff:ffffffff:000c0330:ffffffff"}) {
    split.host.set_file("etc/modprobe.d/vfio.conf", std::string("options vfio-pci ids=") + list + "\n");
    EXPECT_THAT(finding("vfio-ids").message, HasSubstr("0000:03:00.3, 0000:22:00.3")) << list;
  }
  for (const auto* list : {"1022:148c:1043:0001", "1022", "1022:148c:ffffffff:ffffffff:00030000:ffff0000"}) {
    split.host.set_file("etc/modprobe.d/vfio.conf", std::string("options vfio-pci ids=") + list + "\n");
    EXPECT_THAT(finding("vfio-ids").message, HasSubstr("here none")) << list;
  }
}

TEST_F(Doctor, IdsInOtherPlaces) {
  const auto subject = [&] { return finding("vfio-ids").subject; };
  auto& host = split.host;
  host.set_file("etc/modules", "vfio_pci ids=1022:148c\n");
  EXPECT_EQ(find(findings(), "vfio-ids"), nullptr) << "systemd-modules-load takes no parameters";
  host.set_file("etc/initramfs-tools/modules", "vfio\nvfio_pci ids=1022:148c\n");
  EXPECT_EQ(subject(), "/etc/initramfs-tools/modules:2");
  host.remove("etc/initramfs-tools/modules");
  host.set_file("usr/lib/modprobe.d/vfio.conf", "options vfio-pci ids=1022:148c\n");
  EXPECT_EQ(subject(), "/usr/lib/modprobe.d/vfio.conf:1");
  host.set_file("etc/modprobe.d/vfio.conf", "# instead of that of the package\n");
  EXPECT_EQ(find(findings(), "vfio-ids"), nullptr) << "of files with one name the first counts";
  command_line("pci-stub.ids=\"1022:148c,10de:1ad8\"");
  EXPECT_THAT(finding("vfio-ids").message, HasSubstr("pci-stub.ids=1022:148c,10de:1ad8 takes every function"));
}

TEST_F(Doctor, WhatKeepsXhciFromLoading) {
  split.host.set_file("etc/modprobe.d/usb.conf", "install xhci_pci /bin/false\n");
  EXPECT_THAT(finding("xhci-blacklisted").message, HasSubstr("install xhci_pci /bin/false keeps every controller"));
  split.host.set_file("etc/modprobe.d/usb.conf", "install xhci_pci /usr/local/sbin/later\ninstall other /bin/false\n");
  EXPECT_EQ(find(findings(), "xhci-blacklisted"), nullptr);
  for (const auto* word : {"modprobe.blacklist=nouveau,xhci_pci", "module_blacklist=xhci_hcd"}) {
    command_line(word);
    EXPECT_THAT(finding("xhci-blacklisted").message, HasSubstr(word));
  }
}

TEST_F(Doctor, OldKernelsHangOnReset) {
  split.host.set_kernel("5.4.0-1-pve", "ro");
  EXPECT_EQ(finding("reset-hangs").severity, Severity::error);
}

TEST_F(Doctor, AStartThatTakesSomethingAlong) {
  guest(102, 1, "hostpci0: 0000:44:00.1\n");
  EXPECT_THAT(finding("pve-takes-along").message, HasSubstr("0000:44:00.3 from xhci_hcd"));
  guest(102, 1, "hostpci0: 0000:44:00.1,mdev=nvidia-259\n");
  EXPECT_EQ(find(findings(), "pve-takes-along"), nullptr) << "nothing is bound";
  guest(102, 1, "template: 1\nhostpci0: 0000:44:00.1\n");
  EXPECT_EQ(find(findings(), "pve-takes-along"), nullptr) << "a template never starts";
  guest(102, 1, "\n[PENDING]\nhostpci0: 0000:44:00.1\n");
  EXPECT_TRUE(find(findings(), "pve-takes-along"));
}

TEST_F(Doctor, AStartThatTakesTheLastKeyboardAlong) {
  split.host.add_pci({"0000:22:00.4", "0000:20:08.1", "1022:1487", "1043:87c0", 0x040300, 43, 1, "snd_hda_intel"});
  guest(102, 1, "hostpci0: 0000:22:00.4\n");
  EXPECT_EQ(finding("pve-takes-along").severity, Severity::error);
  EXPECT_THAT(finding("pve-takes-along").message, HasSubstr("last keyboard"));
}

TEST_F(Doctor, GuestsBackupsHooksAndThinPools) {
  auto& host = split.host;
  guest(101, 0, "balloon: 4096\nscsi0: local-lvm:vm-101-disk-0,size=300G\nscsi1: local-lvm:vm-101-disk-1,size=1T\n");
  host.set_file("etc/pve/jobs.cfg",
                "vzdump: nightly\n\tenabled 1\n\tvmid 102,103\n\nvzdump: off\n\tenabled 0\n\tall 1\n");
  host.set_file("etc/pve/storage.cfg",
                "dir: local\n\tpath /var/lib/vz\n\nlvmthin: local-lvm\n\tthinpool data\n\tvgname pve\n");
  host.set_file("sys/class/block/dm-4/dm/name", "pve-data-tpool\n");
  host.set_file("sys/class/block/dm-4/size", std::to_string(std::uint64_t{794} * 1024 * 1024 * 2) + "\n");
  EXPECT_EQ(finding("pve-balloon").remedy, "qm set 101 --balloon 0");
  EXPECT_EQ(finding("pve-no-backup").subject, "VM 101");
  EXPECT_THAT(finding("thin-pool-promised").message, HasSubstr("1324 GiB are promised from a thin pool of 794 GiB"));
}

TEST_F(Doctor, ABaseThatCannotBeSeen) {
  auto& host = split.host;
  host.remove("etc/pve/jobs.cfg");
  const std::string thin = "lvmthin: thin\n\tthinpool data\n\tvgname pve\n\n";
  const auto storages = [&](const std::string& text) { host.set_file("etc/pve/storage.cfg", thin + text); };
  for (const int id : {101, 102}) guest(id, id - 101, fmt::format("scsi0: thin:vm-{}-disk-0,size=8G\n", id));
  storages("dir: local\n\tpath /var/lib/vz\n\tcontent iso,backup\n");
  EXPECT_EQ(finding("pve-no-base").subject, "VM 101");
  EXPECT_EQ(unknown_backups(), "");
  storages("pbs: far\n\tserver 10.0.0.9\n");
  EXPECT_EQ(find(findings(), "pve-no-base"), nullptr);
  EXPECT_THAT(unknown_backups(), HasSubstr("whether VM 101 has a backup in storage far: a Proxmox Backup Server"));
  storages("nfs: nas\n\tpath /mnt/pve/nas\n\tcontent backup\n");
  EXPECT_THAT(unknown_backups(), HasSubstr("nas: it is on the network"));
  storages("nfs: nas\n\tpath /mnt/pve/nas\n\tcontent iso\n");
  EXPECT_EQ(unknown_backups(), "") << "not for backups";
  storages("nfs: nas\n\tpath /mnt/pve/nas\n\tcontent backup\n\tnodes pve2\n");
  EXPECT_EQ(unknown_backups(), "") << "of another node";
  storages("dir: usb\n\tpath /mnt/usb\n\tcontent backup\n\tis_mountpoint 1\n");
  EXPECT_THAT(unknown_backups(), HasSubstr("usb: nothing is mounted at /mnt/usb"));
  storages("dir: big\n\tpath /srv/big\n\tcontent backup\n\tcontent-dirs iso=a,backup=bak\n");
  EXPECT_THAT(unknown_backups(), HasSubstr("big: /srv/big is not there"));
  host.set_file("srv/big/bak/vzdump-qemu-101-2026_01_31-01_00_00.vma.zst", "");
  EXPECT_EQ(finding("pve-no-base").subject, "VM 102");
  EXPECT_EQ(unknown_backups(), "");
  host.add_mount({"", "/srv/big", "nfs4", "10.0.0.9:/b", "", 1});
  EXPECT_THAT(unknown_backups(), HasSubstr("big: it is on the network"));
  storages("");
  host.set_file("etc/pve/nodes/pve1/qemu-server/100.conf", "template: 1\nscsi0: thin:base-100-disk-0,size=8G\n");
  EXPECT_THAT(unknown_backups(), HasSubstr("whether VM 101 is a linked clone of a template: volumes of storage thin"));
  EXPECT_EQ(find(findings(), "pve-no-base"), nullptr);
}

TEST_F(Doctor, OnlyAnArchiveIsABackup) {
  auto& host = split.host;
  host.remove("etc/pve/jobs.cfg");
  host.set_file("etc/pve/storage.cfg", "dir: local\n\tpath /var/lib/vz\n\tcontent iso,backup\n");
  const std::string backup = "var/lib/vz/dump/vzdump-qemu-101-2026_01_31-01_00_00";
  for (const auto* beside : {".log", ".vma.zst.notes", ".vma.dat", ".vma.zst.protected"})
    host.set_file(backup + beside, "");
  EXPECT_EQ(finding("pve-no-base").subject, "VM 101");
  for (const auto* archive : {".vma", ".vma.zst", ".vma.gz", ".vma.lzo", ".tar", ".tgz"}) {
    host.set_file(backup + archive, "");
    EXPECT_EQ(finding("pve-no-base").subject, "VM 102") << archive;
    host.remove(backup + archive);
  }
}

TEST_F(Doctor, BackupsThatMayHangWhoeverLooks) {
  auto& host = split.host;
  host.remove("etc/pve/jobs.cfg");
  const std::string file = "/vzdump-qemu-101-2026_01_31-01_00_00.vma.zst";
  host.set_file("etc/pve/storage.cfg", "dir: b\n\tpath /srv/b\n\tcontent backup\n");
  host.set_file("srv/b/dump" + file, "");
  EXPECT_EQ(finding("pve-no-base").subject, "VM 102");
  host.add_mount({"", "/srv/b/dump", "nfs4", "10.0.0.9:/b", "", 1});
  EXPECT_THAT(unknown_backups(), HasSubstr("whether VM 101 has a backup in storage b: it is on the network"));
  host.set_file("etc/pve/storage.cfg", "dir: l\n\tpath /srv/link\n\tcontent backup\n");
  host.set_link("srv/link", "../srv/./b");
  EXPECT_THAT(unknown_backups(), HasSubstr("storage l: it is on the network")) << "by a link";
  host.set_link("srv/loop", "loop/x");
  host.set_file("etc/pve/storage.cfg", "dir: l\n\tpath /srv/loop\n\tcontent backup\n");
  EXPECT_THAT(unknown_backups(), HasSubstr("storage l: ")) << "it comes to an end";
  host.set_file("etc/pve/storage.cfg", "");
  EXPECT_EQ(unknown_backups(), "");
  host.add_mount({"", "/var/lib/vz/dump", "autofs", "systemd-1", "", 1});
  EXPECT_THAT(unknown_backups(), HasSubstr("whether VM 101 has a backup in /var/lib/vz/dump: it is on the network"));
  host.set_file("etc/pve/storage.cfg", "dir: local\n\tpath /var/lib/vz\n\tcontent backup\n");
  EXPECT_THAT(unknown_backups(), HasSubstr("storage local: it is on the network"));
}

TEST_F(Doctor, AJobOfAnotherNodeTakesNoGuestOfThis) {
  const auto job = [&](const std::string& more) { split.host.set_file("etc/pve/jobs.cfg", "vzdump: j\n" + more); };
  job("\tall 1\n\tnode pve2\n");
  EXPECT_EQ(finding("pve-no-backup").subject, "VM 101");
  job("\tall 1\n\tnode pve1\n");
  EXPECT_EQ(find(findings(), "pve-no-backup"), nullptr);
  job("\texclude 101\n");
  EXPECT_EQ(finding("pve-no-backup").subject, "VM 101");
}

TEST_F(Doctor, ADamagedConfigurationIsAFinding) {
  split.host.set_file("etc/hostsplit/hostsplit.toml", "version = [");
  EXPECT_EQ(finding("config-damaged").severity, Severity::error);
  split.configure("[vm.101]\nnode = 7\n");
  EXPECT_THAT(finding("config-does-not-fit").message, HasSubstr("no NUMA node 7"));
}

TEST_F(Doctor, OnAnEmptyDirectoryNothingIsInvented) {
  testing::FakeHost empty;
  const Root root(empty.directory());
  for (const auto& finding : diagnose(root).findings) EXPECT_EQ(finding.code, "iommu-off") << finding.message;
}

// Where pages come from ----------------------------------------------------------------------------------------------

std::map<int, NumaNode> two_nodes(Kib memory = 64 * kib_per_gib) {
  std::map<int, NumaNode> nodes;
  for (const int id : {0, 1}) {
    nodes[id].id = id;
    nodes[id].memory = memory;
  }
  return nodes;
}

TEST(CommandLine, TheFloorHoldsPerNodeAndInTotal) {
  const Kib floor = 8 * kib_per_gib;
  EXPECT_TRUE(check_command_line("hugepagesz=1G hugepages=112", two_nodes(), floor).empty());
  EXPECT_EQ(check_command_line("hugepagesz=1G hugepages=113", two_nodes(), floor).size(), 1u);
  EXPECT_TRUE(check_command_line("hugepagesz=1G hugepages=0:56,1:56", two_nodes(), floor).empty());
  EXPECT_EQ(check_command_line("hugepagesz=1G hugepages=0:57,1:57", two_nodes(), floor).size(), 2u);
  EXPECT_EQ(check_command_line("hugepagesz=1G hugepages=0:56,1:56", two_nodes(32 * kib_per_gib), floor).size(), 2u)
      << "half of the memory was taken out since";
  EXPECT_TRUE(check_command_line("quiet", two_nodes(), floor).empty());
}

}  // namespace
}  // namespace hostsplit
