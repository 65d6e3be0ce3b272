#pragma once
#include <string>

#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {

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
