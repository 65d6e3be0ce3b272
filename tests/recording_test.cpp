// A machine in a file: what is recorded, what is replaced, what is refused.
#include "core/recording/recording.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "core/base/error.hpp"
#include "core/machine/nvlist.hpp"
#include "core/recording/address_map.hpp"
#include "core/recording/identifiers.hpp"
#include "core/recording/needed_lines.hpp"
#include "formats/recording/recording_file.hpp"
#include "host/recording/recorder.hpp"
#include "host/recording/unpacked.hpp"
#include "support/fake_host.hpp"

namespace hostsplit::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = RecordedEntry::Kind;

Recording with(std::map<std::string, RecordedEntry> entries) {
  Recording recording;
  recording.made_by = "0.1.0";
  recording.entries = std::move(entries);
  return recording;
}

RecordedEntry file(const std::string& text) {
  return {Kind::file, text};
}

// The format

TEST(RecordingFile, ComesBackAsItWas) {
  auto recording = with({{"etc", {Kind::directory}},
                         {"etc/one line", file("a b\n")},
                         {"etc/no end", file("a\nb")},
                         {"etc/empty", file("")},
                         {"etc/newline", file("\n")},
                         {"etc/bytes", file(std::string("\0\x01\\ \xff\t", 6))},
                         {"etc/words", file("\xc3\xa9\xe5\x89\x8d\nb \n\n")},
                         {"etc/a\nb", {Kind::name}},
                         {"etc/secret", {Kind::unreadable}},
                         {"sys/link", {Kind::link, "../etc/one line"}},
                         {"proc/12/fd/3", {Kind::link, "/dev/vfio/60"}},
                         {"top", {Kind::file, "x\n", 0755, 12}}});
  recording.scrubbed = true;
  EXPECT_EQ(parse_recording(to_text(recording), "f"), recording);
}

TEST(RecordingFile, IsReadable) {
  EXPECT_EQ(to_text(with({{"sys/a/class", file("0x0c0330\n")}, {"sys/a/x", file("1\n2")}})),
            "hostsplit-snapshot 1\nmade-by 0.1.0\nscrubbed no\n\nd /sys/a\n= class 0x0c0330\n: x\n| 1\n~ 2\nend\n");
}

std::string with_lines(const std::string& lines) {
  return "hostsplit-snapshot 1\nmade-by x\nscrubbed no\n\n" + lines + "end\n";
}

std::string refusal(const std::string& text) {
  try {
    parse_recording(text, "the-file");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::bad_input);
    EXPECT_THAT(error.what(), HasSubstr("the-file"));
    return error.what();
  }
  return "taken";
}

TEST(RecordingFile, DamageIsOneClearError) {
  EXPECT_EQ(refusal(with_lines("d /a\n= b c\n")), "taken");
  EXPECT_THAT(refusal(""), HasSubstr("not a snapshot"));
  EXPECT_THAT(refusal("\x7f"
                      "ELF"),
              HasSubstr("not a snapshot"));
  EXPECT_THAT(refusal("hostsplit-snapshot 2\n"), HasSubstr("format 2"));
  const auto whole = with_lines("d /a\n= b c\n: d\n| e\n");
  for (std::size_t length = 19; length < whole.size(); ++length)
    EXPECT_NE(refusal(whole.substr(0, length)), "taken") << length;
  EXPECT_THAT(refusal(whole + "more\n"), HasSubstr("behind its end"));
  EXPECT_THAT(refusal(with_lines("| text of nothing\n")), HasSubstr("belongs to no entry"));
  EXPECT_THAT(refusal(with_lines("d /a\n= b \\x4\n")), HasSubstr("digits"));
  EXPECT_THAT(refusal(with_lines("what\n")), HasSubstr("not understood"));
  EXPECT_THAT(refusal(with_lines("d /a\n: b\n~ c\n| d\n")), HasSubstr("content without"));
}

