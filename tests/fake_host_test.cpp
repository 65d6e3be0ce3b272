#include "support/fake_host.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/base/error.hpp"
#include "host/inventory/inventory.hpp"

/// That the fake host reacts as its header says, which is as kernel 6.17 was seen to.
namespace hostsplit::testing {
namespace {

using std::chrono::milliseconds;
const std::string xhci = "0000:01:00.0";
const std::string device = "sys/bus/pci/devices/" + xhci;
const std::string pool = "sys/devices/system/node/node0/hugepages/hugepages-1048576kB/nr_hugepages";

class FakeHostTest : public ::testing::Test {
 protected:
  FakeHostTest() {
    host.add_root_bridge();
    host.add_pci({"0000:00:04.0", "pci0000:00", "1b36:000c", "0000:0000", 0x060400, 4, -1, "pcieport"});
    host.add_controller({xhci, "0000:00:04.0", "1b36:000d", "1af4:1100", 0x0c0330, 7, 0, "xhci_hcd"}, {});
    host.add_node({});
  }
  void write(const std::string& path, const std::string& value) {
    effects.write_attributes({{path, value}}, milliseconds(50));
  }
  Snapshot look() { return inventory(host.root()); }
  std::string driver() { return look().function(*parse_pci_address(xhci))->driver; }
  std::string message(const std::string& path, const std::string& value) {
    try {
      write(path, value);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }

  FakeHost host;
  FakeEffects effects{host};
};

TEST_F(FakeHostTest, OverrideIsRememberedAndBindsNothing) {
  write(device + "/driver_override", "vfio-pci\n");
  EXPECT_EQ(host.file(device + "/driver_override"), "vfio-pci\n");
  EXPECT_EQ(driver(), "xhci_hcd");
  write(device + "/driver_override", "");  // never delivered
  EXPECT_EQ(host.file(device + "/driver_override"), "vfio-pci\n");
  write(device + "/driver_override", "\n");
  EXPECT_EQ(host.file(device + "/driver_override"), "(null)\n");
}

TEST_F(FakeHostTest, UnbindTakesRootHubsAway) {
  host.plug(xhci, "1", {});
  EXPECT_EQ(look().devices.size(), 1u);
  write(device + "/driver/unbind", xhci);
  const auto after = look();
  EXPECT_EQ(driver(), "");
  EXPECT_TRUE(after.controllers.begin()->second.root_hubs.empty());
  EXPECT_TRUE(after.ports.empty());
  EXPECT_TRUE(after.devices.empty());
  EXPECT_NE(message(device + "/driver/unbind", xhci), "");
  EXPECT_NE(message("sys/bus/pci/drivers/xhci_hcd/unbind", xhci).find("No such device"), std::string::npos);
}

TEST_F(FakeHostTest, ProbeSucceedsEvenWhenNothingBinds) {
  write(device + "/driver_override", "vfio-pci");
  write(device + "/driver/unbind", xhci);
  write("sys/bus/pci/drivers_probe", xhci);  // vfio-pci is not loaded yet
  EXPECT_EQ(driver(), "");
  EXPECT_NE(message("sys/bus/pci/drivers_probe", "0000:09:00.0").find("No such device"), std::string::npos);
}

TEST_F(FakeHostTest, LoadingVfioBindsWhatWaitsForIt) {
  write(device + "/driver_override", "vfio-pci");
  write(device + "/driver/unbind", xhci);
  effects.run({"modprobe", "vfio-pci"}, milliseconds(50));
  EXPECT_EQ(driver(), "vfio-pci");
  EXPECT_TRUE(look().modules.contains("vfio_pci"));
  EXPECT_TRUE(look().pci_drivers.contains("vfio-pci"));
}

TEST_F(FakeHostTest, BackToTheHostWithTheLowestFreeBuses) {
  host.add_controller({"0000:01:00.1", "0000:00:04.0", "1b36:000d", "1af4:1100", 0x0c0330, 8, 0, "xhci_hcd"}, {});
  effects.run({"modprobe", "vfio-pci"}, milliseconds(50));
  for (const auto* to : {"vfio-pci", "xhci_hcd"}) {
    write(device + "/driver_override", to);
    write(device + "/driver/unbind", xhci);
    write("sys/bus/pci/drivers_probe", xhci);
    EXPECT_EQ(driver(), to);
  }
  const auto hubs = look().controller(*parse_pci_address(xhci))->root_hubs;
  ASSERT_EQ(hubs.size(), 2u);
  EXPECT_EQ(hubs[0].bus, 1);
  EXPECT_EQ(hubs[1].bus, 2);
}

TEST_F(FakeHostTest, BindNeedsAMatch) {
  effects.run({"modprobe", "vfio-pci"}, milliseconds(50));
  write(device + "/driver/unbind", xhci);
  EXPECT_NE(message("sys/bus/pci/drivers/vfio-pci/bind", xhci).find("No such device"), std::string::npos);
  write(device + "/driver_override", "vfio-pci");
  EXPECT_NE(message("sys/bus/pci/drivers/xhci_hcd/bind", xhci).find("No such device"), std::string::npos);
  write("sys/bus/pci/drivers/vfio-pci/bind", xhci);
  EXPECT_EQ(driver(), "vfio-pci");
}

TEST_F(FakeHostTest, HeldGroupsBlockAndAreSeen) {
  effects.run({"modprobe", "vfio-pci"}, milliseconds(50));
  effects.write_attributes({{device + "/driver_override", "vfio-pci"},
                            {device + "/driver/unbind", xhci},
                            {"sys/bus/pci/drivers_probe", xhci}},
                           milliseconds(50));
  EXPECT_TRUE(look().holders.empty());
  host.hold_group(4242, 7, 101);
  ASSERT_EQ(look().holders.size(), 1u);
  EXPECT_EQ(look().holders[0], (GroupHolder{7, 4242, "kvm", 101}));
  EXPECT_NE(message(device + "/driver/unbind", xhci).find("stuck"), std::string::npos);
  host.release_group(4242);
  EXPECT_TRUE(look().holders.empty());
  EXPECT_EQ(message(device + "/driver/unbind", xhci), "");
}

TEST_F(FakeHostTest, PagesAreBestEffort) {
  write(pool, "4");
  EXPECT_EQ(look().nodes.at(0).pools[1], (PagePool{kib_per_gib, 4, 4, 0}));
  EXPECT_EQ(look().nodes.at(0).free, 12 * kib_per_gib);
  effects.short_pages(0, 1);
  write(pool, "8");
  EXPECT_EQ(look().nodes.at(0).pools[1].total, 5u);
  host.use_pages(0, kib_per_gib, 3);
  write(pool, "0");
  EXPECT_EQ(look().nodes.at(0).pools[1], (PagePool{kib_per_gib, 3, 0, 3}));
  EXPECT_EQ(look().nodes.at(0).free, 13 * kib_per_gib);
  EXPECT_NE(message(pool, "many").find("Invalid argument"), std::string::npos);
}

TEST_F(FakeHostTest, FailsWhenTold) {
  effects.fail_next("driver_override", EIO);
  EXPECT_NE(message(device + "/driver_override", "vfio-pci").find("Input/output error"), std::string::npos);
  EXPECT_EQ(host.file(device + "/driver_override"), "(null)\n");
  EXPECT_EQ(message(device + "/driver_override", "vfio-pci"), "");
  effects.stick("driver/unbind");
  EXPECT_NE(message(device + "/driver/unbind", xhci).find("stuck"), std::string::npos);
  effects.fail_next("modprobe vfio-pci", "not found");
  EXPECT_THROW(effects.run({"modprobe", "vfio-pci"}, milliseconds(50)), Error);
  EXPECT_NE(message("sys/none", "1").find("No such file"), std::string::npos);
}

TEST_F(FakeHostTest, FilesAreReallyReplacedRenamedAndRemoved) {
  effects.replace_file("etc/hostsplit/x", "1\n");
  effects.rename_file("etc/hostsplit/x", "etc/hostsplit/y");
  EXPECT_EQ(host.root().read_file("etc/hostsplit/y"), "1\n");
  effects.remove_file("etc/hostsplit/y");
  effects.remove_file("etc/hostsplit/y");
  EXPECT_FALSE(host.root().exists("etc/hostsplit/y"));
  EXPECT_EQ(effects.log()[0], "replace etc/hostsplit/x");
  EXPECT_EQ(effects.log()[1], "rename etc/hostsplit/x etc/hostsplit/y");
}

TEST_F(FakeHostTest, LinksLookLikeTheRealOnes) {
  host.plug(xhci, "1", {});
  const auto hub = "sys/devices/pci0000:00/0000:00:04.0/" + xhci + "/usb1/1-0:1.0/usb1-port1";
  const Root root = host.root();
  EXPECT_EQ(root.link_text("sys/bus/pci/devices/" + xhci), "../../../devices/pci0000:00/0000:00:04.0/" + xhci);
  EXPECT_EQ(root.link_text(hub + "/peer"), "../../../usb2/2-0:1.0/usb2-port1");
  EXPECT_EQ(root.link_text(hub + "/device"), "../../1-1");
  EXPECT_EQ(root.link_text("sys/bus/usb/devices/1-1/port"), "../1-0:1.0/usb1-port1");
  EXPECT_EQ(root.link_text(device + "/driver"), "../../../../bus/pci/drivers/xhci_hcd");
}

}  // namespace
}  // namespace hostsplit::testing
