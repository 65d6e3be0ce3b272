#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hostsplit {

/// A USB device as the system that has it lists it: this host, or a guest.
struct SeenDevice {
  std::string place;  ///< where it is there, and its number: the same stick plugged again is at another
  std::string ids;    ///< "46f4:0001"
  std::string serial, name;
  bool operator==(const SeenDevice&) const = default;
};

/// "SanDisk Ultra (0781:5581, serial 4C53)".
std::string in_words(const SeenDevice& device);

/// True when two systems mean the same stick.
inline bool same_stick(const SeenDevice& a, const SeenDevice& b) {
  return a.ids == b.ids && a.serial == b.serial;
}

/// What makes a guest list its USB devices: a program with arguments, which it has of itself.
enum class GuestSystem { sysfs, windows };
std::vector<std::string> listing_command(GuestSystem system);

/// What listing_command() wrote there. \return empty when the list is not whole.
std::optional<std::vector<SeenDevice>> parse_listing(GuestSystem system, std::string_view text);

}  // namespace hostsplit
