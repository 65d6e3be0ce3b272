// The pure parts of the service: journal fields, message catalog, findings, drift records, USB descriptors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <utility>

#include <fstream>
#include <set>
#include <sstream>

#include "core/base/error.hpp"
#include "host/act/audit_events.hpp"
#include "service/journal/journal_audit.hpp"
#include "service/journal/log.hpp"
#include "service/loop/udev_monitor.hpp"
#include "service/loop/usb_descriptors.hpp"
#include "service/reconciler/drift.hpp"
#include "service/reconciler/finding_log.hpp"
#include "service/reconciler/reconciler.hpp"

namespace hostsplit {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using ::testing::StartsWith;

std::string file(const std::string& name) {
  std::ifstream stream(std::string(TESTS_DIR) + "/../" + name);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

TEST(JournalFields, NameEverythingAndLeaveOutWhatIsEmpty) {
  AuditRecord record;
  record.event = "bind";
  record.result = "failed";
  record.controller = "0000:03:00.3";
  record.message = "two\nlines";
  EXPECT_THAT(journal_fields(record),
              ElementsAre("MESSAGE=two\nlines", "PRIORITY=3", "SYSLOG_IDENTIFIER=hostsplit",
                          "MESSAGE_ID=" + std::string(audit_event("bind", "failed")->id), "HOSTSPLIT_EVENT=bind",
                          "HOSTSPLIT_CONTROLLER=0000:03:00.3", "HOSTSPLIT_RESULT=failed"));
}

TEST(JournalFields, PriorityFollowsEventAndResult) {
  const auto priority = [](const char* event, const char* result) {
    AuditRecord record;
    record.event = event;
    record.result = result;
    return journal_fields(record).at(1);
  };
  EXPECT_EQ(priority("bind", "started"), "PRIORITY=7");
  EXPECT_EQ(priority("bind", "done"), "PRIORITY=6");
  EXPECT_EQ(priority("port", "seen"), "PRIORITY=6");
  EXPECT_EQ(priority("drift", "seen"), "PRIORITY=4");
  EXPECT_EQ(priority("drift", "failed"), "PRIORITY=3");
  EXPECT_EQ(priority("finding", "ended"), "PRIORITY=6");
}

TEST(JournalFields, AnUnknownEventHasNoMessageId) {
  AuditRecord record;
  record.event = "dance";
  EXPECT_THAT(journal_fields(record), Not(Contains(StartsWith("MESSAGE_ID="))));
}

TEST(MessageCatalog, ExplainsEveryIdAndNoOther) {
  std::set<std::string> ids, explained;
  for (const auto& entry : audit_events) {
    EXPECT_EQ(entry.id.size(), 32u);
    EXPECT_EQ(entry.id.find_first_not_of("0123456789abcdef"), std::string::npos);
    EXPECT_TRUE(ids.insert(std::string(entry.id)).second) << "twice: " << entry.id;
  }
  std::istringstream catalog(file("systemd/hostsplit.catalog"));
  for (std::string line; std::getline(catalog, line);)
    if (line.starts_with("-- ")) explained.insert(line.substr(3));
  EXPECT_EQ(ids, explained);
}

TEST(ManPage, NamesEveryEventAndResult) {
  const auto page = file("docs/man/hostsplit.8");
  const auto words_behind = [&](const std::string& field) {
    const auto begin = page.find(".B " + field) + field.size() + 4;
    const auto text = page.substr(begin, page.find(".TP", begin) - begin);
    std::set<std::string> words;
    std::string word;
    for (const char c : text + " ")
      if (std::isalpha(static_cast<unsigned char>(c)) || c == '-')
        word += c;
      else if (c != '\\')
        words.insert(std::exchange(word, {}));
    return words;
  };
  const auto events = words_behind("HOSTSPLIT_EVENT"), results = words_behind("HOSTSPLIT_RESULT");
  for (const auto& entry : audit_events) {
    EXPECT_TRUE(events.contains(std::string(entry.event))) << entry.event;
    EXPECT_TRUE(results.contains(std::string(entry.result))) << entry.result;
  }
}

Finding finding(const char* code, const char* subject, const char* message = "m") {
  return {code, Severity::warning, subject, message, ""};
}

TEST(FindingLog, TellsEachOnceAndItsEndOnce) {
  FindingLog log;
  EXPECT_EQ(log.update({finding("a", "x"), finding("a", "x")}).begun.size(), 1u);
  auto changes = log.update({finding("a", "x"), finding("a", "y")});
  EXPECT_THAT(changes.begun, ElementsAre(finding("a", "y")));
  EXPECT_TRUE(changes.ended.empty());
  changes = log.update({finding("a", "y", "another sentence")});
  EXPECT_THAT(changes.begun, ElementsAre(finding("a", "y", "another sentence")));
  EXPECT_THAT(changes.ended, ElementsAre(finding("a", "x")));
  EXPECT_TRUE(log.update({finding("a", "y", "another sentence")}).begun.empty());
}

Step bind_step(const std::string& from, std::vector<Cause> causes = {{Cause::Kind::port, "front-1"}}) {
  Bind bind;
  bind.address = *parse_pci_address("0000:03:00.3");
  bind.from = from;
  bind.to = "vfio-pci";
  bind.vm = 101;
  bind.causes = std::move(causes);
  return {"bind 0000:03:00.3", bind, "any words"};
}

TEST(Drift, SaysWhatIsThereAndWhoOwnsIt) {
  const auto record = drift_record(bind_step("xhci_hcd"), "seen").value();
  EXPECT_EQ(record.event, "drift");
  EXPECT_EQ(record.result, "seen");
  EXPECT_EQ(record.port, "front-1");
  EXPECT_EQ(record.vm, "101");
  EXPECT_EQ(record.from, "xhci_hcd");
  EXPECT_EQ(record.to, "vfio-pci");
  EXPECT_EQ(record.reason, "driver is xhci_hcd but VM 101 owns it (port front-1)");
}

TEST(Drift, NamesAllPortsOfTheController) {
  const auto step = bind_step("xhci_hcd", {{Cause::Kind::port, "front-1"}, {Cause::Kind::port, "front-2"}});
  const auto record = drift_record(step, "seen").value();
  EXPECT_EQ(record.port, "front-1,front-2");
  EXPECT_EQ(record.reason, "driver is xhci_hcd but VM 101 owns it (port front-1, port front-2)");
}

TEST(Drift, NoDriverIsSaidInWords) {
  const auto record = drift_record(bind_step(""), "seen").value();
  EXPECT_EQ(record.from, "none");
  EXPECT_THAT(record.reason, StartsWith("no driver is bound"));
}

TEST(Drift, SharedGroupsKeepTheirReason) {
  const auto step = bind_step("xhci_hcd", {{Cause::Kind::shares_group, {}, {0, 0x44, 0, 1}, 24}});
  const auto record = drift_record(step, "seen").value();
  EXPECT_EQ(record.port, "");
  EXPECT_EQ(record.reason, "driver is xhci_hcd but VM 101 owns it (shares group 24 with 0000:44:00.1)");
}

TEST(Drift, PagesNameNodeAndCounts) {
  Reserve reserve;
  reserve.node = 1;
  reserve.page_size = kib_per_gib;
  reserve.from = 50;
  reserve.to = 56;
  reserve.vms = {101, 102};
  const auto record = drift_record({"reserve node 1", reserve, ""}, "seen").value();
  EXPECT_EQ(record.message, "node 1: 50 pages of 1 GiB are reserved but 56 were applied");
  EXPECT_EQ(record.vm, "101,102");
}

TEST(Drift, LoadingAModuleIsNone) {
  EXPECT_FALSE(drift_record({"load vfio-pci", LoadModule{"vfio-pci"}, ""}, "seen"));
}

TEST(DriftLog, TellsAStateOnceUntilItIsRepairedOrAnother) {
  DriftLog log;
  EXPECT_EQ(log.news({bind_step("xhci_hcd")}).size(), 1u);
  EXPECT_EQ(log.news({bind_step("xhci_hcd")}).size(), 0u);
  EXPECT_EQ(log.news({bind_step("")}).size(), 1u) << "another driver is news";
  log.repaired(bind_step(""));
  EXPECT_EQ(log.news({bind_step("")}).size(), 1u) << "drifted again right after the repair";
  EXPECT_EQ(log.news({}).size(), 0u);
  EXPECT_EQ(log.news({bind_step("")}).size(), 1u);
}

TEST(Bos, FindsTheSuperSpeedCapability) {
  const std::vector<std::uint8_t> usb2_extension = {7, 0x10, 0x02, 2, 0, 0, 0};
  const std::vector<std::uint8_t> superspeed = {10, 0x10, 0x03, 0, 0x0e, 0, 1, 10, 0xff, 7};
  const auto bos = [](const std::vector<std::vector<std::uint8_t>>& capabilities) {
    std::vector<std::uint8_t> bytes = {5, 0x0f, 0, 0, static_cast<std::uint8_t>(capabilities.size())};
    for (const auto& capability : capabilities) bytes.insert(bytes.end(), capability.begin(), capability.end());
    bytes[2] = static_cast<std::uint8_t>(bytes.size());
    return bytes;
  };
  EXPECT_EQ(superspeed_in_bos(bos({usb2_extension, superspeed})), true);
  EXPECT_EQ(superspeed_in_bos(bos({usb2_extension})), false);
  EXPECT_EQ(superspeed_in_bos(bos({})), false);
}

TEST(Bos, GarbageIsUnknown) {
  using Bytes = std::vector<std::uint8_t>;
  EXPECT_EQ(superspeed_in_bos(Bytes{}), std::nullopt);
  EXPECT_EQ(superspeed_in_bos(Bytes{5, 0x0f, 5}), std::nullopt);
  EXPECT_EQ(superspeed_in_bos(Bytes{5, 0x01, 5, 0, 0}), std::nullopt) << "another descriptor";
  EXPECT_EQ(superspeed_in_bos(Bytes{5, 0x0f, 99, 0, 1}), std::nullopt) << "shorter than it says";
  EXPECT_EQ(superspeed_in_bos(Bytes{5, 0x0f, 8, 0, 1, 0, 0x10, 3}), std::nullopt) << "a capability of no length";
  EXPECT_EQ(superspeed_in_bos(Bytes{5, 0x0f, 8, 0, 1, 9, 0x10, 3}), std::nullopt) << "a capability beyond the end";
}

TEST(SuperspeedCapable, ADeviceThatIsNotThereIsUnknown) {
  EXPECT_EQ(superspeed_capable(9999, 9999), std::nullopt);
}

TEST(UdevMonitor, OpensAndIsSilentWithoutEvents) {
  UdevMonitor monitor;
  EXPECT_GE(monitor.descriptor(), 0);
  EXPECT_FALSE(monitor.drain().overrun);
}

TEST(UdevEvent, ReadsAsALine) {
  EXPECT_EQ(describe(UdevEvent{"bind", "pci", "/devices/x", "vfio-pci"}), "bind pci /devices/x (vfio-pci)");
  EXPECT_EQ(describe(UdevEvent{"unbind", "pci", "/devices/x", ""}), "unbind pci /devices/x");
}

TEST(Diagnostics, AnUnknownLevelIsBadInput) {
  try {
    set_up_log("loud");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::bad_input);
  }
}

}  // namespace
}  // namespace hostsplit
