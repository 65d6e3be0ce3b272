// The cost of a look grows with the machine, not faster.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "host/inventory.hpp"
#include "support/fake_host.hpp"

namespace hostsplit {
namespace {

/// Milliseconds of processor time, which other work on this machine does not lengthen, of the fastest of three looks at a
/// machine with that many port objects.
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
  // Making a machine of 10,000 ports takes much longer than looking at it, hence only where it is asked for.
  const bool large = std::getenv("HOSTSPLIT_SCALE") != nullptr;
  const int ports = large ? 10000 : 2000;
  const double few = look_at(ports / 100), more = look_at(ports / 10), many = large ? look_at(ports) : 0;
  std::cout << "a look at 1x, 10x, 100x of " << ports / 100 << " ports: " << few << ", " << more << ", " << many << " ms\n";
  EXPECT_LT(more / few, 25) << "ten times the ports; a quadratic cost would be a hundred times";
  if (large) {
    EXPECT_LT(many / more, 25);
  }
}

}  // namespace
}  // namespace hostsplit
