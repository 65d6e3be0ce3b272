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
/// What one VM is given, and what of it is not there yet.
struct VmStatus {
  int vm = 0;
  std::string name;                ///< empty: not known
  std::optional<int> node;         ///< that its memory and CPUs come from, where that is one
  std::map<int, Kib> memory;       ///< huge pages by node
  std::vector<std::string> ports;  ///< labels: what it asked for, then what goes along
  std::size_t unnamed = 0;         ///< sockets without a name
  std::vector<PciAddress> controllers;
  std::vector<std::string> missing;  ///< in words: "0000:03:00.3 has driver xhci_hcd"
};
struct Status {
  std::vector<VmStatus> vms;
  std::vector<ControllerStatus> controllers;
  std::vector<PortStatus> ports;
  std::vector<PoolStatus> pools;
  std::map<int, NumaNode> nodes;
  BootStatus boot;
  std::vector<Finding> findings;
  BootPlan target;  ///< what is to be: of the configuration, or what was applied where there is none
  bool configured = false, applied = false, pending_changes = false, pending_reboot = false, live = false;
};
/// What is wrong with how this host boots: `sitting-out`, `boot-loader-gave-up`, what early boot left. Nothing where
/// nothing is applied.
std::vector<Finding> boot_findings(const State& state);
/// A configuration that does not fit the machine is a finding, `config-does-not-fit`.
/// \param damaged  findings about files that could not be read, of observe_past_damage()
Status status(const State& state, const std::vector<Finding>& damaged = {});

}  // namespace hostsplit
