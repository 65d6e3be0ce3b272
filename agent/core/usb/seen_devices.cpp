#include "core/usb/seen_devices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/text.hpp"
#include "guest_texts.hpp"

namespace hostsplit {
namespace {

SeenDevice linux_device(std::string_view line) {
  SeenDevice device;
  device.place = cut(line, '\t');
  device.place += fmt::format("#{}", cut(line, '\t'));
  device.ids = cut(line, '\t');
  device.ids += fmt::format(":{}", cut(line, '\t'));
  device.serial = cut(line, '\t');
  device.name = trimmed(line);
  return device;
}

/// Four hex digits behind "VID_" or "PID_" of an instance id, in lower case.
std::string digits_behind(std::string_view id, std::string_view mark) {
  const auto at = id.find(mark);
  if (at == std::string_view::npos) return {};
  return lowered(id.substr(at + mark.size(), 4));
}

/// "USB\VID_0781&PID_5581\4C53": what stands last is the serial, or with "&" something Windows has made up.
SeenDevice windows_device(std::string_view line) {
  SeenDevice device;
  device.place = cut(line, '\t');
  device.ids = digits_behind(device.place, "VID_") + ":" + digits_behind(device.place, "PID_");
  const std::string last = device.place.substr(device.place.rfind('\\') + 1);
  if (last.find('&') == std::string::npos) device.serial = last;
  device.name = trimmed(line);
  return device;
}

}  // namespace

std::string in_words(const SeenDevice& device) {
  const std::string serial = device.serial.empty() ? "" : ", serial " + device.serial;
  return device.name.empty() ? device.ids + serial : fmt::format("{} ({}{})", device.name, device.ids, serial);
}

std::vector<std::string> listing_command(GuestSystem system) {
  if (system == GuestSystem::sysfs) return {"/bin/sh", "-c", std::string(texts::linux_usb)};
  // On one line: what a command line of Windows makes of line ends is up to every program in between.
  std::string script(texts::windows_usb);
  std::replace(script.begin(), script.end(), '\n', ' ');
  return {"powershell.exe", "-NoProfile", "-NonInteractive", "-Command", script};
}

std::optional<std::vector<SeenDevice>> parse_listing(GuestSystem system, std::string_view text) {
  std::vector<SeenDevice> devices;
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line == "end") return devices;
    if (line.find('\t') == std::string_view::npos) continue;
    devices.push_back(system == GuestSystem::sysfs ? linux_device(line) : windows_device(line));
  }
  return {};
}

}  // namespace hostsplit
