// What never answers: a hung /etc/pve, attributes behind a lock, processes that are left behind, locks somebody keeps.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "core/base/names.hpp"
#include "host/effects/cluster_file.hpp"
#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "host/store/lock.hpp"
#include "host/store/page_lock.hpp"
#include "host/system/forked.hpp"
#include "host/system/unique_fd.hpp"
#include "operations/doctor.hpp"
#include "operations/hook.hpp"
#include "operations/verify.hpp"
#include "service/journal/journal_audit.hpp"
#include "support/silent_mount.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::SilentMount;
using testing::SplitHost;

double seconds_of(const std::function<void()>& what) {
  const auto begin = std::chrono::steady_clock::now();
  what();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The article's machine with VMs in Proxmox VE, whose /etc/pve falls silent.
struct SilentCluster : ::testing::Test {
  SplitHost split;
  std::unique_ptr<Root> patient;
  std::unique_ptr<SilentMount> silent;

  void SetUp() override {
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
    split.host.set_file("etc/pve/qemu-server/101.conf", "name: a\ncores: 1\nmemory: 1024\nhostpci0: 0000:01:00.0\n");
    split.host.set_file("etc/pve/storage.cfg", "dir: local\n\tpath /var/lib/vz\n");
    patient = std::make_unique<Root>(split.host.directory(), true);
    ASSERT_TRUE(read_pve(*patient).known);
    silent = std::make_unique<SilentMount>(split.host.directory() + "/etc/pve");
    if (!silent->mounted()) GTEST_SKIP() << "needs /dev/fuse and the right to mount";
  }
  Context context() { return {*patient, split.effects, split.audit}; }
};

TEST_F(SilentCluster, IsAskedOnceAndThenKnownToBeSilent) {
  EXPECT_LT(seconds_of([&] { EXPECT_FALSE(patient->read("etc/pve/storage.cfg")); }), 8);
  EXPECT_LT(seconds_of([&] {
              EXPECT_FALSE(patient->exists("etc/pve"));
              EXPECT_TRUE(patient->list("etc/pve/qemu-server").empty());
              EXPECT_FALSE(patient->link_text("etc/pve/local"));
              EXPECT_FALSE(patient->mode("etc/pve/local"));
              EXPECT_FALSE(patient->resolve("etc/pve/local"));
              EXPECT_THROW(patient->read_file("etc/pve/local"), Error);
            }),
            1);
  EXPECT_TRUE(patient->silent("etc/pve/anything"));
  EXPECT_TRUE(patient->exists("etc/hostsplit/hostsplit.toml")) << "the rest is read as ever";
}

TEST_F(SilentCluster, EveryVerbAnswersAndSaysSo) {
  const auto seconds = seconds_of([&] {
    const auto planned = plan_for(observe(*patient), Apply{});
    const auto* finding = testing::find(planned.findings, "pve-silent");
    ASSERT_NE(finding, nullptr);
    EXPECT_EQ(finding->severity, Severity::error) << "nobody knows what its VMs would lose";
    const auto diagnosis = diagnose(*patient);
    EXPECT_NE(testing::find(diagnosis.findings, "pve-silent"), nullptr);
    EXPECT_EQ(testing::find(diagnosis.findings, "pve-unknown"), nullptr);
    const auto proof = verify(*patient, {101}, false);
    ASSERT_EQ(proof.guests.size(), 1u);
    EXPECT_EQ(proof.guests[0].verdicts.back().kind, Verdict::Kind::unknown);
    EXPECT_EQ(proof.guests[0].verdicts.back().subject, patient->display("etc/pve"));
    EXPECT_THROW(verify(*patient, {900}, false), Error);
    EXPECT_TRUE(plan_for(observe_for(*patient, Undo{}), Undo{}).findings.empty()) << "undo needs no VM of it";
  });
  EXPECT_LT(seconds, 12);
}

TEST_F(SilentCluster, NeverHoldsAVmBack) {
  EXPECT_LT(seconds_of([&] { EXPECT_EQ(before_start(context(), 101).veto, ""); }), 12);
  silent->answer();
  EXPECT_THAT(before_start(split.context(), 101).veto, HasSubstr("hostpci0 names 0000:01:00.0"));
}

TEST_F(SilentCluster, IsNotWrittenForEver) {
  const auto write = [&] {
    try {
      replace_cluster_file(*patient, names::pci_mapping_file, "", "x\n", 0ms, 500ms);
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("does not answer"));
    }
  };
  EXPECT_LT(seconds_of(write), 3);
}

