#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/machine/guest.hpp"
#include "core/machine/pve.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// What one check of `verify` says.
struct Verdict {
  enum class Kind {
    right,
    note,     ///< as it may be, but worth knowing
    unknown,  ///< could not be looked at
    wrong     ///< makes `verify` exit 3
  };
  Kind kind = Kind::unknown;
  std::string check;    ///< stable: process, memory, page-size, overhead, pool, cpus, function, interrupts, settings
  std::string subject;  ///< "node 0", "0000:03:00.3", "all 70 threads"
  std::string found;    ///< in words
  std::string wanted;   ///< in words; empty when nothing in particular
  std::string remedy;   ///< what to do; of what is wrong, and of some notes
  bool operator==(const Verdict&) const = default;
};
const char* to_string(Verdict::Kind kind);

/// What a guest should look like.
struct GuestWish {
  int vm = 0;
  std::string name;
  std::map<int, Kib> memory;              ///< by node; empty: nothing said
  Kib page_size = 0;                      ///< 0: any huge page; only where memory is not empty
  std::optional<CpuSet> cpus;             ///< host CPUs its threads may run on
  std::vector<Claim> functions;           ///< that belong to it
  std::string source;                     ///< where this is written, for messages
  std::string remedy = {};                ///< what brings its memory there: a `qm set` line that was judged, fix_for()
  std::vector<PveHostPci> host_pci = {};  ///< what Proxmox VE gives it at its next start
  bool in_pve = false;                    ///< its configuration in Proxmox VE was read
  std::string cpus_from = {};             ///< the file of hostsplit that names its CPUs; empty: none does
  std::optional<CpuSet> next_affinity = {};  ///< what Proxmox VE has for its next start
};

/// Joins what is known: the configuration of hostsplit first; what it leaves open, the guest's own configuration of
/// Proxmox VE as the guest was started with it; functions as applied. Remedies are about its next start.
/// \param pve, next  PveConfigs::vm() and next_start(); nullptr when unknown
GuestWish wish_for(int vm, const std::optional<Config>& config, const std::optional<BootPlan>& applied,
                   const PveVm* pve, const PveVm* next, const std::map<int, NumaNode>& nodes);

/// What the host looks like where a guest touches it.
struct GuestHost {
  std::map<int, NumaNode> nodes;
  std::map<PciAddress, PciFunction> functions;  ///< those of wishes and command lines that exist
  CpuSet isolated;                              ///< Snapshot::isolated_cpus
};

/// Ordinary memory a guest's process may have beside its guest's memory: QEMU itself, its buffers and libraries.
Kib overhead_allowed(Kib memory);

/// Compares; one verdict per check and subject. A guest that does not run gets the verdicts its functions allow.
std::vector<Verdict> judge_guest(const RunningGuest& guest, const GuestWish& wish, const GuestHost& host);

/// Pools against what is reserved and what running guests hold; guests that do not run must find their pages free.
/// \param guests with their wishes, all that are known
std::vector<Verdict> judge_pools(const std::map<int, NumaNode>& nodes, const std::vector<Reservation>& reserved,
                                 const std::vector<std::pair<RunningGuest, GuestWish>>& guests);

}  // namespace hostsplit