TEST(RecordingFile, MaliceIsRefused) {
  for (const char* lines : {"d /a/../b\n", "d /..\n", "d //a\n", "d /a/\n", "d /a/./b\n"})
    EXPECT_THAT(refusal(with_lines(std::string(lines) + "= x y\n")), HasSubstr("is not")) << lines;
  EXPECT_THAT(refusal(with_lines("d a\n= x y\n")), HasSubstr("begins with"));
  for (const char* name : {"..", ".", "a/b", "\\x2e\\x2e", "a\\x2fb", "a\\x00b"})
    EXPECT_THAT(refusal(with_lines("d /\n= " + std::string(name) + " y\n")), HasSubstr("not a name")) << name;
  for (const char* target : {"/etc", "../../etc", "../x/../../etc", "..\\x2f../etc"})
    EXPECT_THAT(refusal(with_lines("d /a\n> b " + std::string(target) + "\n")), HasSubstr("leads out")) << target;
  EXPECT_EQ(refusal(with_lines("d /a\n> b ../etc\n")), "taken");
  EXPECT_EQ(refusal(with_lines("d /proc/1/fd\n> 3 /dev/sda\n")), "taken");
  EXPECT_THAT(refusal(with_lines("d /proc/1/fd/x\n> 3 /dev/sda\n")), HasSubstr("leads out"));
  EXPECT_THAT(refusal(with_lines("d /a\n= b c\n= b d\n")), HasSubstr("twice"));
  EXPECT_THAT(refusal(with_lines("d /a\n= b c\nd /x\n= y z\nd /a\n> b c\n")), HasSubstr("twice"));
  EXPECT_THAT(refusal(with_lines("d /a\n> b etc\nd /a/b\n= passwd x\n")), HasSubstr("no directory"));
  EXPECT_THAT(refusal(with_lines("d /a\n= b c\nd /a/b/c\n= d e\n")), HasSubstr("no directory"));
  EXPECT_THAT(refusal(with_lines("d /a\n= b c\nm 4755\n")), HasSubstr("nine bits"));
  for (const char* device : {"b sda 8 0\n", "c null 1 3\n", "p pipe\n"})
    EXPECT_THAT(refusal(with_lines("d /dev\n" + std::string(device))), HasSubstr("not understood"));
  EXPECT_THAT(refusal(with_lines("d /\n= " + std::string(300, 'n') + " x\n")), HasSubstr("not a name"));
}

TEST(RecordingFile, MessagesCarryNoControlCharacters) {
  EXPECT_THAT(refusal(with_lines("d /\n= \\x1b[31m/x y\n")), Not(HasSubstr("\x1b")));
}

// Unpacking

