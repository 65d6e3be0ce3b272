#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "support/fake_host.hpp"

/// What the host itself uses: disks, networks, consoles.
namespace hostsplit::testing {
namespace fs = std::filesystem;

void FakeHost::add_block(const std::string& name, const std::string& directory) {
  const auto number = "259:" + std::to_string(next_block_++);
  set_file(directory + "/dev", number + "\n");
  link("sys/class/block/" + name, directory);
  link("sys/dev/block/" + number, directory);
}

std::string FakeHost::block_directory(const std::string& name) const {
  const fs::path place("sys/class/block");
  if (!fs::is_symlink(path("sys/class/block/" + name)))
    throw std::runtime_error("the fake host has no block device " + name);
  return (place / fs::read_symlink(path("sys/class/block/" + name))).lexically_normal().string();
}

void FakeHost::add_disk(const std::string& name, const std::string& below, int partitions) {
  const bool nvme = name.starts_with("nvme");
  const auto& carrier = function(below).directory;
  const auto directory = carrier + (nvme ? "/nvme/" + name.substr(0, name.rfind('n')) + "/" : "/block/") + name;
  add_block(name, directory);
  link("sys/block/" + name, directory);
  const std::string separator = name.back() >= '0' && name.back() <= '9' ? "p" : "";
  for (int number = 1; number <= partitions; ++number) {
    const auto partition = name + separator + std::to_string(number);
    add_block(partition, directory + "/" + partition);
  }
}

void FakeHost::add_mapper(const std::string& name, const std::string& mapper_name, const std::string& uuid,
                          const std::vector<std::string>& over) {
  const auto directory = "sys/devices/virtual/block/" + name;
  add_block(name, directory);
  link("sys/block/" + name, directory);
  set_file(directory + "/dm/name", mapper_name + "\n");
  set_file(directory + "/dm/uuid", uuid + "\n");
  for (const auto& lower : over) link(directory + "/slaves/" + lower, block_directory(lower));
  set_link("dev/mapper/" + mapper_name, "../" + name);
}

void FakeHost::add_array(const std::string& name, const std::vector<std::string>& over) {
  const auto directory = "sys/devices/virtual/block/" + name;
  add_block(name, directory);
  link("sys/block/" + name, directory);
  for (const auto& lower : over) link(directory + "/slaves/" + lower, block_directory(lower));
}

void FakeHost::add_mount(const std::string& block, const std::string& mount_point, const std::string& type) {
  MountSpec spec;
  spec.block = block;
  spec.point = mount_point;
  spec.type = type;
  add_mount(spec);
}

void FakeHost::add_mount(const MountSpec& spec) {
  // Numbers of file systems without a block device begin at 0:20 or so on every machine.
  std::string number = "0:" + std::to_string(100 + next_anonymous_);
  if (spec.block.empty()) {
    ++next_anonymous_;
  } else {
    number = file(block_directory(spec.block) + "/dev");
    number.pop_back();
  }
  const auto source = spec.source.empty() ? "/dev/" + spec.block : spec.source;
  const auto directory = "proc/" + std::to_string(spec.process);
  const auto table = directory + "/mountinfo";
  set_file(table, (fs::exists(path(table)) ? file(table) : "") + "36 1 " + number + " / " + spec.point +
                      " rw,relatime shared:1 - " + spec.type + " " + source + " rw" +
                      (spec.options.empty() ? "" : "," + spec.options) + "\n");
  if (spec.process != 1) set_link(directory + "/ns/mnt", "mnt:[" + std::to_string(4026530000 + spec.process) + "]");
}

void FakeHost::add_iscsi_disk(const std::string& name, const std::string& address, int session, int partitions) {
  const auto id = std::to_string(session);
  const auto directory =
      "sys/devices/platform/host" + id + "/session" + id + "/target" + id + ":0:0/" + id + ":0:0:1/block/" + name;
  add_block(name, directory);
  link("sys/block/" + name, directory);
  for (int number = 1; number <= partitions; ++number) {
    const auto partition = name + std::to_string(number);
    add_block(partition, directory + "/" + partition);
  }
  set_file("sys/class/iscsi_connection/connection" + id + ":0/address", address + "\n");
  set_file("sys/class/iscsi_session/session" + id + "/state", "LOGGED_IN\n");
}

void FakeHost::add_loop(const std::string& name, const std::string& file) {
  const auto directory = "sys/devices/virtual/block/" + name;
  add_block(name, directory);
  link("sys/block/" + name, directory);
  set_file(directory + "/loop/backing_file", file + "\n");
}

void FakeHost::add_swap(const std::string& block) {
  const std::string head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
  const auto before = fs::exists(path("proc/swaps")) ? file("proc/swaps") : head;
  set_file("proc/swaps", before + "/dev/" + block + "                               partition\t8388604\t\t0\t\t-2\n");
}

void FakeHost::add_pool(const std::string& pool, const std::vector<std::string>& members) {
  set_file("proc/spl/kstat/zfs/" + pool + "/state", "ONLINE\n");
  for (const auto& member : members) {
    auto number = file(block_directory(member) + "/dev");
    number.pop_back();
    set_file("run/udev/data/b" + number,
             "S:disk/by-id/" + member + "\nE:ID_FS_TYPE=zfs_member\nE:ID_FS_LABEL=" + pool + "\n");
  }
}

void FakeHost::set_physical(const std::string& function, const std::string& physical) {
  link("sys/bus/pci/devices/" + function + "/physfn", this->function(physical).directory);
}

void FakeHost::add_interface(const std::string& name, const std::string& below) {
  const auto directory = function(below).directory + "/net/" + name;
  set_file(directory + "/operstate", "up\n");
  link("sys/class/net/" + name, directory);
}

void FakeHost::add_upper(const std::string& name, const std::vector<std::string>& lowers) {
  const auto directory = "sys/devices/virtual/net/" + name;
  set_file(directory + "/operstate", "up\n");
  link("sys/class/net/" + name, directory);
  for (const auto& lower : lowers) {
    const auto target =
        (fs::path("sys/class/net") / fs::read_symlink(path("sys/class/net/" + lower))).lexically_normal();
    link(directory + "/lower_" + lower, target.string());
    link(target.string() + "/upper_" + name, directory);
  }
}

void FakeHost::add_route(const std::string& interface) {
  const std::string head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
  const auto before = fs::exists(path("proc/net/route")) ? file("proc/net/route") : head;
  set_file("proc/net/route", before + interface + "\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
}

void FakeHost::add_route(const std::string& interface, const std::string& network) {
  unsigned a = 0, b = 0, c = 0, d = 0, length = 32;
  if (std::sscanf(network.c_str(), "%u.%u.%u.%u/%u", &a, &b, &c, &d, &length) < 4 || length > 32)
    throw std::runtime_error(network + " is no network");
  // Words in network order, printed in the host's (net/ipv4/fib_trie.c, fib_route_seq_show).
  char line[64];
  const unsigned mask = length == 0 ? 0 : __builtin_bswap32(0xffffffffu << (32 - length));
  std::snprintf(line, sizeof line, "\t%02X%02X%02X%02X\t00000000\t0001\t0\t0\t0\t%08X\t0\t0\t0\n", d, c, b, a, mask);
  if (!fs::exists(path("sys/class/net/" + interface)))
    throw std::runtime_error("the fake host has no interface " + interface);
  if (!fs::exists(path("proc/net/route"))) set_file("proc/net/route", "Iface\tDestination\n");
  set_file("proc/net/route", file("proc/net/route") + interface + line);
}

void FakeHost::open_files(int pid, const std::string& command, const std::vector<std::string>& files,
                          std::optional<int> vm) {
  const auto directory = "proc/" + std::to_string(pid);
  set_file(directory + "/comm", command + "\n");
  std::string arguments = command + '\0';
  if (vm) arguments += std::string("-id") + '\0' + std::to_string(*vm) + '\0';
  set_file(directory + "/cmdline", arguments);
  int number = 3;
  for (const auto& each : files) set_link(directory + "/fd/" + std::to_string(number++), each);
}

void FakeHost::add_console(const std::string& tty, const std::string& below) {
  const auto directory = function(below).directory + "/tty/" + tty;
  set_file(directory + "/dev", "4:64\n");
  link("sys/class/tty/" + tty, directory);
  set_file("sys/class/tty/console/active", "tty0 " + tty + "\n");
}

}  // namespace hostsplit::testing
