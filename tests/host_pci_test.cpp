// What hostpciN lines of Proxmox VE name, held against what belongs to VMs and what the host needs.
#include "core/checks/host_pci.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/inventory/inventory.hpp"
#include "host/inventory/proxmox.hpp"
#include "support/split_host.hpp"

namespace hostsplit {
namespace {

using testing::find;
using ::testing::HasSubstr;
using testing::SplitHost;

struct HostPci : ::testing::Test {
  SplitHost split;
  std::optional<BootPlan> applied;

  HostPci() {
    split.host.set_file("etc/pve/.members", "{}");
    split.configure("[vm.101]\ncontrollers = [\"0000:03:00.3\"]\n");
  }
  void guest(int id, const std::string& lines) {
    split.host.set_file("etc/pve/qemu-server/" + std::to_string(id) + ".conf", "cores: 1\nmemory: 1024\n" + lines);
  }
  std::vector<Finding> lint() {
    const auto plan = split.plan_now();
    return lint_host_pci({read_pve(split.root), split.state().snapshot, plan.target.claims, applied});
  }
  void apply() {
    ASSERT_TRUE(split.apply_now().ok());
    applied = split.state().applied;
  }
};

TEST_F(HostPci, AVmWithItsLineIsFine) {
  guest(101, "hostpci0: 0000:03:00.3,pcie=1\n");
  EXPECT_TRUE(lint().empty());
  apply();
  EXPECT_TRUE(lint().empty());
}

TEST_F(HostPci, AMissingLineIsAnErrorOnceItWasApplied) {
  guest(101, "hostpci0: mapping=gpu\n");
  auto findings = lint();
  const auto* missing = find(findings, "pve-host-pci-missing");
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->severity, Severity::warning);
  EXPECT_EQ(missing->remedy, "qm set 101 --hostpci1 host=0000:03:00.3");
  apply();
  findings = lint();
  EXPECT_EQ(find(findings, "pve-host-pci-missing")->severity, Severity::error);
}

TEST_F(HostPci, ALineOfTheWholeSlotIsALine) {
  guest(101, "hostpci0: 0000:03:00\n");
  const auto findings = lint();
  EXPECT_FALSE(find(findings, "pve-host-pci-missing"));
}

TEST_F(HostPci, AMovedFunctionIsToldWithItsNewPlace) {
  guest(101, "hostpci0: 0000:09:00.3,pcie=1\n");
  apply();
  applied->claims.front().address = *parse_pci_address("0000:09:00.3");
  const auto findings = lint();
  const auto* moved = find(findings, "pve-host-pci-moved");
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->remedy, "qm set 101 --hostpci0 host=0000:03:00.3,pcie=1");
  EXPECT_FALSE(find(findings, "pve-host-pci-missing"));
}

TEST_F(HostPci, ALifelineIsAnErrorWhoeverNamesIt) {
  guest(777, "onboot: 1\nhostpci0: 0000:01:00.0\n");
  const auto findings = lint();
  const auto* lost = find(findings, "pve-host-pci-lifeline");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->severity, Severity::error);
  EXPECT_THAT(lost->message, HasSubstr("it starts with the host: / is mounted from it"));
  guest(777, "template: 1\nhostpci0: 0000:01:00.0\n");
  EXPECT_FALSE(find(lint(), "pve-host-pci-lifeline")) << "a template never starts";
}

TEST_F(HostPci, WhatBelongsToAnotherVm) {
  guest(101, "hostpci0: 0000:03:00.3\n");
  guest(102, "hostpci0: 0000:03:00.3\n");
  const auto findings = lint();
  const auto* other = find(findings, "pve-host-pci-other");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->subject, "VM 102");
}

TEST_F(HostPci, WhatBelongsToAnotherVmByArguments) {
  guest(101, "hostpci0: 0000:03:00.3\n");
  guest(102, "args: -device vfio-pci,host=03:00.3\n");
  const auto findings = lint();
  const auto* other = find(findings, "pve-host-pci-other");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->subject, "VM 102");
  EXPECT_THAT(other->message, HasSubstr("which belongs to VM 101"));
}