TEST(UnpackedMachine, IsPrivateAndGoesAway) {
  FakeHost host;
  host.set_file("snapshot", to_text(with({{"etc", {Kind::directory}},
                                          {"etc/x", {Kind::file, "y\n", 0755}},
                                          {"etc/secret", {Kind::unreadable}},
                                          {"l", {Kind::link, "etc"}},
                                          {"proc", {Kind::directory}},
                                          {"proc/7", {Kind::name}},
                                          {"proc/7/comm", file("kvm\n")},
                                          {"proc/8", {Kind::name}}})));
  std::string directory;
  {
    const UnpackedMachine machine(host.path("snapshot"));
    directory = machine.directory();
    struct stat status {};
    ASSERT_EQ(stat(directory.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0700u);
    const Root root(machine.directory());
    EXPECT_EQ(root.read("l/x"), "y");
    EXPECT_EQ(root.mode("etc/x"), 0755u);
    EXPECT_TRUE(root.exists("etc/secret"));
    EXPECT_EQ(root.read("etc/secret"), std::nullopt);
    EXPECT_THROW(root.read_file("etc/secret"), Error);
    EXPECT_EQ(root.list("proc"), (std::vector<std::string>{"7", "8"}));
    EXPECT_EQ(root.read("proc/7/comm"), "kvm");
  }
  EXPECT_FALSE(fs::exists(directory));
}

TEST(UnpackedMachine, OtherFilesAreRefused) {
  FakeHost host;
  host.set_file("text", "hello\n");
  EXPECT_THROW(UnpackedMachine(host.path("text")), Error);
  EXPECT_THROW(UnpackedMachine(host.path("nothing")), Error);
  ASSERT_EQ(mkfifo(host.path("fifo").c_str(), 0600), 0);
  EXPECT_THROW(UnpackedMachine(host.path("fifo")), Error);
  EXPECT_THROW(UnpackedMachine("/dev/zero"), Error);
  host.set_file("huge", "hostsplit-snapshot 1\n");
  fs::resize_file(host.path("huge"), largest_recording + 1);  // sparse
  EXPECT_THROW(UnpackedMachine(host.path("huge")), Error);
}

// Recording

TEST(Recorder, RecordsWhatIsAskedAndTheWayToIt) {
  FakeHost host;
  host.set_file("real/a/value", "1\n");
  host.set_file("real/a/other", "2\n");
  host.set_link("class/x", "../real/a");
  host.set_link("var/run", "/real");
  host.set_file("etc/present", "secret");
  Recorder recorder(host.directory());
  const Root root(RootPlace{host.directory()}, &recorder);
  EXPECT_EQ(root.read("class/x/value"), "1");
  EXPECT_EQ(root.read("var/run/a/other", 1), "2");
  EXPECT_EQ(root.read("class/x/none"), std::nullopt);
  EXPECT_TRUE(root.exists("etc/present"));
  EXPECT_EQ(root.list("real").size(), 1u);
  EXPECT_EQ(root.resolve("class/x"), "real/a");
  EXPECT_FALSE(root.live());
  const std::map<std::string, RecordedEntry> wanted{{"class/x", {Kind::link, "../real/a"}},
                                                    {"var/run", {Kind::link, "../real"}},
                                                    {"real", {Kind::directory}},
                                                    {"real/a", {Kind::directory}},
                                                    {"real/a/value", file("1\n")},
                                                    {"real/a/other", file("2")},
                                                    {"etc/present", file("")}};
  EXPECT_EQ(recorder.entries(), wanted);
}

TEST(Recorder, ARecordedLiveMachineCannotBeActedUpon) {
  Recorder recorder("/");
  const Root root(RootPlace{}, &recorder);
  EXPECT_FALSE(root.live());
  EXPECT_EQ(root.display("etc/x"), "/etc/x");
  EXPECT_TRUE(root.read("proc/self/comm"));
  EXPECT_TRUE(root.read("proc/net/route"));
  EXPECT_TRUE(recorder.entries().contains("proc/self/comm"));
  EXPECT_TRUE(recorder.entries().contains("proc/net/route"));
}

TEST(Reduced, ProcessesThatUseNothingAreLeftOut) {
  const auto kept = reduced(with({{"proc", {Kind::directory}},
                                  {"proc/cpuinfo", {Kind::name}},
                                  {"proc/1", {Kind::name}},
                                  {"proc/1/ns/mnt", {Kind::link, "mnt:[1]"}},
                                  {"proc/50", {Kind::name}},
                                  {"proc/50/comm", file("bash\n")},
                                  {"proc/50/status", file("Name:\tbash\nHugetlbPages:\t       0 kB\n")},
                                  {"proc/50/fd", {Kind::directory}},
                                  {"proc/50/fd/0", {Kind::link, "/dev/pts/1"}},
                                  {"proc/50/fd/1", {Kind::link, "/home/alice/diary"}},
                                  {"proc/60", {Kind::name}},
                                  {"proc/60/comm", file("dd\n")},
                                  {"proc/60/fd/0", {Kind::link, "/dev/sdb"}},
                                  {"proc/60/fd/1", {Kind::link, "socket:[5]"}},
                                  {"proc/60/fd/2", {Kind::link, "/dev/char/1:3"}},
                                  {"proc/60/ns/mnt", {Kind::link, "mnt:[1]"}},
                                  {"proc/70/status", file("Name:\tdpdk\nHugetlbPages:\t 2048 kB\n")},
                                  {"proc/80", {Kind::directory}}}));
  std::vector<std::string> paths;
  for (const auto& [path, entry] : kept.entries) paths.push_back(path);
  EXPECT_EQ(paths, (std::vector<std::string>{"proc", "proc/1", "proc/1/ns/mnt", "proc/60", "proc/60/comm",
                                             "proc/60/fd/0", "proc/70/status", "proc/80"}));
}

TEST(Reduced, LongContentIsCutAtALineAndSaidToBe) {
  const auto kept = reduced(with({{"etc/modules", file("one\ntwo\nthree\n")}}), 9);
  EXPECT_EQ(kept.entries.at("etc/modules"), (RecordedEntry{Kind::file, "one\ntwo\n", {}, 6}));
}

TEST(Reduced, MappingsAreSummed) {
  const auto kept = reduced(with(
      {{"proc/9/numa_maps", file("7f00 bind:0 file=/run/hugepages/x huge dirty=2 N0=2 N1=1 kernelpagesize_kB=1048576\n"
                                 "7f01 bind:0 file=/run/hugepages/x huge dirty=2 N0=3 kernelpagesize_kB=1048576\n"
                                 "7f02 default file=/home/alice/lib N0=5 kernelpagesize_kB=4\n")}}));
  EXPECT_EQ(kept.entries.at("proc/9/numa_maps").text,
            "0 default huge N0=5 N1=1 kernelpagesize_kB=1048576\n0 default N0=5 kernelpagesize_kB=4\n");
}

// Addresses

AddressMap::Bytes four(int a, int b, int c, int d) {
  return {static_cast<unsigned char>(a), static_cast<unsigned char>(b), static_cast<unsigned char>(c),
          static_cast<unsigned char>(d)};
}

int common_bits(const AddressMap::Bytes& a, const AddressMap::Bytes& b) {
  for (std::size_t bit = 0; bit < a.size() * 8; ++bit)
    if (((a[bit / 8] ^ b[bit / 8]) >> (7 - bit % 8) & 1) != 0) return static_cast<int>(bit);
  return static_cast<int>(a.size() * 8);
}

TEST(AddressMap, KeepsPrefixesAndNothingElse) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    AddressMap map(seed);
    map.add_network(four(10, 1, 2, 0), 24);
    map.add_network(four(10, 0, 0, 0), 8);
    const std::vector<AddressMap::Bytes> all{four(10, 1, 2, 3),   four(10, 1, 2, 200), four(10, 1, 2, 0),
                                             four(10, 1, 3, 3),   four(10, 200, 0, 1), four(141, 3, 4, 5),
                                             four(141, 3, 4, 77), four(172, 16, 5, 5), four(192, 168, 7, 9)};
    for (const auto& a : all)
      for (const auto& b : all) EXPECT_EQ(common_bits(map.replaced(a), map.replaced(b)), common_bits(a, b));
    EXPECT_EQ(map.replaced(four(10, 1, 2, 0)).back(), 0);
    EXPECT_EQ(map.replaced(four(10, 1, 2, 3)).front(), 10);
    EXPECT_EQ(map.replaced(four(10, 0, 0, 0)), four(10, 0, 0, 0));
  }
  EXPECT_NE(AddressMap(1).replaced(four(141, 3, 4, 5)), AddressMap(2).replaced(four(141, 3, 4, 5)));
}

