// Network cards that are idle now and have a part in the network of the host at the next boot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/inventory/inventory.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::SplitHost;

struct NetworkSettingsOf : ::testing::Test {
  SplitHost split;
  NetworkSettingsOf() { split.host.add_interface("enx1", "0000:03:00.3"); }
  bool needed(const std::string& file, const std::string& content) {
    split.host.set_file(file, content);
    bool lifeline = false;
    for (const auto& use : inventory(split.root).uses) lifeline = lifeline || (use.name == "enx1" && use.lifeline);
    split.host.remove(file);
    return lifeline;
  }
  bool needed(const std::string& content) { return needed("etc/network/interfaces", content); }
};

TEST_F(NetworkSettingsOf, WhatIsOnlyNamedIsIdle) {
  EXPECT_FALSE(needed("auto enx1\niface enx1 inet manual\n\tmtu 9000\n"));
  EXPECT_FALSE(needed("iface enx1\nauto vmbr5\niface vmbr5 inet static\n\taddress 10.1.1.1/24\n\tbridge-ports none\n"));
  EXPECT_FALSE(needed("# iface enx1 inet dhcp \\\niface enx2 inet dhcp\n"));
}

TEST_F(NetworkSettingsOf, AnAddressWithoutAMethod) {
  EXPECT_TRUE(needed("auto enx1\niface enx1\n\taddress 10.1.1.1/24\n"));
  EXPECT_TRUE(needed("iface enx1 inherits storage\n"));
  EXPECT_TRUE(needed("iface enx1 inet6 dhcp\n"));
}

TEST_F(NetworkSettingsOf, LinesThatGoOn) {
  EXPECT_TRUE(needed("iface vmbr5 inet manual\n\tbridge-ports enp9s0 \\\n\t\tenx1\n"));
}

TEST_F(NetworkSettingsOf, OtherFiles) {
  split.host.set_file("etc/network/more/ceph.cfg", "iface enx1 inet dhcp\n");
  EXPECT_TRUE(needed("source /etc/network/more/*.cfg\n"));
  EXPECT_TRUE(needed("source more/ceph.cfg\n"));
  EXPECT_TRUE(needed("source-directory /etc/network/m*\n"));
  EXPECT_FALSE(needed("source /etc/network/more/*.conf\n"));
  split.host.set_file("etc/network/more/ceph.cfg", "source /etc/network/interfaces\nsource *.cfg\n");
  EXPECT_FALSE(needed("source /etc/network/more/*.cfg\n"));
}

TEST_F(NetworkSettingsOf, Vlans) {
  EXPECT_TRUE(needed("iface vmbr5 inet manual\n\tbridge-ports enx1.50\n"));
  EXPECT_TRUE(needed("iface enx1.30 inet manual\n"));
  EXPECT_TRUE(needed("iface vlan3 inet manual\n\tvlan-raw-device enx1\n"));
}

TEST_F(NetworkSettingsOf, Patterns) {
  const std::string bridge = "iface vmbr5 inet manual\n\tbridge-ports ";
  EXPECT_TRUE(needed(bridge + "glob enx[0-9]\n"));
  EXPECT_TRUE(needed(bridge + "glob enx[1|12]\n"));
  EXPECT_TRUE(needed(bridge + "glob enx1-4.20\n"));
  EXPECT_TRUE(needed(bridge + "regex (enx|eth).*\n"));
  EXPECT_TRUE(needed(bridge + "regex (enx\n")) << "it cannot be read";
  EXPECT_TRUE(needed(bridge + "all\n"));
  EXPECT_FALSE(needed(bridge + "glob enp*\n"));
  EXPECT_FALSE(needed(bridge + "regex enp.*\n"));
}

TEST_F(NetworkSettingsOf, OpenVSwitch) {
  EXPECT_TRUE(needed("iface bond0 inet manual\n\tovs_bonds enp9s0 enx1\n\tovs_type OVSBond\n"));
  EXPECT_TRUE(needed("iface enx1 inet manual\n\tovs_type OVSPort\n\tovs_bridge vmbr5\n"));
}

