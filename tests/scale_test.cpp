// The cost of a look grows with the machine, not faster.
#include <gtest/gtest.h>

#include <cstdio>
#include <ctime>
#include <iostream>

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
    char address[16];
    std::snprintf(address, sizeof address, "0000:%02x:%02x.0", 1 + i / 32, i % 32);
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

}  // namespace
}  // namespace hostsplit
