#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/machine/pci.hpp"

namespace hostsplit {

/// Which root hub of a controller a port hangs below. USB2 stands for everything up to 480 Mbit/s.
enum class UsbHalf { usb2, usb3 };
inline const char* to_string(UsbHalf half) {
  return half == UsbHalf::usb2 ? "usb2" : "usb3";
}

/// A USB device as sysfs shows it. Root hubs are not devices here.
struct UsbDevice {
  std::string name;  ///< sysfs name, "1-2.1"
  int bus = 0;
  int number = 0;    ///< devnum, with `bus` the key libusb uses
  std::string path;  ///< port path without the bus number, "2.1"
  UsbHalf half = UsbHalf::usb2;
  std::string speed;    ///< Mbit/s as sysfs prints it ("1.5", "480", "5000"); compare as text
  std::string version;  ///< bcdUSB, trimmed ("2.10")
  std::uint16_t vendor = 0, product = 0;
  std::string serial, manufacturer, product_name;  ///< empty when the device has none
  bool hub = false;
  PciAddress controller;
  bool operator==(const UsbDevice&) const = default;
};

/// One port object of a hub: one half of a physical port.
struct UsbPort {
  std::string name;  ///< "usb1-port2", "1-1-port3"
  std::string path;  ///< port path a device plugged here would have, "2" or "1.3"
  UsbHalf half = UsbHalf::usb2;
  int bus = 0;
  PciAddress controller;
  std::string connect_type;    ///< "hotplug", "hardwired", "not used", "unknown"; firmware's word, a hint only
  std::uint32_t location = 0;  ///< 0: firmware says nothing
  std::optional<std::string> peer_path;  ///< path of the port on the controller's other root hub
  std::optional<std::string> device;     ///< name of the attached device
  bool operator==(const UsbPort&) const = default;
};

/// Root hub of a controller: one USB bus.
struct RootHub {
  int bus = 0;
  UsbHalf half = UsbHalf::usb2;
  std::string speed;
  int ports = 0;
  bool operator==(const RootHub&) const = default;
};

/// A USB controller: a PCI function with class 0x0c0300/10/20/30, or any other with root hubs.
struct Controller {
  PciAddress address;
  ControllerKind kind = ControllerKind::xhci;
  std::vector<RootHub> root_hubs;      ///< empty while another driver than the host's own is bound
  std::vector<PciAddress> companions;  ///< EHCI with UHCI/OHCI in the same slot: one set of sockets, moves together
  bool operator==(const Controller&) const = default;
};

}  // namespace hostsplit