TEST_F(NetworkSettingsOf, Networkd) {
  const std::string file = "etc/systemd/network/20-a.network", given = "[Network]\nAddress=10.1.1.1/24\n";
  split.host.set_file("sys/class/net/enx1/address", "02:00:00:00:00:0a\n");
  EXPECT_TRUE(needed(file, "[Match]\nName=enx*\n" + given));
  EXPECT_TRUE(needed(file, "[Match]\nMACAddress=02-00-00-00-00-0A\n" + given));
  EXPECT_TRUE(needed(file, "[Match]\nName=enx1\n[Network]\nBridge=br0\n"));
  EXPECT_FALSE(needed(file, "[Match]\nName=!enx*\n" + given));
  EXPECT_FALSE(needed(file, "[Match]\nMACAddress=02:00:00:00:00:0b\n" + given));
  EXPECT_FALSE(needed(file, "[Match]\nName=enx1\n[Network]\nDHCP=no\nLinkLocalAddressing=no\n"));
  EXPECT_FALSE(needed(file, "[Match]\nName=enx1\n[Link]\nUnmanaged=yes\n" + given));
  split.host.set_file("etc/systemd/network/10-a.network", "[Match]\nName=enx1\n[Link]\nUnmanaged=yes\n");
  EXPECT_FALSE(needed(file, "[Match]\nName=*\n" + given)) << "the first file counts";
}

TEST_F(NetworkSettingsOf, NetworkdThatDoesNotRun) {
  split.host.set_file("etc/systemd/system/multi-user.target.wants/networking.service", "");
  const std::string file = "etc/systemd/network/a.network", text = "[Match]\nName=enx1\n[Network]\nDHCP=yes\n";
  EXPECT_FALSE(needed(file, text));
  split.host.set_file("etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "");
  EXPECT_TRUE(needed(file, text));
}

TEST_F(NetworkSettingsOf, NetworkManager) {
  const std::string file = "etc/NetworkManager/system-connections/a.nmconnection";
  split.host.set_file("sys/class/net/enx1/address", "02:00:00:00:00:0a\n");
  EXPECT_TRUE(needed(file, "[connection]\ntype=ethernet\ninterface-name=enx1\n"));
  EXPECT_TRUE(needed(file, "[connection]\ntype=ethernet\n[ethernet]\nmac-address=02:00:00:00:00:0A\n"));
  EXPECT_TRUE(needed(file, "[connection]\ntype=vlan\ninterface-name=v\n[vlan]\nparent=enx1\n"));
  EXPECT_FALSE(needed(file, "[connection]\ninterface-name=enx1\nautoconnect=false\n"));
}

TEST_F(NetworkSettingsOf, PppOverEthernet) {
  EXPECT_TRUE(needed("etc/ppp/peers/dsl", "plugin rp-pppoe.so\nnic-enx1\n"));
  EXPECT_TRUE(needed("etc/ppp/peers/dsl", "plugin rp-pppoe.so enx1\n"));
  EXPECT_FALSE(needed("etc/ppp/peers/dsl", "plugin rp-pppoe.so # enx1\n"));
}

TEST_F(NetworkSettingsOf, Netconsole) {
  EXPECT_TRUE(needed("sys/kernel/config/netconsole/target1/dev_name", "enx1\n"));
  EXPECT_TRUE(needed("proc/cmdline", "quiet netconsole=6666@10.0.0.5/enx1,6666@10.0.0.1/\n"));
  EXPECT_TRUE(needed("etc/modprobe.d/n.conf", "options netconsole netconsole=@/enx1,@10.0.0.1/\n"));
  split.host.set_file("sys/kernel/config/netconsole/target1/enabled", "0\n");
  EXPECT_FALSE(needed("sys/kernel/config/netconsole/target1/dev_name", "enx1\n"));
}

}  // namespace
}  // namespace hostsplit
