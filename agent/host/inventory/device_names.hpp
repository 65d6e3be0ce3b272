#pragma once
#include <string>

#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {

/// Where device files have their names in /sys.
struct DeviceClass {
  const char* place;
  bool needed;            ///< a program of the host that has one open cannot do without it
  bool of_guests = true;  ///< guests are given them by their files
};
// "card0" is a name of sound cards, too, and no file of theirs: graphics come first.
inline constexpr DeviceClass device_classes[] = {
    {"sys/class/block/", true},        {"sys/class/scsi_generic/", true}, {"sys/class/scsi_tape/", true},
    {"sys/class/tty/", true},          {"sys/class/hidraw/", false},      {"sys/class/usbmisc/", false},
    {"sys/class/pps/", true},          {"sys/class/drm/", false},         {"sys/class/sound/", false},
    {"sys/class/video4linux/", false}, {"sys/class/dvb/", false},         {"sys/class/watchdog/", true, false},
    {"sys/class/misc/", false, false}, {"sys/class/apex/", false},        {"sys/class/lirc/", false},
    {"sys/class/ptp/", false},         {"sys/class/input/", false}};

/// The name in /sys/class of a file below /dev that has no link: its last part, but "dvb0.frontend0" for
/// "/dev/dvb/adapter0/frontend0" (50-udev-default.rules).
inline std::string class_name(const std::string& file) {
  constexpr std::string_view receiver = "/dev/dvb/adapter";
  const auto name = std::string(last_component(file));
  if (!file.starts_with(receiver)) return name;
  const auto rest = file.substr(receiver.size());
  return "dvb" + rest.substr(0, rest.find('/')) + "." + name;
}

}  // namespace hostsplit::inventory_parts
