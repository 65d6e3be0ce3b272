#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/base/cpu_set.hpp"
#include "core/base/size.hpp"
#include "core/machine/pci.hpp"

namespace hostsplit {

/// What a running guest looks like from the host: only what was observed, nothing of what was wanted.

/// One `-object memory-backend-*` of QEMU's command line.
struct MemoryBackend {
  std::string id;
  Kib size = 0;
  bool huge = false;            ///< from hugetlbfs: mem-path below /run/hugepages or /dev/hugepages, or hugetlb=on
  std::vector<int> host_nodes;  ///< host-nodes=; empty: wherever there is memory
  std::string policy;           ///< policy=; "default" when not given
  Kib page_size = 0;            ///< where the command line tells; 0: it does not
  bool operator==(const MemoryBackend&) const = default;
};

/// What QEMU's command line says (qemu(1)); Proxmox VE writes it from the guest's configuration.
struct GuestCommand {
  std::optional<int> vm;  ///< -id
  std::string pid_file;   ///< -pidfile
  Kib memory = 0;         ///< -m
  std::vector<MemoryBackend> backends;
  std::vector<PciAddress> functions;   ///< -device vfio-pci,host=
  Kib beside = 0, beside_on_huge = 0;  ///< backends that are not the guest's memory, as of ivshmem
  bool operator==(const GuestCommand&) const = default;
};

/// Where the memory of a guest's process is.
struct GuestPages {
  std::map<Kib, std::map<int, std::uint64_t>> huge;  ///< pages from hugetlbfs, not transparent ones, by size and node
  Kib ordinary = 0;                                  ///< all the rest
  bool operator==(const GuestPages&) const = default;
};

struct GuestThread {
  int tid = 0;
  std::string name;  ///< "CPU 0/KVM"
  CpuSet allowed;    ///< Cpus_allowed_list
  bool operator==(const GuestThread&) const = default;
};

/// An interrupt of a passed through function.
struct GuestInterrupt {
  int number = 0;
  PciAddress function;
  CpuSet cpus;  ///< where it is delivered: effective_affinity_list
  bool operator==(const GuestInterrupt&) const = default;
};

/// A guest's process. Threads and pages are sampled, not at one instant.
struct RunningGuest {
  int vm = 0;
  std::optional<int> pid;  ///< empty: not running, or not to be trusted
  std::string distrust;    ///< why the pid file is not believed; empty otherwise
  GuestCommand command;
  std::optional<GuestPages> pages;  ///< empty: not read
  std::string pages_unread;         ///< why not
  std::vector<GuestThread> threads;
  std::vector<GuestInterrupt> interrupts;
  std::vector<int> groups;  ///< IOMMU groups it holds open; not read when it was started without functions
  bool operator==(const RunningGuest&) const = default;
};

/// Guest memory it was started with.
Kib memory_of(const GuestCommand& command);
/// Guest memory the command line does not put on huge pages: reading its mappings would walk every 4 KiB of it.
Kib ordinary_memory(const GuestCommand& command);

}  // namespace hostsplit
