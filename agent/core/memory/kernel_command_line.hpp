#pragma once
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/base/size.hpp"
#include "core/machine/snapshot.hpp"

/// Huge pages on the kernel command line, as the kernel reads it and as Proxmox VE reads it.
namespace hostsplit {

/// What the kernel makes of a command line (mm/hugetlb.c): pages by size, for one node or for all together.
struct CommandLinePages {
  Kib page_size = 0;
  std::map<int, std::uint64_t> by_node;  ///< `hugepages=0:60,1:58`
  std::uint64_t anywhere = 0;            ///< `hugepages=120`
  bool operator==(const CommandLinePages&) const = default;
};
std::vector<CommandLinePages> pages_kernel_reads(std::string_view command_line);

/// What a command line reserves beyond the floor (`boot-pages-over-floor`): such a host may not boot, or not live.
std::vector<Finding> check_command_line(std::string_view command_line, const std::map<int, NumaNode>& nodes,
                                        Kib keep_free);

/// The number of huge pages of one size that Proxmox VE reads from the kernel command line, and to which it trims the
/// global pool after the start of a VM without `keephugepages: 1` (PVE::QemuServer::Memory). It understands less than
/// the kernel: only the words `hugepagesz=1G`, `hugepagesz=2M` and, for the size last named, `hugepages=` with digits
/// alone; the first such word counts, without one it is 0.
std::uint64_t pages_pve_reads(std::string_view command_line, Kib page_size);

}  // namespace hostsplit