TEST_F(SilentCluster, AnAttributeThatHangsCostsItsFunctionOnly) {
  EXPECT_LT(seconds_of([&] { EXPECT_FALSE(patient->read_in_time("etc/pve/driver_override", 64)); }), 8);
  EXPECT_EQ(patient->read_in_time("etc/hostsplit/hostsplit.toml", 7), "version");
}

/// As the kernel shows it while an unbind waits for a VM: under the lock of the device.
TEST(PatientRoot, DoesWithoutAnAttributeThatHangs) {
  SplitHost split;
  split.configure_two_vms();
  ASSERT_TRUE(split.apply_now().ok());
  const std::string attribute = "sys/bus/pci/devices/0000:03:00.3/driver_override";
  const SilentMount silent(split.host.path(attribute));
  if (!silent.mounted()) GTEST_SKIP() << "needs /dev/fuse and the right to mount";
  const Root patient(split.host.directory(), true);
  for (const double most : {4.0, 1.0}) {
    Snapshot seen;
    EXPECT_LT(seconds_of([&] { seen = inventory(patient); }), most);
    const auto* function = seen.function({0, 3, 0, 3});
    ASSERT_NE(function, nullptr);
    EXPECT_EQ(function->driver_override, "vfio-pci") << "nothing is to be repaired for it";
    const auto* finding = testing::find(seen.findings, "attribute-missing");
    ASSERT_NE(finding, nullptr);
    EXPECT_THAT(finding->subject, HasSubstr("03:00.3/driver_override"));
    EXPECT_EQ(seen.function({0, 0x44, 0, 1})->driver_override, "vfio-pci");
  }
}

TEST(PatientRoot, SeesWhatADirectOneSees) {
  SplitHost split;
  split.host.set_file("etc/pve/a", "text \n\n");
  split.host.set_file("etc/pve/empty", "");
  std::filesystem::create_symlink("nodes/pve1", split.host.path("etc/pve/local"));
  const Root patient(split.host.directory(), true);
  for (const auto* path : {"etc/pve", "etc/pve/a", "etc/pve/empty", "etc/pve/local", "etc/pve/none"}) {
    EXPECT_EQ(patient.read(path), split.root.read(path)) << path;
    EXPECT_EQ(patient.list(path), split.root.list(path)) << path;
    EXPECT_EQ(patient.link_text(path), split.root.link_text(path)) << path;
    EXPECT_EQ(patient.link_name(path), split.root.link_name(path)) << path;
    EXPECT_EQ(patient.resolve(path), split.root.resolve(path)) << path;
    EXPECT_EQ(patient.exists(path), split.root.exists(path)) << path;
    EXPECT_EQ(patient.mode(path), split.root.mode(path)) << path;
  }
  EXPECT_EQ(patient.read_file("etc/pve/a"), "text \n\n");
  EXPECT_EQ(patient.read_file("etc/pve/none"), std::nullopt);
  EXPECT_THROW(patient.read_file("etc/pve"), Error);
  EXPECT_EQ(patient.read("etc/pve/a", 2), "te");
  EXPECT_FALSE(patient.silent("etc/pve"));
}

TEST(AnswerWithin, HasTheAnswerOrGoesOnWithoutIt) {
  EXPECT_EQ(answer_within(5s, -1, [] { return std::string(300000, 'x'); }), std::string(300000, 'x'));
  EXPECT_EQ(answer_within(5s, -1, []() -> std::string { throw std::runtime_error("no"); }), std::nullopt);
  EXPECT_LT(seconds_of([] {
              EXPECT_FALSE(answer_within(100ms, -1, [] {
                std::this_thread::sleep_for(20s);
                return std::string();
              }));
            }),
            3);
}

TEST(AnswerWithin, KeepsNoDescriptorOfItsOwner) {
  const auto open = answer_within(5s, -1, [] {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return std::to_string(count);
  });
  EXPECT_EQ(open, "6") << "three standard streams, /dev/null, its channel, the directory";
}

