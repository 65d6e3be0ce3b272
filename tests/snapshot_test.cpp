// hostsplit snapshot with the real program: a machine in a file shows what the machine itself shows, and tells nothing.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "core/base/names.hpp"
#include "core/machine/nvlist.hpp"
#include "formats/recording/recording_file.hpp"
#include "formats/toml/documents.hpp"
#include "host/inventory/inventory.hpp"
#include "host/recording/unpacked.hpp"
#include "host/store/store.hpp"
#include "operations/port_changes.hpp"
#include "support/fake_host.hpp"
#include "support/machine_file.hpp"
#include "support/split_host.hpp"

namespace hostsplit::testing {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct Answer {
  int code = -1;
  std::string out, err;
};

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Answer run(const std::string& command) {
  const auto errors = (fs::temp_directory_path() / fmt::format("hostsplit-snapshot-test.{}", getpid())).string();
  FILE* pipe = ::popen(("{ " + command + "; } </dev/null 2>" + errors).c_str(), "r");
  Answer answer;
  char buffer[4096];
  for (std::size_t count; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) answer.out.append(buffer, count);
  const int status = ::pclose(pipe);
  answer.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  answer.err = content(errors);
  fs::remove(errors);
  return answer;
}

Answer hostsplit(const std::string& root, const std::string& words) {
  return run(std::string(HOSTSPLIT_BINARY) + " --root " + root + " " + words);
}

/// Messages name the place a machine is read from.
std::string without_place(std::string text, const std::string& place) {
  for (std::size_t at; (at = text.find(place)) != std::string::npos;) text.replace(at, place.size(), "@");
  return text;
}

const char* const documents[] = {"status --json", "plan --json",   "doctor --json",
                                 "ports --json",  "verify --json", "setup --json --dry-run"};

/// A recorded machine, and both kinds of snapshots of it.
class Recorded {
 public:
  explicit Recorded(const std::string& name) {
    if (name.ends_with(".toml"))
      build_machine(host_, machine_path(name));
    else
      unpack_machine(machine_path(name), host_.directory());
  }
  FakeHost& host() { return host_; }
  std::string directory() const { return host_.directory(); }
  std::string take(const std::string& name, const std::string& words = {}) {
    const auto file = beside_.path(name);
    const auto answer = hostsplit(directory(), "snapshot " + words + " " + file);
    EXPECT_EQ(answer.code, 0) << answer.err;
    EXPECT_EQ(answer.err, "");
    return file;
  }

