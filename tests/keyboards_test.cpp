// What stays with the host, and what only seems to: keyboards by their evidence, and what VMs take by themselves.
#include "core/usb/keyboards.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/usb/displays.hpp"
#include "core/usb/guards.hpp"
#include "core/usb/guest_takes.hpp"

namespace hostsplit {
namespace {

using ::testing::HasSubstr;

PciAddress address(const char* text) {
  return *parse_pci_address(text);
}

std::string weak(std::uint16_t vendor, std::uint16_t product, const char* name) {
  return weak_keyboard({vendor, product, name});
}

/// Two controllers with sockets and a keyboard each, 02:00.0 and 03:00.0, and one without anything, 04:00.0.
struct Stays : ::testing::Test {
  Snapshot snapshot;
  PveConfigs pve;

  Stays() {
    pve.known = true;
    add_controller("02:00.0", 1, {{0x1c, 0}, {0, 0}});
    add_controller("03:00.0", 2, {{0x1d, 0}, {0, 0}});
    add_keyboard("02:00.0", 1, 0x046d, "USB Keyboard", "input3");
    add_keyboard("03:00.0", 2, 0x045e, "Comfort Curve Keyboard 2000", "input4");
    // No sockets: whether one stays is not the question in most tests.
    add_controller("04:00.0", 3, {{0x1e, 0}, {0, 0}});
  }
  PciFunction& add_function(const char* at, std::uint32_t pci_class, const Chain& chain) {
    PciFunction function;
    function.address = address(at);
    function.fingerprint = {"root", chain, {}, pci_class};
    return snapshot.functions[function.address] = function;
  }
  void add_controller(const char* at, int bus, const Chain& chain) {
    add_function(at, 0x0c0330, chain).driver = "xhci_hcd";
    snapshot.controllers[address(at)] = {address(at), ControllerKind::xhci, {{bus, UsbHalf::usb2, "480", 2}}, {}};
  }
  void add_keyboard(const char* at, int bus, std::uint16_t vendor, const char* name, const char* input) {
    UsbDevice device;
    device.name = std::to_string(bus) + "-1";
    device.path = "1";
    device.bus = bus;
    device.vendor = vendor;
    device.product = 0xdd;
    device.product_name = name;
    device.controller = address(at);
    snapshot.devices.push_back(device);
    snapshot.uses.push_back({UseKind::keyboard, name, input, {address(at)}, false});
  }
  PveVm& vm(int id, bool on_boot = true) {
    PveVm& added = pve.vms[id];
    added.id = id;
    added.on_boot = on_boot;
    return added;
  }
  static void line(PveVm& vm, const char* at) { vm.host_pci.push_back({0, {{address(at), false}}, "", false}); }
  /// The code of the first error when 02:00.0 leaves.
  std::string lost() {
    Departure departure{{address("02:00.0")}};
    departure.guests = taken_by_guests(pve, snapshot);
    for (const auto& finding : losses(snapshot, departure))
      if (finding.severity == Severity::error) return finding.code;
    return {};
  }
};

TEST(KeyboardEvidence, ItsOwnNameSaysKeyboard) {
  EXPECT_EQ(weak(0x1ea7, 0x0907, "Gaming Macro Keyboard"), "");
  EXPECT_NE(weak(0x1ea7, 0x0907, "Macro Pad"), "");
  EXPECT_EQ(weak(0x05ac, 0x026c, "Magic Keyboard with Numeric Keypad"), "");
  EXPECT_EQ(weak(0x17ef, 0x60a3, "ThinkPad X1 Tablet Thin Keyboard"), "");
  EXPECT_EQ(weak(1, 1, "USB Numeric Keyboard"), "maybe no keyboard to type on") << "all of it may be a pad";
  EXPECT_EQ(weak(1, 1, "Acme Numeric Keypad Keyboard  Acme Numeric Keypad"), "no keyboard to type on");
  EXPECT_EQ(weak(1, 1, "Wireless Scanner Keyboard"), "maybe no keyboard to type on");
  EXPECT_EQ(weak(1, 1, "Acme Scanner Keyboard  Acme Scanner"), "a scanner or card reader") << "the kernel said it";
  EXPECT_EQ(weak(0x1234, 1, "Virtual Keyboard and Mouse"), "the remote console of the BMC");
}

TEST(KeyboardEvidence, NobodyLogsInWithThese) {
  EXPECT_NE(weak(0x04d9, 0xa02a, "USB Numeric Keypad"), "");
  EXPECT_NE(weak(0x256c, 0x006d, "HUION Tablet Keyboard"), "");
  EXPECT_NE(weak(0x28de, 0x1142, "Receiver"), "");
  EXPECT_NE(weak(1, 1, "Steam Controller"), "");
  EXPECT_NE(weak(0x046d, 0xc53e, "USB Receiver"), "");
  EXPECT_EQ(weak(0x046d, 0xc52b, "USB Receiver"), "") << "for keyboards";
}

TEST(KeyboardEvidence, ASlotForCardsMakesNoSecurityKey) {
  KeyboardEvidence evidence{0x046a, 0x00a1, "KC 1000 SC"};
  evidence.smart_card = true;
  EXPECT_TRUE(is_security_key(evidence));
  evidence.boot_keyboard = true;
  EXPECT_FALSE(is_security_key(evidence));
  EXPECT_EQ(weak_keyboard(evidence), "");
  evidence.fido = true;
  EXPECT_EQ(weak_keyboard(evidence), "a security key");
}

TEST(KeyboardEvidence, ReportDescriptors) {
  EXPECT_TRUE(is_fido_descriptor("\x06\xd0\xf1\x09\x01"));
  EXPECT_TRUE(is_fido_descriptor(std::string("\x05\x01\x15\x00\x06\xd0\xf1\x09\x01", 9)));
  EXPECT_FALSE(is_fido_descriptor("\x05\x01\x09\x06\xa1\x01"));
  EXPECT_FALSE(is_fido_descriptor("\x27\x06\xd0\xf1\x01")) << "in the value of another item";
  EXPECT_FALSE(is_fido_descriptor(""));
}

TEST_F(Stays, AnotherKeyboardIsEnough) {
  EXPECT_EQ(lost(), "");
  line(vm(105), "04:00.0");
  vm(106).usb["usb0"] = "host=10c4:ea60";
  EXPECT_EQ(lost(), "") << "they take something else";
}

TEST_F(Stays, WhatMayBeNoKeyboardCountsAgainstUsBothWays) {
  snapshot.uses[1].weak = weak(1, 1, "Wireless Scanner Keyboard");
  EXPECT_EQ(lost(), "last-keyboard");
  std::swap(snapshot.uses[0].weak, snapshot.uses[1].weak);
  snapshot.uses[1].weak = weak(0x046b, 0xff10, "Virtual Keyboard");
  EXPECT_EQ(lost(), "last-keyboard");
}

TEST_F(Stays, NoKeyboardIsLostWithWhatNobodyTypesOn) {
  snapshot.uses.pop_back();
  const auto only = [&](const std::string& what) {
    snapshot.uses[0].weak = what;
    return lost();
  };
  KeyboardEvidence named{0x046d, 0xc332, "Gaming Mouse G502"};
  named.mouse_first = true;
  EXPECT_EQ(only(weak_keyboard(named)), "");
  EXPECT_EQ(only(weak(0x1050, 0x0407, "YubiKey")), "");
  EXPECT_EQ(only(weak(0x05e0, 0x1200, "Bar Code Scanner")), "");
  EXPECT_EQ(only(weak(0x046b, 0xff10, "Virtual Keyboard")), "last-keyboard") << "the console of the host";
  EXPECT_EQ(only(weak(1, 1, "Wireless Scanner Keyboard")), "last-keyboard") << "may be one";
  KeyboardEvidence receiver{0x046d, 0xc539, "USB Receiver"};
  receiver.mouse_first = true;
  EXPECT_EQ(only(weak_keyboard(receiver)), "last-keyboard") << "may have a keyboard";
  KeyboardEvidence both{1, 1, "2.4G Wireless Mouse"};
  both.boot_keyboard = true;
  EXPECT_EQ(only(weak_keyboard(both)), "last-keyboard") << "its first interface is a keyboard";
  snapshot.root_passphrase = "/dev/sda3";
  EXPECT_EQ(only(weak(0x1050, 0x0407, "YubiKey")), "last-keyboard") << "it may enter the passphrase";
  EXPECT_EQ(only(weak(0x05e0, 0x1200, "Bar Code Scanner")), "last-keyboard") << "so may this";
  EXPECT_EQ(only(weak_keyboard(named)), "") << "nobody types a passphrase on a mouse";
  EXPECT_EQ(only(weak(0x046d, 0xc53e, "Spotlight")), "") << "nor on a presenter";
}

TEST_F(Stays, WhatIsPluggedInIsToldBySocket) {
  snapshot.devices[0].path = "1.2";
  const std::set<PciAddress> leaving{address("02:00.0")};
  const auto text = [&](const SocketLabels& labels) { return plugged_in(snapshot, leaving, labels).at(0).message; };
  EXPECT_THAT(text({}), HasSubstr("port 1.2: USB Keyboard"));
  SocketLabels labels{{{address("02:00.0"), UsbHalf::usb2, "1"}, "front-1"}};
  EXPECT_THAT(text(labels), HasSubstr("front-1, port 2: USB Keyboard")) << "behind a hub";
  labels[{address("02:00.0"), UsbHalf::usb2, "1.2"}] = "desk-2";
  EXPECT_THAT(text(labels), HasSubstr("in now: desk-2: USB Keyboard"));
}

TEST_F(Stays, AHostPciLineTakesTheOther) {
  line(vm(105, false), "03:00.0");
  EXPECT_EQ(lost(), "") << "it neither runs nor starts with the host";
  vm(105, false).running = true;
  EXPECT_EQ(lost(), "last-keyboard");
  vm(105).running = false;
  EXPECT_EQ(lost(), "last-keyboard");
  vm(105).is_template = true;
  EXPECT_EQ(lost(), "");
}

TEST_F(Stays, ALineTakesItsGroupAlong) {
  line(vm(105), "04:00.0");
  snapshot.functions[address("03:00.0")].group = snapshot.functions[address("04:00.0")].group = 7;
  snapshot.groups[7] = {7, "DMA", {address("03:00.0"), address("04:00.0")}};
  EXPECT_EQ(lost(), "last-keyboard");
}

TEST_F(Stays, AGuestHasTheOtherKeyboard) {
  for (const auto* value : {"host=045e:00dd", "host=0x045e:0x00dd", "host=2-1,usb3=1"}) {
    vm(105).usb["usb0"] = value;
    EXPECT_EQ(lost(), "last-keyboard") << value;
  }
  vm(105).usb["usb0"] = "mapping=keys";
  EXPECT_EQ(lost(), "");
  pve.node = "pve";
  pve.usb_mappings.insert({"keys", {"pve", "045e:00dd", ""}});
  EXPECT_EQ(lost(), "last-keyboard");
}

TEST_F(Stays, AGuestHasTheOtherKeyboardByItsArguments) {
  for (const auto* args :
       {"-device usb-host,vendorid=0x045e,productid=0x00dd",
        R"(-device {"driver":"usb-host","vendorid":1118,"productid":221})", "-device usb-host,hostbus=2,hostport=1",
        "-object input-linux,id=k,evdev=/dev/input/by-id/usb-Microsoft_Comfort_Curve_Keyboard_2000-event-kbd",
        "-object input-linux,id=k,evdev=/dev/input/by-path/pci-0000:03:00.0-usb-0:1:1.0-event-kbd",
        "-device {\"driver\":\"vfio-pci\",\"host\":\"0000:03:00.0\"}"}) {
    vm(105).args = args;
    EXPECT_EQ(lost(), "last-keyboard") << args;
  }
  vm(105).args = "-object input-linux,id=m,evdev=/dev/input/by-path/pci-0000:03:00.0-usb-0:1:1.0-event-mouse";
  EXPECT_EQ(lost(), "");
  vm(105).args = "-object input-linux,id=k,evdev=/dev/input/event5";
  EXPECT_EQ(lost(), "") << "not there";
  HostUse use{UseKind::guest, "VM 105", "/dev/input/event5 (args)", {address("03:00.0")}, false};
  use.guest = 105;
  snapshot.uses.push_back(use);
  EXPECT_EQ(lost(), "last-keyboard") << "may be any keyboard there";
}

TEST_F(Stays, OneOfTwoAlikeStays) {
  add_keyboard("03:00.0", 2, 0x045e, "Comfort Curve Keyboard 2000", "input5");
  snapshot.devices.back().name = "2-2";
  vm(105).usb["usb0"] = "host=2-1";
  EXPECT_EQ(lost(), "");
  vm(105).usb["usb1"] = "host=2-2";
  EXPECT_EQ(lost(), "last-keyboard");
}

TEST_F(Stays, TheMessageNamesTheVm) {
  line(vm(105), "03:00.0");
  Departure departure{{address("02:00.0")}};
  departure.guests = taken_by_guests(pve, snapshot);
  const auto findings = losses(snapshot, departure);
  ASSERT_FALSE(findings.empty());
  EXPECT_THAT(findings.front().message, HasSubstr("VM 105 takes Comfort Curve Keyboard 2000"));
}

TEST_F(Stays, Displays) {
  auto& card = add_function("05:00.0", 0x030000, {{0x01, 0}, {0, 0}});
  card.boot_vga = true;
  const auto codes = [&](const std::set<PciAddress>& leaving, const std::set<PciAddress>& returning = {}) {
    std::string text;
    for (const auto& finding : lost_displays(snapshot, leaving, taken_by_guests(pve, snapshot), returning))
      text += finding.code + " " + finding.subject + "; ";
    return text;
  };
  const std::string both = "boot-display 0000:05:00.0; last-display 0000:05:00.0; ";
  EXPECT_EQ(codes({}), "");
  EXPECT_EQ(codes({address("05:00.0")}), both);
  line(vm(105), "05:00.0");
  EXPECT_EQ(codes({}), both) << "by the VM's own line";
  vm(105).host_pci.clear();
  auto& other = add_function("06:00.0", 0x030200, {{0x02, 0}, {0, 0}});
  EXPECT_EQ(codes({address("05:00.0")}), both) << "a 3D controller shows no picture";
  other.outputs = true;
  EXPECT_EQ(codes({address("05:00.0")}), "boot-display 0000:05:00.0; ");
  other.driver = "vfio-pci";
  EXPECT_EQ(codes({address("05:00.0")}), both) << "it is not the host's";
  EXPECT_EQ(codes({address("05:00.0")}, {address("06:00.0")}), "boot-display 0000:05:00.0; ") << "it comes back";
  other.driver.clear();
  other.fingerprint.pci_class = 0x030000;
  other.physical = address("00:02.0");
  EXPECT_EQ(codes({address("05:00.0")}), both) << "a virtual function";
}

TEST_F(Stays, SocketsThatVmsTakeDoNotStay) {
  snapshot.uses.clear();
  line(vm(105), "03:00.0");
  EXPECT_EQ(lost(), "");
  line(vm(105), "04:00.0");
  EXPECT_EQ(lost(), "last-usb");
}

TEST_F(Stays, AManagementChipHasNoSockets) {
  snapshot.uses.clear();
  line(vm(105), "03:00.0");
  auto& chip = snapshot.functions[address("04:00.0")];
  chip.fingerprint.ids = {0x103c, 0x3300, 0, 0};
  EXPECT_EQ(lost(), "last-usb");
  chip.fingerprint.ids = {0x8086, 1, 0, 0};
  EXPECT_EQ(lost(), "");
  add_function("04:00.2", 0x0c0700, {{0x1e, 0}, {0, 2}});
  EXPECT_EQ(lost(), "last-usb") << "beside an IPMI interface";
}

TEST_F(Stays, ATunnelGoesWithTheInterfaceThatKeepsIt) {
  // A switch at 1b.0/00.0: the interface and its own controller below it, an enclosure with a disk below another port.
  add_function("05:00.0", 0x060400, {{0x1b, 0}, {0, 0}});
  add_function("07:00.0", 0x0c0340, {{0x1b, 0}, {0, 0}, {0, 0}, {0, 0}});
  add_function("08:00.0", 0x0c0330, {{0x1b, 0}, {0, 0}, {2, 0}, {0, 0}});
  add_function("0a:00.0", 0x060400, {{0x1b, 0}, {0, 0}, {1, 0}, {0, 0}});
  add_function("0c:00.0", 0x010802, {{0x1b, 0}, {0, 0}, {1, 0}, {0, 0}, {1, 0}, {0, 0}});
  EXPECT_EQ(with_all_behind(snapshot, {address("07:00.0")}), (std::set{address("07:00.0"), address("0c:00.0")}));
  EXPECT_EQ(with_all_behind(snapshot, {address("08:00.0")}), std::set{address("08:00.0")});
}

TEST_F(Stays, TunnelsOfAnInterfaceOfTheCpuAreThoseTheKernelLinks) {
  add_function("00:07.0", 0x060400, {{7, 0}});
  add_function("0a:00.0", 0x020000, {{7, 0}, {0, 0}, {2, 0}, {0, 0}});
  add_function("00:0d.0", 0x0c0330, {{0x0d, 0}});
  add_function("0b:00.0", 0x010802, {{0x1b, 0}, {0, 0}, {1, 0}, {0, 0}});  // a switch on the board
  auto& interface = add_function("00:0d.2", usb4_interface, {{0x0d, 2}});
  const auto at = address("00:0d.2");
  const auto dock = address("0a:00.0"), board = address("0b:00.0"), own = address("00:0d.0");
  interface.consumers = {address("00:07.0"), own};
  EXPECT_EQ(with_all_behind(snapshot, {at}), (std::set{at, address("00:07.0"), own, dock}));
  EXPECT_EQ(with_all_behind(snapshot, {own}), std::set{own});
  interface.consumers = {own};
  EXPECT_EQ(with_all_behind(snapshot, {at}), (std::set{at, own, dock, board})) << "nobody knows which is the dock";
}

TEST_F(Stays, WhatPveBindsNothingForStays) {
  auto& taking = vm(105);
  line(taking, "02:00.0");
  EXPECT_TRUE(binds_to_vfio(taking.host_pci.at(0)));
  ASSERT_FALSE(taken_by_guests(pve, snapshot).functions.empty());
  taking.host_pci.at(0).rest = "pcie=1,mdev=nvidia-259";
  EXPECT_TRUE(taken_by_guests(pve, snapshot).functions.empty());
  taking.host_pci.at(0).rest = "driver=keep";
  taking.host_pci.at(0).keep_driver = true;
  EXPECT_TRUE(taken_by_guests(pve, snapshot).functions.empty());
}

TEST(LineOfArguments, InAllForms) {
  const auto first = [](const char* args) {
    const auto line = line_of_arguments(args);
    return line.addresses.size() == 1 ? to_string(line.addresses[0].address) : std::to_string(line.addresses.size());
  };
  for (const auto* args : {"-device vfio-pci,host=0000:00:17.0,id=x", "-device vfio-pci,host=00:17.0",
                           "-device vfio-pci,id=x,sysfsdev=/sys/bus/pci/devices/0000:00:17.0",
                           "-device vfio-pci,sysfsdev=/sys/devices/pci0000:00/0000:00:17.0 -vga none",
                           R"(-device '{"driver":"vfio-pci","host":"0000:00:17.0"}')",
                           R"(-device {"id":"x","host":"0000:00:17.0","driver":"vfio-pci"})",
                           R"(-device { "driver": "vfio-pci", "host": "0000:00:17.0" })"})
    EXPECT_EQ(first(args), "0000:00:17.0") << args;
  EXPECT_EQ(first("-device virtio-rng,addr=00:17.0"), "0");
  EXPECT_EQ(first("-device vfio-pci,host=00:17.0 -device vfio-pci,host=00:18.0"), "2");
}

}  // namespace
}  // namespace hostsplit
