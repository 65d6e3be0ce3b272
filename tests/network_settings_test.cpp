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

TEST_F(NetworkSettingsOf, ChangesThatWait) {
  EXPECT_TRUE(needed("etc/network/interfaces.new", "iface vmbr5 inet static\n\tbridge-ports enx1\n"));
}

TEST_F(NetworkSettingsOf, Commands) {
  const std::string manual = "iface enx1 inet manual\n\t";
  EXPECT_TRUE(needed(manual + "post-up ip address add 10.1.1.1/24 dev enx1\n"));
  EXPECT_TRUE(needed(manual + "up ip a add 10.1.1.1/24 dev $IFACE\n"));
  EXPECT_TRUE(needed(manual + "up ip link set ${IFACE} up && ip link set ${IFACE} master br0\n"));
  EXPECT_TRUE(needed(manual + "up /sbin/ifconfig enx1 10.1.1.1 up\n"));
  EXPECT_TRUE(needed("iface mv0 inet manual\n\tpre-up ip link add mv0 link enx1 type macvlan\n"));
  EXPECT_TRUE(needed("iface mv0 inet manual\n\tpre-up /x/start 'enx1.20'\n"));
  EXPECT_TRUE(needed(manual + "bond-master bond0\n"));
  EXPECT_FALSE(needed(manual + "up ip link set enx1 up; ethtool -K $IFACE tso off\n"));
  EXPECT_FALSE(needed(manual + "up ifconfig enx1 0.0.0.0 mtu 9000 up\n"));
  EXPECT_FALSE(needed(manual + "post-down ip address flush dev enx1\n"));
}

TEST_F(NetworkSettingsOf, OtherNamesOfAnInterface) {
  const std::string bridge = "iface vmbr5 inet manual\n\tbridge-ports ";
  split.host.set_file("sys/class/net/enx1/ifindex", "7\n");
  split.host.set_file("sys/class/net/enx1/address", "02:00:00:00:00:0a\n");
  split.host.set_file("run/udev/data/n7",
                      "E:ID_PATH=pci-0000:03:00.3-usb-0:1:1.0\nE:ID_NET_NAME_MAC=enx02000000000a\n");
  EXPECT_TRUE(needed(bridge + "enx02000000000a\n"));
  EXPECT_FALSE(needed(bridge + "enx02000000000b\n"));
  const std::string link = "usr/local/lib/systemd/network/50-pve-nic1.link", name = "[Link]\nName=nic1\n";
  split.host.set_file("etc/network/interfaces.d/a", bridge + "nic1\n");
  EXPECT_TRUE(needed(link, "[Match]\nMACAddress=02:00:00:00:00:0a\nType=ether\n" + name));
  EXPECT_TRUE(needed(link, "[Match]\nPath=pci-0000:03:*\n" + name));
  EXPECT_FALSE(needed(link, "[Match]\nMACAddress=02:00:00:00:00:0b\n" + name));
  EXPECT_FALSE(needed(link, "[Match]\nPath=pci-0000:09:*\n" + name));
}

TEST_F(NetworkSettingsOf, Initramfs) {
  EXPECT_TRUE(needed("proc/cmdline", "quiet ip=10.9.9.2::10.9.9.1:255.255.255.0:pve:enx1:off\n"));
  EXPECT_TRUE(needed("proc/cmdline", "ip=enx1:dhcp\n"));
  EXPECT_TRUE(needed("etc/kernel/cmdline", "root=ZFS=x ip=::::enx1:dhcp\n"));
  EXPECT_TRUE(needed("etc/default/grub", "GRUB_CMDLINE_LINUX=\"quiet ip=:::::enx1:dhcp\"\n"));
  EXPECT_TRUE(needed("etc/initramfs-tools/initramfs.conf", "MODULES=most\nDEVICE=enx1\n"));
  EXPECT_TRUE(needed("etc/initramfs-tools/conf.d/dropbear", "export IP=\"10.9.9.2::::pve:enx1:off\"\n"));
  EXPECT_FALSE(needed("proc/cmdline", "ip=dhcp\n"));
  EXPECT_FALSE(needed("etc/initramfs-tools/initramfs.conf", "DEVICE=\n#IP=:::::enx1:\n"));
  split.host.set_file("sys/class/net/enx1/address", "02:00:00:00:00:0a\n");
  EXPECT_TRUE(needed("proc/cmdline", "BOOTIF=01-02-00-00-00-00-0a\n"));
}

TEST_F(NetworkSettingsOf, RoutingDaemons) {
  EXPECT_TRUE(needed("etc/frr/frr.conf", "interface enx1\n ip router openfabric 1\n!\n"));
  EXPECT_TRUE(needed("etc/frr/frr.conf", "router bgp 65000\n neighbor enx1 interface remote-as external\n"));
  EXPECT_FALSE(needed("etc/frr/frr.conf", "interface enx1\n description spare\n!\ninterface lo\n ip ospf area 0\n"));
}

TEST_F(NetworkSettingsOf, AnyCardOfNetworkManager) {
  const std::string file = "etc/NetworkManager/system-connections/a.nmconnection";
  EXPECT_TRUE(needed(file, "[connection]\nuuid=x\ntype=ethernet\n"));
  EXPECT_FALSE(needed(file, "[connection]\nuuid=x\ntype=gsm\n"));
  split.host.set_file("run/NetworkManager/devices/3", "[device]\nconnection-uuid=x\n");
  EXPECT_FALSE(needed(file, "[connection]\nuuid=x\ntype=ethernet\n")) << "another card has it";
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
