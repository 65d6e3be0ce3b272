#include "support/split_host.hpp"

namespace hostsplit::testing {

SplitHost::SplitHost() {
  host.set_kernel("6.17.13-2-pve", "root=/dev/mapper/pve-root ro quiet");
  host.add_initramfs_tools();
  host.add_root_bridge("pci0000:00", "\\_SB_.S0D0");
  host.add_root_bridge("pci0000:20", "\\_SB_.S0D1");
  host.add_root_bridge("pci0000:40", "\\_SB_.S0D2");
  const auto bridge = [&](const char* address, const char* below, int group) {
    host.add_pci({address, below, "1022:1484", "1022:1484", 0x060400, group, -1, "pcieport"});
  };
  bridge("0000:00:08.1", "pci0000:00", 50);
  bridge("0000:20:08.1", "pci0000:20", 40);
  bridge("0000:40:01.1", "pci0000:40", 20);
  bridge("0000:00:01.1", "pci0000:00", 55);
  const auto controller = [&](const char* address, const char* below, const char* ids, int group, int node) {
    host.add_controller({address, below, ids, "1043:87c0", 0x0c0330, group, node, "xhci_hcd"}, {4, 4, "10000"});
  };
  controller("0000:03:00.3", "0000:00:08.1", "1022:148c", 60, 0);
  controller("0000:22:00.3", "0000:20:08.1", "1022:148c", 43, 1);
  controller("0000:44:00.1", "0000:40:01.1", "1022:149c", 24, 1);
  controller("0000:44:00.3", "0000:40:01.1", "1022:149c", 24, 1);
  host.add_pci({"0000:01:00.0", "0000:00:01.1", "144d:a808", "144d:a801", 0x010802, 56, 0, "nvme"});
  host.add_disk("nvme0n1", "0000:01:00.0", 2);
  host.add_mount("nvme0n1p2", "/");
  host.add_pci({"0000:04:00.0", "0000:00:08.1", "8086:1539", "1043:85f0", 0x020000, 57, 0, "igb"});
  host.add_interface("enp4s0", "0000:04:00.0");
  host.add_route("enp4s0");
  for (int node = 0; node < 2; ++node) {
    NodeSpec spec;
    spec.id = node;
    spec.cpus = node == 0 ? "0-31,64-95" : "32-63,96-127";
    spec.memory = 64 * kib_per_gib;
    spec.distances = node == 0 ? "10 12" : "12 10";
    host.add_node(spec);
  }
  UsbSpec keyboard;
  keyboard.speed = "1.5";
  keyboard.product = "Keyboard";
  keyboard.keyboard = true;
  host.plug("0000:22:00.3", "1", keyboard);
}

void SplitHost::configure(const std::string& body) {
  host.set_file("etc/hostsplit/hostsplit.toml", "version = 1\n" + body);
}

void SplitHost::configure_two_vms() {
  configure(R"(
[vm.101]
name = "fluent-a"
node = 0
memory = "8GiB"
controllers = ["0000:03:00.3"]

[vm.102]
name = "fluent-b"
node = 1
memory = "8GiB"
controllers = ["0000:44:00.1"]
)");
}

std::string SplitHost::driver_override(const char* address) const {
  return root.read(std::string("sys/bus/pci/devices/") + address + "/driver_override").value_or("?");
}

std::uint64_t SplitHost::pages(int node) const {
  const auto path =
      "sys/devices/system/node/node" + std::to_string(node) + "/hugepages/hugepages-1048576kB/nr_hugepages";
  return std::stoull(root.read(path).value_or("0"));
}

const Finding* find(const std::vector<Finding>& findings, const std::string& code) {
  for (const auto& finding : findings)
    if (finding.code == code) return &finding;
  return nullptr;
}

}  // namespace hostsplit::testing