TEST_F(HostPci, ABridgeIsNotTaken) {
  guest(101, "hostpci0: 0000:03:00.3\nhostpci1: 0000:00:08.1\n");
  const auto findings = lint();
  EXPECT_TRUE(find(findings, "pve-host-pci-bridge"));
}

TEST_F(HostPci, ArgumentsInOtherForms) {
  for (const auto* device :
       {"vfio-pci,sysfsdev=/sys/bus/pci/devices/0000:01:00.0", R"({"driver":"vfio-pci","host":"0000:01:00.0"})"}) {
    guest(777, std::string("args: -device ") + device + "\n");
    const auto findings = lint();
    ASSERT_TRUE(find(findings, "pve-host-pci-lifeline")) << device;
    EXPECT_THAT(find(findings, "pve-host-pci-lifeline")->message, HasSubstr("args name 0000:01:00.0"));
  }
}

TEST_F(HostPci, LinesThatTogetherTakeTheLastKeyboard) {
  testing::UsbSpec keyboard;
  keyboard.keyboard = true;
  split.host.plug("0000:44:00.1", "1", keyboard);
  guest(105, "onboot: 1\nhostpci0: 0000:22:00.3\n");
  guest(106, "hostpci0: 0000:44:00.1\n");
  EXPECT_FALSE(find(lint(), "pve-host-pci-lifeline")) << "VM 106 does not start with the host";
  guest(106, "onboot: 1\nhostpci0: 0000:44:00.1\n");
  const auto findings = lint();
  const auto* lost = find(findings, "pve-host-pci-lifeline");
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->severity, Severity::error);
  EXPECT_EQ(lost->subject, "VM 105, 106");
  EXPECT_THAT(lost->message, HasSubstr("last keyboard"));
}

TEST_F(HostPci, NothingIsSaidWithoutProxmoxVe) {
  split.host.remove("etc/pve");
  EXPECT_TRUE(lint().empty());
}

TEST(HostPciBehindVmd, TheFunctionThatCarriesItGoesAlong) {
  const auto vmd = parse_pci_address("0000:00:0e.0").value();
  Snapshot snapshot;
  snapshot.functions[vmd].address = vmd;
  snapshot.functions[vmd].behind_vmd = {"10000:e0:06.0", "10000:e1:00.0"};
  snapshot.uses.push_back({UseKind::mount, "/", "nvme0n1p2", {vmd}, true, true});
  PveConfigs pve;
  pve.known = true;
  pve.node = "pve";
  pve.mappings = {{"ssd", {{"pve", {{{}, false, "10000:e1:00.0"}}, {}, {}, {}}}}};
  const auto objection = [&](const PveHostPci& line, const std::string& args = {}) {
    PveVm vm;
    vm.id = 106;
    if (args.empty()) vm.host_pci = {line};
    vm.args = args;
    pve.vms[106] = vm;
    return host_pci_objection(pve, snapshot, 106, {}).value_or("");
  };
  EXPECT_THAT(objection({0, {{{}, false, "10000:e1:00.0"}}, {}}),
              HasSubstr("0000:00:0e.0 (10000:e1:00.0 is behind it)"));
  EXPECT_THAT(objection({0, {{{}, true, "10000:e1:00.0"}}, {}}), HasSubstr("0000:00:0e.0"));
  EXPECT_THAT(objection({0, {}, "ssd"}), HasSubstr("0000:00:0e.0"));
  EXPECT_THAT(objection({}, "-device vfio-pci,host=10000:e1:00.0"), HasSubstr("0000:00:0e.0"));
  EXPECT_EQ(objection({0, {{{}, false, "10000:e2:00.0"}}, {}}), "") << "nothing is there";
}

}  // namespace
}  // namespace hostsplit
