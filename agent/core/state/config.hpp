#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/cpu_set.hpp"
#include "core/base/size.hpp"

namespace hostsplit {

/// A name a person wrote, with the line it stands on (1-based, 0 when it did not come from a file).
struct Named {
  std::string text;
  unsigned line = 0;
  bool operator==(const Named&) const = default;
};

/// What one VM is to get. The key is the VMID of Proxmox VE (100..999999999).
struct VmWish {
  int id = 0;
  unsigned line = 0;                      ///< of its table header
  std::map<std::string, unsigned> lines;  ///< line of each key that was written, for messages
  std::string name;
  std::optional<int> node;     ///< NUMA node its memory and CPUs come from
  std::optional<CpuSet> cpus;  ///< host CPUs; default: all of the node
  Kib memory = 0;              ///< to be reserved as huge pages on `node`; 0 reserves nothing
  std::map<int, Kib> spread;   ///< the same over several nodes: `memory = { 0 = "28GiB", 1 = "28GiB" }`; then no `node`
  Kib page_size = kib_per_gib;     ///< 1 GiB or 2 MiB
  std::vector<Named> ports;        ///< labels
  std::vector<Named> controllers;  ///< PCI addresses of USB controllers
  std::vector<Named> functions;    ///< PCI addresses of other functions the VM takes along, by explicit wish
  bool operator==(const VmWish&) const = default;
};

/// Memory by node, however it was written; nodes that get none are left out.
std::map<int, Kib> memory_by_node(const VmWish& vm);

enum class DriftPolicy { rebind, report };
enum class BlacklistPolicy { ask, never, allow };
/// Who enforces at boot: a script in the initramfs, before any driver is loaded, or only the service, which moves
/// controllers back after xhci had them.
enum class BootPolicy { initramfs, service };
/// Where huge pages come from; docs/memory.md weighs them against each other.
enum class PageSource {
  run_time,      ///< the reserve unit asks for them early at boot
  command_line,  ///< the kernel takes them before anything else runs; the unit corrects
  cma            ///< the kernel keeps areas movable (hugetlb_cma), the unit takes the pages from them
};

/// Who changes the VMs in Proxmox VE: a person, told by `qm set` lines, or hostsplit, with the same commands.
enum class GuestPolicy { print, set };

/// One side of the case as somebody drew it (`[panel.rear]`): rows of labels from the top, each from the left. An empty
/// text is a place without a socket.
struct PanelRows {
  std::string name;  ///< "rear"
  unsigned line = 0;
  std::vector<std::vector<Named>> rows;
  bool operator==(const PanelRows&) const = default;
};

/// What is wanted: /etc/hostsplit/hostsplit.toml as values.
struct Config {
  Kib keep_free = 8 * kib_per_gib;  ///< never reserved; counted per node
  std::vector<Named> keep;          ///< labels and addresses that stay with the host
  std::optional<PageSource> pages;  ///< where huge pages come from; empty: choose_pages() decides
  bool iommu_passthrough = false;   ///< the host's own devices go past the IOMMU (iommu=pt)
  std::vector<Named> may_lose;      ///< lifelines given up by explicit wish: "keyboard", "usb", names of uses
  std::map<int, VmWish> vms;
  DriftPolicy drift = DriftPolicy::rebind;
  BlacklistPolicy blacklist = BlacklistPolicy::ask;
  BootPolicy boot = BootPolicy::initramfs;
  GuestPolicy guests = GuestPolicy::print;
  bool mail = true;               ///< root hears by mail of what needs somebody
  std::vector<PanelRows> panels;  ///< as they stand in the file; only `map` reads them
  std::string file;               ///< where it came from, for messages; empty when built in memory
  bool operator==(const Config&) const = default;
};

}  // namespace hostsplit
