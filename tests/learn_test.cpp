// Learning a port is a function of two snapshots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/error.hpp"
#include "core/usb/topology.hpp"
#include "host/inventory/inventory.hpp"
#include "operations/learning.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;
using testing::SplitHost;
using testing::UsbSpec;
using Kind = LearningEvent::Kind;

UsbSpec stick(const std::string& speed, const std::string& serial = "S1") {
  UsbSpec spec;
  spec.speed = speed;
  spec.serial = serial;
  return spec;
}

struct LearnTest : ::testing::Test {
  SplitHost split;
  Learning learning{PortMap{}, inventory(split.root)};

  std::vector<LearningEvent> look() { return learning.observe(inventory(split.root)); }
  LearningEvent plug(const char* controller, const char* path, const char* speed) {
    split.host.plug(controller, path, stick(speed));
    const auto events = look();
    EXPECT_EQ(events.size(), 1u);
    return events.empty() ? LearningEvent{} : events.front();
  }
  void unplug(const char* controller, const char* path, bool usb3) {
    split.host.unplug(controller, path, usb3);
    look();
  }
};

TEST_F(LearnTest, APluggedStickNamesItsSocketAndItsPeerHalf) {
  const auto event = plug("0000:03:00.3", "2", "10000");
  ASSERT_EQ(event.kind, Kind::name_wanted);
  const LearnedPort& port = learning.name(event.device, "front-1");
  EXPECT_EQ(port.controller.ids.device, 0x148c);
  ASSERT_TRUE(port.usb3 && port.usb2);
  EXPECT_TRUE(port.usb3->seen);
  EXPECT_FALSE(port.usb2->seen);
  EXPECT_EQ(port.pairing, Pairing::number);
  EXPECT_FALSE(port.proven());
  EXPECT_EQ(port.last_group, 60);
}

TEST_F(LearnTest, SeeingTheOtherHalfProvesThePair) {
  learning.name(plug("0000:03:00.3", "2", "10000").device, "front-1");
  unplug("0000:03:00.3", "2", true);
  const auto event = plug("0000:03:00.3", "2", "480");
  ASSERT_EQ(event.kind, Kind::other_half);
  EXPECT_EQ(event.label, "front-1");
  EXPECT_TRUE(learning.name(event.device, "front-1").proven());
}

TEST_F(LearnTest, AnotherNameForTheOtherHalfSplitsThePair) {
  learning.name(plug("0000:03:00.3", "2", "10000").device, "front-1");
  const auto event = plug("0000:03:00.3", "2", "480");
  const LearnedPort& second = learning.name(event.device, "rear-4");
  EXPECT_TRUE(second.usb2 && second.usb2->seen);
  const LearnedPort* first = learning.map().find("front-1");
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->usb2);
  EXPECT_EQ(first->pairing, Pairing::none);
}

TEST_F(LearnTest, ReplugOfAKnownSocketSaysItsName) {
  learning.name(plug("0000:03:00.3", "2", "480").device, "front-1");
  unplug("0000:03:00.3", "2", false);
  const auto event = plug("0000:03:00.3", "2", "480");
  EXPECT_EQ(event.kind, Kind::known);
  EXPECT_EQ(event.label, "front-1");
}

TEST_F(LearnTest, TheSamePortNumberOfATwinIsAnotherSocket) {
  learning.name(plug("0000:03:00.3", "2", "480").device, "front-1");
  EXPECT_EQ(plug("0000:22:00.3", "2", "480").kind, Kind::name_wanted);
}

TEST_F(LearnTest, ALabelUsedTwiceIsRefusedWithThePlaceOfTheFirst) {
  learning.name(plug("0000:03:00.3", "2", "480").device, "front-1");
  const auto second = plug("0000:44:00.1", "1", "480");
  try {
    learning.name(second.device, "front-1");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::bad_input);
    EXPECT_THAT(error.what(), HasSubstr("0000:03:00.3"));
    EXPECT_THAT(error.what(), HasSubstr("half 2"));
  }
  EXPECT_EQ(learning.map().ports.size(), 1u);
}

TEST_F(LearnTest, ASocketBehindAHubIsKeyedByItsPath) {
  split.host.add_hub("0000:44:00.3", "1", 4);
  const auto hubs = look();
  ASSERT_FALSE(hubs.empty());
  for (const auto& event : hubs) EXPECT_EQ(event.kind, Kind::hub);
  const auto event = plug("0000:44:00.3", "1.3", "480");
  ASSERT_EQ(event.kind, Kind::name_wanted);
  EXPECT_EQ(learning.name(event.device, "hub-3").usb2->path, "1.3");
}

TEST_F(LearnTest, TwoSticksAtOnceAreNotGuessed) {
  split.host.plug("0000:03:00.3", "1", stick("480", "A"));
  split.host.plug("0000:03:00.3", "2", stick("480", "B"));
  const auto events = look();
  ASSERT_EQ(events.size(), 2u);
  for (const auto& event : events) EXPECT_EQ(event.kind, Kind::several);
}

