#pragma once
#include <cstddef>
#include <functional>
#include <string>

struct udev;
struct udev_monitor;

namespace hostsplit {

/// One uevent after udev's rules have run. It carries no truth, only "look again"; the words are for the log.
struct UdevEvent {
  std::string action;     ///< "add", "remove", "bind", "unbind", "change"
  std::string subsystem;  ///< "usb", "pci", "vfio"
  std::string devpath;    ///< below /sys
  std::string driver;     ///< empty on unbind and for driverless devices
};
/// "bind pci /devices/pci0000:00/0000:00:04.0 (vfio-pci)".
std::string describe(const UdevEvent& event);

/// What came since the last drain. The events themselves are not kept: a storm of them must not cost memory.
struct UdevEvents {
  std::size_t count = 0;
  bool overrun = false;  ///< the kernel dropped events: only a full look knows what happened
  bool any() const { return overrun || count != 0; }
};

/// Listens to udev for USB devices, PCI functions and vfio groups. Open it before the first look, so that nothing
/// that happens in between is lost. Non-blocking; poll `descriptor()` for input.
class UdevMonitor {
 public:
  /// \throws Error if the socket cannot be opened. Without a running udevd it opens, but stays silent.
  UdevMonitor();
  ~UdevMonitor();
  UdevMonitor(const UdevMonitor&) = delete;
  UdevMonitor& operator=(const UdevMonitor&) = delete;

  int descriptor() const;
  /// Reads what is queued, in a storm only a part of it; never waits, never throws for what it receives.
  /// \param each  is told every event, for the log
  UdevEvents drain(const std::function<void(const UdevEvent&)>& each = {});

 private:
  udev* udev_ = nullptr;
  udev_monitor* monitor_ = nullptr;
};

}  // namespace hostsplit