TEST(AddressMap, SpecialOnesStay) {
  const AddressMap map(7);
  for (const char* text : {"127.0.0.1", "0.0.0.0/0", "255.255.255.0", "224.0.0.251", "::1", "::", "ff02::1",
                           "0000:41:00.0", "1-2.1.3.4", "6.17.13-1-pve", "12:30:11", "06d0:1234", "node::b"})
    EXPECT_EQ(map.in_text(text), text);
}

TEST(AddressMap, FindsThemInText) {
  const AddressMap map(7);
  const auto one = map.in_text("10.20.30.40"), gateway = map.in_text("10.20.30.1"), six = map.in_text("2001:db8::5");
  EXPECT_NE(one, "10.20.30.40");
  EXPECT_NE(six, "2001:db8::5");
  EXPECT_EQ(map.in_text("ip=10.20.30.40::10.20.30.1:255.255.255.0:box:eth0:off"),
            "ip=" + one + "::" + gateway + ":255.255.255.0:box:eth0:off");
  EXPECT_EQ(map.in_text("addr=10.20.30.40,x [2001:db8::5]:/e 10.20.30.40/24."),
            "addr=" + one + ",x [" + six + "]:/e " + one + "/24.");
  EXPECT_EQ(map.in_text("2001:0DB8:0:0::5"), six);
}

