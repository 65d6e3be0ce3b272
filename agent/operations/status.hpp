#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operations/state.hpp"

namespace hostsplit {

/// One controller as `status` shows it.
struct ControllerStatus {
  PciAddress address;
  ControllerKind kind;
  std::string driver, wanted_driver;  ///< wanted: vfio-pci for claimed ones, otherwise what the host uses
  std::optional<int> group, node, vm;
  std::vector<GroupHolder> holders;
  bool released = false;  ///< lent to the host until the next boot
};
/// How what was applied is enforced at boot.
struct BootStatus {
  bool initramfs = false;              ///< by the script in the initramfs; otherwise by the service alone
  std::map<std::string, bool> images;  ///< by kernel: it was seen to carry what was applied
  std::optional<EarlyNotes> early;     ///< what the script did at this boot
  unsigned unhealthy = 0;              ///< boots in a row not found healthy
  bool suspended = false;
  Rung rung = Rung::runtime;  ///< in force, or from the next boot on
  std::string rung_why;       ///< why it was climbed to; empty below `ids`
};
/// One learned or merely existing port.
struct PortStatus {
  std::string label;  ///< empty: not learned
  std::optional<PciAddress> controller;
  std::optional<std::string> usb2, usb3;  ///< port paths
  bool usb2_seen = false, usb3_seen = false, proven = false;
  std::string device;  ///< what is plugged, in words; empty: nothing
};
struct PoolStatus {
  int node = 0;
  PagePool pool;
  std::optional<std::uint64_t> wanted;
};
struct Status {
  std::vector<ControllerStatus> controllers;
  std::vector<PortStatus> ports;
  std::vector<PoolStatus> pools;
  std::map<int, NumaNode> nodes;
  BootStatus boot;
  std::vector<Finding> findings;
  BootPlan target;  ///< what is to be: of the configuration, or what was applied where there is none
  bool configured = false, applied = false, pending_changes = false, pending_reboot = false, live = false;
};
/// A configuration that does not fit the machine is a finding, `config-does-not-fit`.
Status status(const State& state);

}  // namespace hostsplit
