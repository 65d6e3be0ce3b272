#pragma once
#include <string>
#include <vector>

#include "core/usb/learn.hpp"
#include "host/act/audit.hpp"

namespace hostsplit {

/// A device came to or left a port.
struct PortEvent {
  std::string label;       ///< empty: a socket without a name
  std::string controller;  ///< PCI address
  std::string path;        ///< port path below the controller
  std::string device;      ///< what is plugged now, in words; empty: nothing
  AuditRecord record;      ///< event "port", result "seen"
};

/// What happened at the ports between two snapshots. A device that came or went because its controller changed
/// driver is told as such, not as plugged or unplugged.
std::vector<PortEvent> port_events(const PortMap& map, const Snapshot& before, const Snapshot& after);

}  // namespace hostsplit