// Names and what has a form of its own

TEST(Identifiers, OneValueIsAlwaysReplacedByTheSame) {
  Identifiers ids;
  ids.add(Identifiers::Kind::host, "box-1");
  ids.add(Identifiers::Kind::guest, "alice");
  ids.add(Identifiers::Kind::serial, "4C53");
  EXPECT_EQ(ids.in_text("box-1 box-12 xbox-1 /box-1/ box--1--vg-root"), "host1 box-12 xbox-1 /host1/ host1--vg-root");
  EXPECT_EQ(ids.in_text("alice,malice,alice2,\"alice\""), "guest1,malice,alice2,\"guest1\"");
  EXPECT_EQ(ids.in_text("usb-SanDisk_4C53-0:0"), "usb-SanDisk_serial1-0:0");
  const auto uuid = ids.in_text("UUID=0a1b2c3d-1111-2222-3333-444455556666");
  EXPECT_EQ(uuid, "UUID=00000000-0000-4000-8000-000000000001");
  EXPECT_EQ(ids.in_text("/dev/disk/by-uuid/0a1b2c3d-1111-2222-3333-444455556666 x"),
            "/dev/disk/by-uuid/00000000-0000-4000-8000-000000000001 x");
  EXPECT_EQ(ids.in_text("UUID=ABCD-1234 by-uuid/ABCD-1234"), "UUID=id1 by-uuid/id1");
  EXPECT_EQ(ids.in_text("LABEL=ALICE by-id/ata-X_Y-part3 by-id/ata-X_Y"), "LABEL=id2 by-id/id3-part3 by-id/id3");
  EXPECT_EQ(ids.in_text("52:54:00:aa:bb:cc 52:54:00:AA:BB:CD enx525400aabbcc"),
            "02:00:00:00:00:01 02:00:00:00:00:02 enx020000000001");
  EXPECT_EQ(ids.in_text("bob@lab.example.com iqn.2003-01.com.example:bob"),
            "user1@example.org iqn.2000-01.org.example:1");
}

TEST(Identifiers, WhatOnlyLooksSimilarStays) {
  Identifiers ids;
  for (const char* text : {"0000:41:00.0", "00:00:00:00:00:00", "GRUB_DISABLE_LINUX_UUID=true", "HID_ID=0003:0000046D",
                           "1022:148c", "da39a3ee5e6b4b0d3255bfef95601890afd80709", "mnt:[4026531841]", "user@host"})
    EXPECT_EQ(ids.in_text(text), text);
}

// What is needed of a file

TEST(NeededLines, LineNumbersStay) {
  EXPECT_EQ(
      needed_lines("etc/rc.local", "#!/bin/sh\ncurl -u bob:hunter2 x\necho 8 > /proc/sys/vm/nr_hugepages # Bob\n"),
      "\n\necho 8 > /proc/sys/vm/nr_hugepages \n");
  EXPECT_EQ(needed_lines("etc/hostsplit/hostsplit.toml", "version = 1 # of Bob\n[vm.101]\nname = \"a # b\"\n"),
            "version = 1 \n[vm.101]\nname = \"a # b\"\n");
  EXPECT_EQ(needed_lines("etc/modprobe.d/x.conf", "options a b # it's Bob's\n"), "options a b \n");
}

