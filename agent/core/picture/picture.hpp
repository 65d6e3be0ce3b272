#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/cpu_set.hpp"
#include "core/base/finding.hpp"
#include "core/base/size.hpp"
#include "core/machine/pci.hpp"

namespace hostsplit {

/// What `map` shows: the machine and its split as values, without places on a sheet. Every text is printable().

/// A finding that is drawn: a warning or an error.
struct MarkedFinding {
  std::string mark;  ///< "E1", "W2": what stands beside the things it is about
  Finding finding;
  bool operator==(const MarkedFinding&) const = default;
};

/// Numbers of findings in MachinePicture::findings.
using Marks = std::vector<std::size_t>;

/// A USB socket, or a port object nobody gave a name.
struct SocketPicture {
  std::string label;                      ///< empty: it has no name
  std::optional<PciAddress> controller;   ///< empty: its controller is not there
  std::optional<std::string> usb2, usb3;  ///< port paths
  std::string device;                     ///< what is plugged in; empty: nothing
  std::optional<int> vm;                  ///< empty: the host's
  Marks marks = {};
  bool operator==(const SocketPicture&) const = default;

  /// Its label, or "port 2" where it has none.
  std::string name() const;
};

struct ControllerPicture {
  PciAddress address;
  std::string kind;                    ///< "xhci"
  std::string name, ids;               ///< "Starship USB 3.0 Host Controller", empty when unknown; "1022:148c"
  std::string driver, wanted_driver;   ///< empty: none
  std::optional<int> group, node, vm;  ///< vm: empty, it is the host's
  bool released = false;               ///< lent to the host until the next boot
  std::vector<SocketPicture> sockets;
  std::size_t unnamed = 0;  ///< empty ports without a name, which are not among `sockets`
  Marks marks = {};
  bool operator==(const ControllerPicture&) const = default;
};

struct VmPicture {
  int id = 0;
  std::string name;
  std::map<int, Kib> memory;  ///< by node, in huge pages
  CpuSet cpus;                ///< empty: nothing is said
  std::vector<std::string> sockets;
  Marks marks = {};
  bool operator==(const VmPicture&) const = default;

  /// "VM 101 fluent-a".
  std::string title() const;
};

/// CPUs of a node that belong to one VM, or to none.
struct CpuPart {
  std::optional<int> vm;  ///< empty: the host's alone
  CpuSet cpus;
  bool operator==(const CpuPart&) const = default;
};

/// What a part of a node's memory is for.
enum class MemoryUse {
  vm,      ///< huge pages of a VM of the configuration
  others,  ///< huge pages of other VMs and programs
  spare,   ///< huge pages that are there beyond those, whoever they are for
  floor,   ///< keep_free: never reserved
  free     ///< the rest, for everything else
};
const char* to_string(MemoryUse use);

struct MemoryPart {
  MemoryUse use = MemoryUse::free;
  std::optional<int> vm;
  Kib size = 0;
  bool operator==(const MemoryPart&) const = default;
};

/// A pool of huge pages that somebody wants.
struct PoolPicture {
  Kib page_size = 0;
  std::uint64_t reserved = 0, wanted = 0;  ///< pages
  bool operator==(const PoolPicture&) const = default;
};

struct NodePicture {
  int id = 0;
  Kib memory = 0;
  std::vector<CpuPart> cpus;             ///< VMs ascending, the host last; nothing empty
  std::vector<MemoryPart> memory_parts;  ///< in the order of MemoryUse; nothing empty; they may exceed `memory`
  std::vector<PoolPicture> pools;
  Marks marks = {};
  bool operator==(const NodePicture&) const = default;
};

/// One side of the case.
struct PanelPicture {
  std::string title;
  std::vector<std::vector<std::optional<SocketPicture>>> rows;  ///< from the top, from the left; empty: no socket
  bool operator==(const PanelPicture&) const = default;
};

/// Where the places on the panels come from.
enum class PanelSource { config, firmware, controllers };
const char* to_string(PanelSource source);

struct MachinePicture {
  bool configured = false;
  std::vector<VmPicture> vms;  ///< ascending; the place of a VM is its colour
  std::vector<NodePicture> nodes;
  std::vector<ControllerPicture> controllers;
  std::vector<SocketPicture> lost;  ///< learned sockets whose controller is not there
  std::vector<PanelPicture> panels;
  PanelSource panels_from = PanelSource::controllers;
  std::vector<MarkedFinding> findings;  ///< errors first
  bool operator==(const MachinePicture&) const = default;

  /// Place of a VM in `vms`, which is its colour; empty for the host and for VMs that are not there.
  std::optional<std::size_t> colour_of(const std::optional<int>& vm) const;
  /// "VM 101 fluent-a", or "host".
  std::string owner(const std::optional<int>& vm) const;
};

/// "3.9 GiB": to one decimal place in the unit people compare, "4 GiB" where that is exact.
std::string rounded_size(Kib size);

}  // namespace hostsplit