/// A journal whose socket nobody reads, as journald after SIGSTOP.
struct StalledJournal : ::testing::Test {
  std::string path = ::testing::TempDir() + "hostsplit-journal-" + std::to_string(getpid());
  UniqueFd journald{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  void SetUp() override {
    unlink(path.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(journald.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  void TearDown() override { unlink(path.c_str()); }
  std::string received() const {
    std::string text(100000, '\0');
    const auto size = recv(journald.get(), text.data(), text.size(), MSG_DONTWAIT);
    return size > 0 ? text.substr(0, static_cast<std::size_t>(size)) : "";
  }
};

TEST_F(StalledJournal, TakesWhatItCanAndTheRestIsCountedAsLost) {
  JournalAudit audit{JournalSocket(path)};
  AuditRecord record;
  record.event = "bind";
  record.result = "done";
  record.message = "bound";
  const auto seconds = seconds_of([&] {
    for (int i = 0; i < 3000; ++i) audit.write(record);
  });
  EXPECT_LT(seconds, 3);
  EXPECT_GT(audit.lost(), 1000u);
  while (!received().empty()) {
  }
  const auto before = audit.lost();
  EXPECT_TRUE(audit.write(record)) << "it takes records again";
  EXPECT_EQ(audit.lost(), before);
}

TEST_F(StalledJournal, HasWhatSdJournalWouldHaveSent) {
  JournalSocket socket(path);
  ASSERT_TRUE(socket.send({"MESSAGE=one", "HOSTSPLIT_REASON=two\nlines"}));
  EXPECT_EQ(received(), std::string("MESSAGE=one\nHOSTSPLIT_REASON\n\x09\0\0\0\0\0\0\0two\nlines\n", 47));
  ASSERT_TRUE(socket.send({"MESSAGE=" + std::string(1000000, 'x')}));
  EXPECT_LT(received().size(), 10000u);
  journald.reset();
  EXPECT_FALSE(socket.send({"MESSAGE=nobody"}));
}

/// Pages of VM 101 are missing, and somebody has one of the two locks.
struct HookLocks : ::testing::Test {
  SplitHost split;
  void SetUp() override {
    split.configure_two_vms();
    ASSERT_TRUE(split.apply_now().ok());
    split.host.set_pages(0, kib_per_gib, 0);
  }
};

TEST_F(HookLocks, NeitherIsKeptWhileTheOtherIsWaitedFor) {
  const auto acting = std::make_unique<Lock>(split.root);
  HookAnswer answer;
  std::thread hook([&] { answer = before_start(split.context(), 101, 600ms); });
  int had = 0;
  for (int i = 0; i < 20; ++i, std::this_thread::sleep_for(15ms)) had += PageLock::held(split.root);
  hook.join();
  EXPECT_EQ(had, 0) << "whoever acts waits for the page lock: this would be a stall of both";
  EXPECT_EQ(answer.veto, "") << "how many pages there are now says nothing";
  ASSERT_EQ(answer.notes.size(), 1u);
  EXPECT_THAT(answer.notes[0], HasSubstr("another hostsplit is acting"));
}

TEST_F(HookLocks, AVmThatStartsDoesNotKeepTheServiceWaiting) {
  const PageLock starting(split.root, 0ms);
  HookAnswer answer;
  std::thread hook([&] { answer = before_start(split.context(), 101, 600ms); });
  int had = 0;
  for (int i = 0; i < 20; ++i, std::this_thread::sleep_for(15ms)) had += Lock::held(split.root);
  hook.join();
  EXPECT_LT(had, 5);
  EXPECT_EQ(answer.veto, "");
  EXPECT_THAT(answer.notes.at(0), HasSubstr("Proxmox VE is starting a VM"));
}

TEST_F(HookLocks, AVmThatHasItsPagesWaitsForNobody) {
  ASSERT_EQ(before_start(split.context(), 101).veto, "");
  const Lock acting(split.root);
  EXPECT_LT(seconds_of([&] { EXPECT_TRUE(before_start(split.context(), 101).notes.empty()); }), 3);
}

}  // namespace
}  // namespace hostsplit