TEST(NeededLines, OfThoseWhoMayWritePagesOnlyThat) {
  EXPECT_EQ(needed_lines("etc/network/interfaces",
                         "iface a inet static\n\twpa-psk x\n\tup echo 1 > /x/nr_hugepages\n"
                         "\tpost-up wg set wg0 private-key /x\n"),
            "iface a inet static\n\n\tup echo 1 > /x/nr_hugepages\n");
  EXPECT_EQ(needed_lines("etc/dpdk/dpdk.conf", "X=1\nNR_1G_PAGES=8\n"), "\nNR_1G_PAGES=8\n");
  EXPECT_EQ(needed_lines("mnt/pve/nas/snippets/x.sh", "#!/bin/sh\necho 1 >/x/nr_hugepages\ncurl x\n"),
            "\necho 1 >/x/nr_hugepages\n");
  EXPECT_EQ(needed_lines("etc/tuned/a/tuned.conf", "[x]\nvm.nr_hugepages=4\n"), "\nvm.nr_hugepages=4\n");
  EXPECT_EQ(needed_lines("etc/tuned/active_profile", "a b\n"), "a b\n");
  EXPECT_EQ(needed_lines("usr/local/sbin/x.sh", "a\nb\n"), "");
  EXPECT_EQ(needed_lines("etc/pve/lxc/200.conf", "hookscript: local:snippets/x.sh\nunprivileged: 1\n"),
            "hookscript: local:snippets/x.sh\n");
}

TEST(NeededLines, OfNetworkSettingsWhichInterfaces) {
  EXPECT_EQ(needed_lines("etc/network/more/a", "source x/*\niface a\n\tbridge-ports b \\\n\t\tc\n\tmtu 9000\n"),
            "source x/*\niface a\n\tbridge-ports b \\\n\t\tc\n");
  EXPECT_EQ(needed_lines("etc/NetworkManager/system-connections/a.nmconnection",
                         "[connection]\nid=Bob\ninterface-name=a\n[wifi-security]\npsk=hunter2\n"),
            "[connection]\n\ninterface-name=a\n[wifi-security]\n");
  EXPECT_EQ(needed_lines("etc/systemd/network/a.network", "[Match]\nName=a\n[Network]\nDNS=10.0.0.1\nDHCP=yes\n"),
            "[Match]\nName=a\n[Network]\n\nDHCP=yes\n");
  EXPECT_EQ(needed_lines("etc/ppp/peers/dsl", "nic-enx1\nuser Bob\n"), "nic-enx1\n");
  EXPECT_EQ(needed_lines("etc/pve/lxc/1.conf", "mp0: a:vm-1-disk-0,mp=/home/bob\n"), "mp0: a:vm-1-disk-0\n");
}

TEST(NeededLines, WhatNoRuleKnowsIsWithheld) {
  EXPECT_EQ(needed_lines("etc/shadow", "root:x\n"), std::nullopt);
  EXPECT_EQ(scrub(with({{"etc/shadow", file("root:x\n")}}), 1).entries.at("etc/shadow"),
            (RecordedEntry{Kind::file, "", {}, 7}));
}

TEST(NeededLines, OwnFilesStayByteForByte) {
  for (const char* path : {"etc/grub.d/42_hostsplit", "etc/modprobe.d/hostsplit.conf", "etc/hostsplit/boot/plan",
                           "var/lib/vz/snippets/hostsplit-hook"})
    EXPECT_EQ(needed_lines(path, "# comment\nx\n"), "# comment\nx\n") << path;
}

TEST(NeededLines, SecretsByTheirName) {
  EXPECT_EQ(without_secrets("rd.password=hunter2 quiet wpa-psk hunter2 a"),
            "rd.password=removed quiet wpa-psk \"removed\" a");
  EXPECT_EQ(without_secrets("api_token = \"hunter2\""), "api_token = \"removed\"");
  EXPECT_EQ(without_secrets("args: -vnc :1,password=hunter2,x=y"), "args: -vnc :1,password=removed,x=y");
  EXPECT_EQ(without_secrets("GRUB_X=\"quiet secret=hunter2\""), "GRUB_X=\"quiet secret=removed\"");
}