 private:
  FakeHost host_, beside_;
};

std::vector<std::string> recorded_machines() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(machine_path(""))) {
    const auto name = entry.path().filename().string();
    if (name.ends_with(".toml") || name.ends_with(".snapshot")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

class EveryRecordedMachine : public ::testing::TestWithParam<std::string> {};

TEST_P(EveryRecordedMachine, ShowsTheSameFromASnapshot) {
  Recorded machine(GetParam());
  const auto file = machine.take("all", "--no-scrub");
  for (const char* document : documents) {
    const auto there = hostsplit(machine.directory(), document), here = hostsplit(file, document);
    EXPECT_EQ(here.code, there.code) << document;
    EXPECT_EQ(without_place(here.out, file + ":/"), without_place(there.out, machine.directory() + "/")) << document;
    EXPECT_EQ(without_place(here.err, file + ":/"), without_place(there.err, machine.directory() + "/")) << document;
  }
}

/// Both documents are the same but for strings, and one string is always replaced by the same one.
void expect_renamed(const Json& a, const Json& b, std::map<std::string, std::string>& names, const std::string& where) {
  if (a.is_string() && b.is_string()) {
    const auto [name, fresh] = names.emplace(a.get<std::string>(), b.get<std::string>());
    EXPECT_EQ(name->second, b.get<std::string>()) << where << (fresh ? "" : ", replaced before");
    return;
  }
  if (!a.is_structured() || a.type() != b.type() || a.size() != b.size()) {
    EXPECT_EQ(a, b) << where;
    return;
  }
  if (a.is_array())
    for (std::size_t i = 0; i < a.size(); ++i) expect_renamed(a[i], b[i], names, fmt::format("{}[{}]", where, i));
  else
    for (const auto& [key, value] : a.items()) expect_renamed(value, b.value(key, Json()), names, where + "." + key);
}

TEST_P(EveryRecordedMachine, ShowsTheSameFromAScrubbedOneButForNames) {
  Recorded machine(GetParam());
  const auto file = machine.take("scrubbed");
  std::map<std::string, std::string> names;
  for (const char* document : {"status --json", "plan --json", "doctor --json", "ports --json"}) {
    const auto there = hostsplit(machine.directory(), document), here = hostsplit(file, document);
    EXPECT_EQ(here.code, there.code) << document << here.err;
    if (!Json::accept(there.out)) continue;
    ASSERT_TRUE(Json::accept(here.out)) << document << here.err;
    expect_renamed(Json::parse(without_place(there.out, machine.directory() + "/")),
                   Json::parse(without_place(here.out, file + ":/")), names, document);
  }
  std::size_t renamed = 0;
  for (const auto& [from, to] : names) renamed += from != to;
  EXPECT_LT(renamed, 20u);
}

INSTANTIATE_TEST_SUITE_P(All, EveryRecordedMachine, ::testing::ValuesIn(recorded_machines()), [](const auto& tested) {
  std::string name = tested.param.substr(0, tested.param.find('.'));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(Snapshot, OfTheArticleWorkstationIsSmall) {
  Recorded machine("trx40-article.toml");
  EXPECT_LT(fs::file_size(machine.take("small")), 200u * 1024);
}

/// Where readers look, and what of it is nobody's business.
void plant_secrets(FakeHost& host) {
  host.add_kernel("6.17.13-1-pve");
  host.set_file("usr/sbin/update-grub", "");
  host.set_file("proc/spl/kstat/zfs/rpool/state", "ONLINE\n");
  host.set_file("etc/hostname", "alicebox\n");
  host.set_file("etc/hosts",
                "127.0.0.1 localhost\n10.66.77.88 alicebox.lab.example.edu alicebox\n10.66.77.99 bobnas\n");
  host.set_file(
      "proc/cmdline",
      "root=UUID=5ec2e700-dead-beef-cafe-5ec2e75ec2e7 ip=10.66.77.88::10.66.77.1:255.255.255.0:alicebox:eth0:off "
      "quiet rd.password=hunter2 systemd.machine_id=5ec2e75ec2e75ec2e75ec2e75ec2e75e\n");
  host.set_file("etc/default/grub",
                "# hunter2 of Alice\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet rd.secret=hunter2\" # hunter2\n");
  host.set_file("etc/kernel/cmdline", "root=ZFS=rpool/ROOT token=hunter2\n");
  host.set_file("etc/kernel/proxmox-boot-uuids", "5EC2-E700\n");
  host.set_file("etc/modprobe.d/sound.conf", "# hunter2\noptions snd index=0 # hunter2\n");
  host.set_file("etc/rc.local", "#!/bin/sh\ncurl -u alice:hunter2 https://example.edu\n");
  host.set_file("etc/sysctl.conf", "kernel.core_pattern=|/hunter2\nvm.nr_hugepages = 4 # hunter2\n");
  host.set_file("etc/systemd/system/secret.service", "[Service]\nEnvironment=KEY=hunter2\n");
  host.set_file("etc/systemd/system/pages.service",
                "[Service]\nEnvironment=KEY=hunter2\nExecStart=/bin/sh -c 'echo 8 > /proc/sys/vm/nr_hugepages'\n");
  host.set_file("etc/network/interfaces",
                "# hunter2\nauto vmbr0\niface vmbr0 inet static\n  address 10.66.77.88/24\n  gateway 10.66.77.1\n"
                "  wpa-psk hunter2\n  dns-search lab.example.edu\n");
  host.set_file("proc/net/fib_trie", "  |-- 10.66.77.88\n     /32 host LOCAL\n");
  host.set_file("proc/net/if_inet6", "20010db85ec2e7005ec2e7005ec2e700 02 40 00 80 vmbr0\n");
  host.set_file("etc/crypttab",
                "swap UUID=5ec2e701-dead-beef-cafe-5ec2e75ec2e7 /root/disk.key luks,password-echo=hunter2 "
                "# hunter2\n");
  host.set_file(
      "etc/corosync/corosync.conf",
      "totem {\n  cluster_name: alicelab\n  key: hunter2\n}\nnode {\n  name: alicebox\n  ring0_addr: 10.66.77.88\n}\n");
  host.set_file("etc/nut/ups.conf", "[ups]\n  driver = usbhid-ups\n  desc = \"hunter2\"\n  serial = 5EC2E7UPS\n");
  host.set_file("etc/apcupsd/apcupsd.conf", "UPSTYPE usb\nUPSNAME hunter2\n");
  host.set_file("etc/pve/.members",
                "{\"nodename\": \"alicebox\", \"cluster\": {\"quorate\": 1}, \"ip\": \"10.66.77.88\"}\n");
  host.set_file("etc/pve/datacenter.cfg", "email_from: alice@example.edu\nmigration: network=10.66.77.0/24\n");
  host.set_file(
      "etc/pve/ceph.conf",
      "[global]\n key = hunter2\n public_network = 10.66.77.0/24\n fsid = 5ec2e702-dead-beef-cafe-5ec2e75ec2e7\n");
  host.set_file("etc/pve/storage.cfg",
                "dir: local\n\tpath /var/lib/vz\n\tcontent iso,snippets\n\ncifs: share\n\tserver bobnas\n\tusername "
                "alice\n\tpassword hunter2\n");
  host.set_file("etc/pve/jobs.cfg", "vzdump: j\n\tvmid 101\n\tmailto alice@example.edu\n\tcomment hunter2\n");
  host.set_link("etc/pve/local", "nodes/alicebox");
  host.set_file("etc/pve/nodes/alicebox/qemu-server/101.conf", "name: alicevm\n");
  host.set_file("etc/pve/nodes/bobnode/qemu-server/109.conf", "name: bobvm\n");
  host.set_file("etc/pve/qemu-server/101.conf",
                "#hunter2%20of Alice\nname: alicevm\nmemory: 8192\ncores: 4\ncipassword: hunter2\nciuser: "
                "alice\nsshkeys: hunter2\n"
                "smbios1: uuid=5ec2e703-dead-beef-cafe-5ec2e75ec2e7,serial=5EC2E7SMBIOS\n"
                "net0: virtio=52:5E:C2:E7:00:01,bridge=vmbr0\nscsi0: local:vm-101-disk-0,serial=5EC2E7DISK\n"
                "args: -vnc :1,password=hunter2 -smbios type=1,uuid=5ec2e704-dead-beef-cafe-5ec2e75ec2e7\n"
                "ipconfig0: ip=10.66.77.101/24\n\n[before]\ndescription: hunter2\n");
  host.set_file("etc/pve/lxc/105.conf",
                "hostname: alicect\nmemory: 512\nnet0: name=eth0,hwaddr=52:5E:C2:E7:00:02\n#hunter2\n");
  host.set_file("etc/pve/mapping/pci.cfg",
                "card\n\tdescription hunter2\n\tmap id=1022:148c,node=alicebox,path=0000:03:00.3\n");
  host.set_file("etc/zfs/zpool.cache", nvlist_string("name", "rpool") + nvlist_string("hostname", "alicebox") +
                                           nvlist_string("path", "/dev/disk/by-id/ata-DISK_5EC2E7ATA-part3"));
  host.set_file("proc/1/mountinfo",
                host.file("proc/1/mountinfo") +
                    "90 1 0:90 / /mnt/nas rw - nfs4 bobnas:/home/hunter2 rw,addr=10.66.77.99,clientaddr=10.66.77.88\n"
                    "91 1 0:91 / /mnt/share rw - cifs //bobnas/hunter2 rw,username=alice,addr=10.66.77.99\n");
  host.set_file(
      "etc/hostsplit/hostsplit.toml",
      "# hunter2 of Alice\nversion = 1\n\n[vm.101]\nname = \"alicevm\" # hunter2\nmemory = \"1GiB\"\nnode = 0\n");
  host.set_file("run/qemu-server/101.pid", "4711\n");
  using namespace std::string_literals;
  host.set_file(
      "proc/4711/cmdline",
      "/usr/bin/kvm\0-id\0"s
      "101\0-name\0alicevm,debug-threads=on\0-pidfile\0/var/run/qemu-server/101.pid\0"s
      "-smbios\0type=1,uuid=5ec2e705-dead-beef-cafe-5ec2e75ec2e7\0-netdev\0mac=52:5E:C2:E7:00:03\0-vnc\0password=hunter2\0"s
      "-m\0"
      "8192\0"s);
  host.set_file("proc/4711/status", "Name:\tkvm\nHugetlbPages:\t       0 kB\n");
  host.set_file("proc/4711/comm", "kvm\n");
  host.set_file("proc/4711/task/4711/status", "Name:\tkvm\nUid:\t1234567\nCpus_allowed_list:\t0-3\n");
  host.open_files(4712, "mysqld", {"/home/alice/hunter2", "/dev/sda"});
}

constexpr const char* secrets[] = {"hunter2", "alice",  "Alice",       "bob",      "5ec2e7",  "5EC2E7",
                                   "5EC2-E7", "66.77.", "example.edu", "52:5E:C2", "1234567", "20010db85ec2"};

TEST(Snapshot, NoneOfThePlantedSecretsIsInIt) {
  Recorded machine("trx40-article.toml");
  machine.host().plug("0000:44:00.1", "2", {.speed = "5000", .serial = "5EC2E7STICK", .product = "Stick"});
  plant_secrets(machine.host());
  const auto open = content(machine.take("open", "--no-scrub")), closed = content(machine.take("closed"));
  for (const char* secret : secrets) {
    EXPECT_THAT(open, HasSubstr(secret)) << "planted where nobody reads, so it proves nothing";
    std::istringstream lines(closed);
    for (std::string line; std::getline(lines, line);) EXPECT_THAT(line, Not(HasSubstr(secret)));
  }
}

TEST(Snapshot, RelationsOutliveTheScrubbing) {
  Recorded machine("trx40-article.toml");
  plant_secrets(machine.host());
  const auto file = machine.take("closed");
  for (const char* document : {"status --json", "plan --json", "doctor --json"}) {
    const auto there = Json::parse(hostsplit(machine.directory(), document).out);
    const auto here = Json::parse(hostsplit(file, document).out);
    std::vector<std::string> codes_there, codes_here;
    for (const auto& finding : there["findings"]) codes_there.push_back(finding["code"]);
    for (const auto& finding : here["findings"]) codes_here.push_back(finding["code"]);
    EXPECT_EQ(codes_here, codes_there) << document;
  }
}

TEST(Snapshot, OfThisMachineShowsThisMachine) {
  FakeHost beside;
  const auto file = beside.path("live");
  const auto answer = run(std::string(HOSTSPLIT_BINARY) + " snapshot --no-scrub " + file);
  ASSERT_EQ(answer.code, 0) << answer.err;
  const UnpackedMachine unpacked(file);
  const auto live = inventory(Root("/")), recorded = inventory(Root(unpacked.directory()));
  EXPECT_EQ(recorded.functions, live.functions);
  EXPECT_EQ(recorded.controllers, live.controllers);
  EXPECT_EQ(recorded.groups, live.groups);
  EXPECT_EQ(recorded.uses, live.uses);
  EXPECT_EQ(recorded.modules, live.modules);
  EXPECT_EQ(recorded.builtin_modules, live.builtin_modules);
  EXPECT_EQ(recorded.command_line, live.command_line);
  EXPECT_FALSE(recorded.live);
  EXPECT_EQ(hostsplit(file, "doctor --json").err, "");
}

TEST(Snapshot, AFileThatIsThereIsNotReplaced) {
  Recorded machine("x570.toml");
  FakeHost beside;
  beside.set_file("mine", "precious");
  const auto answer = hostsplit(machine.directory(), "snapshot " + beside.path("mine"));
  EXPECT_EQ(answer.code, 2);
  EXPECT_THAT(answer.err, HasSubstr("Name another file"));
  EXPECT_EQ(beside.file("mine"), "precious");
  beside.set_link("link", "target");
  EXPECT_EQ(hostsplit(machine.directory(), "snapshot " + beside.path("link")).code, 2);
  EXPECT_FALSE(fs::exists(beside.path("target")));
}

TEST(Snapshot, GoesToStandardOutputAndIsTakenOfASnapshotToo) {
  Recorded machine("x570.toml");
  const auto first = machine.take("first", "--no-scrub");
  const auto again = hostsplit(first, "snapshot --no-scrub -");
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_EQ(parse_recording(again.out, "x").entries, parse_recording(content(first), "x").entries);
  const auto described = Json::parse(hostsplit(first, "snapshot --json " + first + ".2").out);
  EXPECT_EQ(described["bytes"], fs::file_size(first + ".2"));
  EXPECT_EQ(described["scrubbed"], true);
}

TEST(Snapshot, WhatIsNoSnapshotIsOneClearError) {
  FakeHost host;
  host.set_file("bad", "hostsplit-snapshot 1\n\nd /a\n> b /etc\nend\n");
  host.set_file("newer", "hostsplit-snapshot 9\n");
  for (const char* verb : {"status", "doctor --json", "plan", "ports", "verify", "setup", "mapping", "apply"}) {
    const auto answer = hostsplit(host.path("bad"), verb);
    EXPECT_EQ(answer.code, 2) << verb;
    EXPECT_THAT(answer.err, HasSubstr("leads out of the recorded machine")) << verb;
    EXPECT_EQ(std::count(answer.err.begin(), answer.err.end(), '\n'), 1) << answer.err;
    if (std::string(verb).ends_with("--json"))
      EXPECT_THAT(answer.out, HasSubstr("leads out of the recorded machine")) << "a program waits for a document";
    else
      EXPECT_EQ(answer.out, "") << verb;
  }
  EXPECT_THAT(hostsplit(host.path("newer"), "status").err, HasSubstr("format 9"));
}

TEST(Snapshot, CannotBeActedUpon) {
  Recorded machine("trx40-article.toml");
  const auto file = machine.take("closed");
  for (const char* verb : {"apply --yes", "ports rename desk-1 x", "ports forget desk-1"}) {
    const auto answer = hostsplit(file, verb);
    EXPECT_NE(answer.code, 0) << verb;
    EXPECT_NE(answer.err, "") << verb;
  }
  EXPECT_EQ(hostsplit(file, "apply --dry-run").code, 0);
}

std::size_t unpacked_directories(const std::string& place) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(place))
    count += entry.path().filename().string().starts_with("hostsplit-snapshot.");
  return count;
}

TEST(Snapshot, NothingStaysBehind) {
  Recorded machine("trx40-article.toml");
  FakeHost temporary;
  const auto file = machine.take("closed");
  const std::string command = "TMPDIR=" + temporary.directory() + " " + HOSTSPLIT_BINARY + " --root " + file + " ";
  for (const char* verb : {"status", "apply --dry-run", "apply --yes", "status | head -c 1"}) run(command + verb);
  EXPECT_EQ(unpacked_directories(temporary.directory()), 0u);
  // Killed in the middle: its output goes into a fifo nobody reads.
  ASSERT_EQ(mkfifo(temporary.path("fifo").c_str(), 0600), 0);
  const int reader = ::open(temporary.path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  run("TMPDIR=" + temporary.directory() +
      " sh -c 'i=0; while [ $i -lt 3000 ]; do echo ........................; i=$((i + 1)); done >" +
      temporary.path("fifo") + "' & w=$!; " + command + "status >" + temporary.path("fifo") +
      " & p=$!; sleep 0.5; kill -9 $p; kill $w");
  ::close(reader);
  for (int i = 0; i < 100 && unpacked_directories(temporary.directory()) != 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(unpacked_directories(temporary.directory()), 0u);
}

TEST(Snapshot, IsOfferedWhereSomethingUnexpectedHappens) {
  Recorded machine("x570.toml");
  machine.host().set_file(std::string(names::boot_health_file) + "/not-a-file", "");
  const auto answer = hostsplit(machine.directory(), "status");
  EXPECT_EQ(answer.code, 1);
  EXPECT_THAT(answer.err, HasSubstr("\nFor a bug report, sudo hostsplit snapshot "));
  EXPECT_THAT(hostsplit("/nowhere", "status").err, Not(HasSubstr("snapshot writes")));
  EXPECT_EQ(hostsplit(machine.directory(), "snapshot -").code,
            0);  // what is wrong does not keep it from being recorded
}

// Ports to another installation

TEST(PortsExport, WhatIsExportedIsTheMap) {
  Recorded machine("trx40-article.toml");
  FakeHost beside;
  const auto text = hostsplit(machine.directory(), "ports export").out;
  EXPECT_EQ(parse_port_map(text, "x").ports.size(), 8u);
  EXPECT_EQ(hostsplit(machine.directory(), "ports export " + beside.path("p.toml")).code, 0);
  EXPECT_EQ(beside.file("p.toml"), text);
  EXPECT_EQ(hostsplit(machine.directory(), "ports export " + beside.path("p.toml")).code, 2);
  Recorded unlearned("x570.toml");
  EXPECT_EQ(hostsplit(unlearned.directory(), "ports export").code, 2);
}

TEST(PortsImport, ShowsWhatDiffersAndChangesNothingOnARecordedMachine) {
  Recorded machine("trx40-article.toml");
  FakeHost beside;
  beside.set_file("same", machine.host().file(names::port_map_file));
  const auto same = hostsplit(machine.directory(), "ports import --yes " + beside.path("same"));
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_THAT(same.out, HasSubstr("as they are in the file"));
  auto map = parse_port_map(machine.host().file(names::port_map_file), "x");
  map.ports.front().label = "moved";
  map.ports.pop_back();
  beside.set_file("other", to_toml(map));
  const auto other = hostsplit(machine.directory(), "ports import --dry-run " + beside.path("other"));
  EXPECT_EQ(other.code, 0) << other.err;
  for (const char* line :
       {"new: moved at", "gone: front-1 at", "gone: rear-4 at", "it is not among the imported ports"})
    EXPECT_THAT(other.out, HasSubstr(line));
  EXPECT_NE(hostsplit(machine.directory(), "ports import --yes " + beside.path("other")).code, 0);
  EXPECT_EQ(machine.host().file(names::port_map_file), beside.file("same"));
  beside.set_file("bad", "version = 1\n[[port]]\nlabel = \"../x\"\n");
  const auto bad = hostsplit(machine.directory(), "ports import --yes " + beside.path("bad"));
  EXPECT_EQ(bad.code, 2);
  EXPECT_THAT(bad.err, HasSubstr("bad:3"));
}

TEST(PortsImport, ReplacesTheMapAndKeepsTheOneBefore) {
  Recorded machine("trx40-article.toml");
  auto& host = machine.host();
  FakeEffects effects(host);
  MemoryAudit audit;
  const Root root = host.root();
  const PortMap before = load_port_map(root);
  PortMap after = before;
  after.ports.pop_back();
  import_learned_ports({root, effects, audit}, before, after);
  EXPECT_TRUE(port_map_changes(load_port_map(root), after).empty());
  EXPECT_EQ(audit.records.back().event, "import-ports");
  EXPECT_EQ(parse_port_map(host.file(names::port_map_before), "x").ports.size(), before.ports.size());
  EXPECT_EQ(port_map_changes(before, after).size(), 1u);
  // Shown another one than is there by now.
  EXPECT_THROW(import_learned_ports({root, effects, audit}, before, after), Error);
  // And back.
  import_learned_ports({root, effects, audit}, after, parse_port_map(host.file(names::port_map_before), "x"));
  EXPECT_EQ(load_port_map(root).ports.size(), before.ports.size());
}

}  // namespace
}  // namespace hostsplit::testing