TEST_F(LearnTest, FirmwareLocationsProveThePairAtOnce) {
  testing::RootPorts ports{2, 2, "5000", "hotplug", true};
  split.host.add_controller({"0000:04:00.1", "0000:00:08.1", "1b21:3242", "1043:1111", 0x0c0330, 70, 0, "xhci_hcd"},
                            ports);
  look();
  const LearnedPort& port = learning.name(plug("0000:04:00.1", "1", "480").device, "type-c");
  EXPECT_EQ(port.pairing, Pairing::location);
  EXPECT_TRUE(port.proven());
}

TEST_F(LearnTest, APlugOfTypeCTurnedOverIsTheSameSocket) {
  testing::RootPorts ports{2, 2, "5000", "hotplug", true};
  split.host.add_controller({"0000:04:00.1", "0000:00:08.1", "1b21:3242", "1043:1111", 0x0c0330, 70, 0, "xhci_hcd"},
                            ports);
  // Both SuperSpeed ports are wired to the socket of the first high speed port; the kernel pairs it with one of them.
  const auto observe = [&] {
    auto snapshot = inventory(split.root);
    const auto port = [&](UsbHalf half, const char* path) {
      return std::find_if(snapshot.ports.begin(), snapshot.ports.end(), [&](const auto& each) {
        return to_string(each.controller) == "0000:04:00.1" && each.half == half && each.path == path;
      });
    };
    port(UsbHalf::usb3, "2")->location = port(UsbHalf::usb2, "1")->location;
    port(UsbHalf::usb3, "2")->peer_path.reset();
    snapshot.ports.erase(port(UsbHalf::usb2, "2"));
    return snapshot;
  };
  for (const char* first : {"1", "2"}) {
    SCOPED_TRACE(first);
    const std::string second = first == std::string("1") ? "2" : "1";
    Learning turned{PortMap{}, observe()};
    split.host.plug("0000:04:00.1", first, stick("5000"));
    const auto& learned = turned.name(turned.observe(observe()).at(0).device, "type-c");
    ASSERT_TRUE(learned.usb2 && learned.usb3);
    EXPECT_EQ(learned.usb2->path, "1");
    split.host.unplug("0000:04:00.1", first, true);
    turned.observe(observe());
    split.host.plug("0000:04:00.1", second, stick("5000"));
    const auto event = turned.observe(observe()).at(0);
    EXPECT_EQ(event.kind, Kind::known);
    EXPECT_EQ(event.label, "type-c");
    EXPECT_EQ(socket_labels(observe(), turned.map()).at({event.device.controller, UsbHalf::usb3, second}), "type-c");
    split.host.unplug("0000:04:00.1", second, true);
  }
}

TEST_F(LearnTest, NamesGivenTwiceAreRefusedBeforeAnythingIsPlugged) {
  EXPECT_THROW(check_new_labels(learning.map(), {"a", "b", "a"}), Error);
  EXPECT_THROW(check_new_labels(learning.map(), {"-x"}), Error);
  EXPECT_NO_THROW(check_new_labels(learning.map(), {"a", "b"}));
}

TEST_F(LearnTest, NamesSurviveRenumberingByAnAddedCard) {
  learning.name(plug("0000:03:00.3", "2", "480").device, "front-1");
  const PortMap map = learning.map();
  Snapshot moved = inventory(split.root);
  PciFunction function = moved.functions.at(parse_pci_address("0000:03:00.3").value());
  moved.functions.erase(function.address);
  function.address.bus = 4;  // the same chain behind the same root bridge, one bus further
  moved.functions[function.address] = function;
  const Located located = locate(moved, map.ports.front().controller);
  EXPECT_EQ(located.kind, Located::Kind::found);
  EXPECT_EQ(to_string(*located.address), "0000:04:00.3");
}

TEST_F(LearnTest, AnotherDeviceAtTheLearnedPlaceIsAContradiction) {
  learning.name(plug("0000:03:00.3", "2", "480").device, "front-1");
  PortMap map = learning.map();
  map.ports.front().controller.ids.device = 0x43d5;
  const auto findings = check_port_map(map, inventory(split.root));
  ASSERT_TRUE(testing::find(findings, "port-map-contradiction"));
}

TEST_F(LearnTest, TwoLabelsOnOnePlaceAreAContradiction) {
  learning.name(plug("0000:03:00.3", "2", "480").device, "front-1");
  PortMap map = learning.map();
  map.ports.push_back(map.ports.front());
  map.ports.back().label = "front-2";
  const auto findings = check_port_map(map, inventory(split.root));
  const Finding* finding = testing::find(findings, "port-map-contradiction");
  ASSERT_TRUE(finding);
  EXPECT_THAT(finding->message, HasSubstr("front-1"));
}

TEST_F(LearnTest, RenameAndForget) {
  learning.name(plug("0000:03:00.3", "2", "480").device, "front-1");
  EXPECT_TRUE(rename_port(learning.map(), "front-1", "left").find("left"));
  EXPECT_TRUE(forget_port(learning.map(), "front-1").ports.empty());
  EXPECT_THROW(forget_port(learning.map(), "nobody"), Error);
}

}  // namespace
}  // namespace hostsplit