TEST(NeededLines, OfQemuOnlyWhatTheGuestHas) {
  using namespace std::string_literals;
  EXPECT_EQ(needed_lines("proc/9/cmdline",
                         "/usr/bin/kvm\0-id\0"
                         "101\0-name\0alice\0-smbios\0uuid=1\0-device\0vfio-pci,host=1\0-device\0"
                         "virtio-net,mac=2\0-m\0"
                         "4096\0"s),
            "kvm\0-id\0"
            "101\0-device\0vfio-pci,host=1\0-m\0"
            "4096\0"s);
  EXPECT_EQ(needed_lines("proc/9/cmdline", "mysql\0-phunter2\0"s), "kvm\0"s);
}

TEST(Scrub, PoolCacheKeepsPoolsAndMembers) {
  const auto cache = nvlist_string("name", "rpool") + nvlist_string("hostname", "box-1") +
                     nvlist_string("path", "/dev/disk/by-id/ata-DISK_SERIAL-part3");
  const auto scrubbed = scrub(with({{"etc/zfs/zpool.cache", file(cache)}}), 1).entries.at("etc/zfs/zpool.cache").text;
  std::map<std::string, std::string> found;
  each_nvlist_string(scrubbed, [&](const auto& key, const auto& value) { found[key] = value; });
  EXPECT_EQ(found, (std::map<std::string, std::string>{{"name", "rpool"}, {"path", "/dev/disk/by-id/id1-part3"}}));
}

TEST(Scrub, GuidsOfAPoolStayEqual) {
  const auto udev = "E:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=rpool\nE:ID_FS_UUID=1234567890123456789\n";
  const auto scrubbed = scrub(with({{"proc/spl/kstat/zfs/rpool/guid", file("1234567890123456789\n")},
                                    {"run/udev/data/b8:3", file(udev)},
                                    {"run/udev/data/b8:1", file("E:ID_FS_TYPE=ext4\nE:ID_FS_UUID=77-88\n")}}),
                              1)
                            .entries;
  const auto guid = scrubbed.at("proc/spl/kstat/zfs/rpool/guid").text;
  EXPECT_EQ(guid.find("1234567890123456789"), std::string::npos);
  EXPECT_THAT(scrubbed.at("run/udev/data/b8:3").text, HasSubstr("E:ID_FS_UUID=" + guid));
  EXPECT_THAT(scrubbed.at("run/udev/data/b8:1").text, Not(HasSubstr("UUID")));
}

TEST(Scrub, RoutesStillLeadToTheirInterfaces) {
  // 10.1.2.0/24 by eth0; corosync's ring is in it.
  const auto text =
      scrub(with({{"proc/net/route", file("Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                                          "eth0\t0002010A\t00000000\t1\t0\t0\t0\t00FFFFFF\n")},
                  {"etc/corosync/corosync.conf", file("  ring0_addr: 10.1.2.7\n  name: box\n")}}),
            99);
  const auto route = text.entries.at("proc/net/route").text, ring = text.entries.at("etc/corosync/corosync.conf").text;
  EXPECT_THAT(ring, Not(HasSubstr("10.1.2.7")));
  int a = 0, b = 0, c = 0, d = 0;
  ASSERT_EQ(std::sscanf(ring.c_str(), " ring0_addr: %d.%d.%d.%d", &a, &b, &c, &d), 4) << ring;
  EXPECT_THAT(route, HasSubstr(fmt::format("eth0\t00{:02X}{:02X}{:02X}\t00000000", c, b, a)));
}

TEST(Scrub, ANameThatIsAWordOfTheMachineIsReplacedOnlyAsAName) {
  const auto text = scrub(with({{"etc/pve/qemu-server/101.conf", file("memory: 8192\nname: memory\n")}}), 1)
                        .entries.at("etc/pve/qemu-server/101.conf")
                        .text;
  EXPECT_EQ(text, "memory: 8192\nname: guest1\n");
}

}  // namespace
}  // namespace hostsplit::testing
