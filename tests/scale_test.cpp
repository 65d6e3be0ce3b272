// The cost of a look grows with the machine, and that of a file with its size, not faster.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <ctime>
#include <iostream>

#include "core/base/cpu_set.hpp"
#include "core/state/boot_plan.hpp"
#include "formats/proxmox/vm_config.hpp"
#include "host/inventory/inventory.hpp"
#include "support/fake_host.hpp"

namespace hostsplit {
namespace {

/// Milliseconds of processor time, which other work on this machine does not lengthen, of the fastest of three looks at
/// a machine with that many port objects.
double look_at(int ports) {
  testing::FakeHost host;
  host.add_root_bridge();
  constexpr int per_controller = 20;
  for (int i = 0; i < ports / per_controller; ++i) {
    const auto address = fmt::format("0000:{:02x}:{:02x}.0", 1 + i / 32, i % 32);
    host.add_controller({address, "pci0000:00", "1022:148c", "1043:87c0", 0x0c0330, i, 0, "xhci_hcd"},
                        {per_controller / 2, per_controller / 2});
  }
  const auto root = host.root();
  double fastest = 1e9;
  for (int i = 0; i < 3; ++i) {
    const auto begin = std::clock();
    const auto snapshot = inventory(root);
    const double took = 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    EXPECT_EQ(snapshot.ports.size(), static_cast<std::size_t>(ports));
    fastest = std::min(fastest, took);
  }
  return fastest;
}

TEST(Inventory, CostsInProportionToThePorts) {
  const double few = look_at(100), more = look_at(1000), many = look_at(10000);
  std::cout << "a look at 100, 1,000, 10,000 ports: " << few << ", " << more << ", " << many << " ms\n";
  for (const double ratio : {more / few, many / more})
    EXPECT_LT(ratio, 25) << "ten times the ports; a quadratic cost would be a hundred times";
}

/// Milliseconds of processor time.
template <class Work>
double cost_of(Work work) {
  const auto begin = std::clock();
  work();
  return 1000.0 * static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

/// Ten times the input may cost ten times as much, and nothing may cost seconds. \param make  text of so many lines
template <class Make, class Read>
void expect_in_proportion(Make make, Read read) {
  const auto few = make(10000), many = make(100000);
  const double less = cost_of([&] { read(few); }), more = cost_of([&] { read(many); });
  std::cout << few.size() << " bytes: " << less << " ms, " << many.size() << " bytes: " << more << " ms\n";
  EXPECT_LT(more, std::max(less, 2.0) * 25);
}

TEST(Readers, CostInProportionToABootPlan) {
  const auto make = [](int lines) {
    std::string text = "version 1\nfloor keep_free=0\n";
    for (int i = 0; i < lines; ++i)
      text += fmt::format(
          "bind {:04x}:{:02x}:00.0 root=r{} chain=00.0 ids=8086:0000 subsystem=0000:0000 class=0x0c0330 "
          "vm=1 why=controller\npages node={} size=2048 count=1 vms=1:1\n",
          i / 256, i % 256, i, i);
    return text;
  };
  expect_in_proportion(make, [](const std::string& text) { return parse_boot_plan(text, "plan").claims.size(); });
}

TEST(Readers, CostInProportionToAVmsLines) {
  const auto make = [](int lines) {
    std::string text;
    for (int twice = 0; twice < 2; ++twice)
      for (int i = 0; i < lines; ++i)
        text += fmt::format("hostpci{}: 0000:01:00.0\nnuma{}: cpus=0,hostnodes=0,memory=1\n", i, i);
    text += "[PENDING]\ndelete: ";
    for (int i = lines; i > 0; --i) text += fmt::format("hostpci{},", i);
    return text + "\n";
  };
  expect_in_proportion(make, [](const std::string& text) {
    std::vector<Finding> findings;
    const auto vm = parse_pve_vm(1, text, "1.conf", findings);
    return at_next_start(vm).host_pci.size();
  });
}

TEST(Readers, CostInProportionToAListOfCpus) {
  const auto make = [](int ranges) {
    std::string text = "0-65535";
    for (int i = 0; i < ranges; ++i) text += ",0-65535";
    return text;
  };
  EXPECT_LT(cost_of([&] { EXPECT_EQ(parse_cpu_set(make(100000))->size(), 65536u); }), 2000);
  EXPECT_EQ(to_string(*parse_cpu_set("7,0-3,2-5,1")), "0-5,7");
}

}  // namespace
}  // namespace hostsplit
