#include "service/loop/udev_monitor.hpp"

#include <libudev.h>

#include <cerrno>
#include <cstring>

#include "core/base/error.hpp"

namespace hostsplit {
namespace {

// What libsystemd asks for itself since version 250. Needs CAP_NET_ADMIN; without it the kernel's limit stays.
constexpr int receive_buffer = 128 * 1024 * 1024;
// So that timers and callers get their turn in a storm.
constexpr std::size_t most_events = 512;
// A socket that only fails is given up for this round, lest the loop spins here.
constexpr int most_failures = 64;

std::string text(const char* value) {
  return value != nullptr ? value : "";
}

UdevEvent event_of(udev_device* device) {
  return {text(udev_device_get_action(device)), text(udev_device_get_subsystem(device)),
          text(udev_device_get_devpath(device)), text(udev_device_get_property_value(device, "DRIVER"))};
}

}  // namespace

std::string describe(const UdevEvent& event) {
  std::string sentence = event.action + " " + event.subsystem + " " + event.devpath;
  if (!event.driver.empty()) sentence += " (" + event.driver + ")";
  return sentence;
}

UdevMonitor::UdevMonitor() : udev_(udev_new()) {
  if (udev_ != nullptr) monitor_ = udev_monitor_new_from_netlink(udev_, "udev");
  const bool open = monitor_ != nullptr &&
                    udev_monitor_filter_add_match_subsystem_devtype(monitor_, "usb", "usb_device") >= 0 &&
                    udev_monitor_filter_add_match_subsystem_devtype(monitor_, "pci", nullptr) >= 0 &&
                    udev_monitor_filter_add_match_subsystem_devtype(monitor_, "vfio", nullptr) >= 0 &&
                    udev_monitor_enable_receiving(monitor_) >= 0;
  if (!open) {
    const int error = errno;
    udev_monitor_unref(monitor_);
    udev_unref(udev_);
    throw Error("listen to", "udev", std::strerror(error));
  }
  // Too small a buffer only means overruns, and those are noticed: the result does not matter.
  (void)udev_monitor_set_receive_buffer_size(monitor_, receive_buffer);
}

UdevMonitor::~UdevMonitor() {
  udev_monitor_unref(monitor_);
  udev_unref(udev_);
}

int UdevMonitor::descriptor() const {
  return udev_monitor_get_fd(monitor_);
}

UdevEvents UdevMonitor::drain(const std::function<void(const UdevEvent&)>& each) {
  UdevEvents drained;
  for (int failures = 0; failures < most_failures && drained.count < most_events;) {
    errno = 0;
    if (udev_device* device = udev_monitor_receive_device(monitor_)) {
      ++drained.count;
      if (each) each(event_of(device));
      udev_device_unref(device);
      continue;
    }
    if (errno == EAGAIN || errno == 0) break;
    if (errno == EINTR) continue;
    // ENOBUFS: the queue ran over. Anything else lost us an event as well, which is the same to us.
    drained.overrun = true;
    ++failures;
  }
  return drained;
}

}  // namespace hostsplit
