#pragma once
#include <cstdint>
#include <map>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/base/size.hpp"
#include "core/boot/huge_page_parameters.hpp"
#include "core/machine/snapshot.hpp"

/// Huge pages on the kernel command line, as the kernel reads it and as Proxmox VE reads it.
namespace hostsplit {

/// What the kernel makes of a command line, without what it ignores: read_huge_pages().
std::vector<CommandLinePages> pages_kernel_reads(std::string_view command_line, const KernelRules& rules = {});

/// Where the kernel puts pages: counts for a node there, the others one after the other over the nodes that have
/// memory, as far as it reaches (mm/hugetlb.c, hugetlb_hstate_alloc_pages()). Pages that find no room are left out,
/// and nodes that come later have none.
std::map<int, std::uint64_t> dealt_out(const CommandLinePages& pages, const std::map<int, NumaNode>& nodes);

/// What a command line reserves beyond the floor (`boot-pages-over-floor`): such a host may not boot, or not live.
/// Nodes without memory have no floor.
std::vector<Finding> check_command_line(std::string_view command_line, const std::map<int, NumaNode>& nodes,
                                        Kib keep_free, const KernelRules& rules = {});

/// Parameters that do not do what is written there (`boot-pages-ignored`). A count that only repeats the sum of the
/// one in front of it for Proxmox VE is none.
std::vector<Finding> check_ignored_parameters(std::string_view command_line, const KernelRules& rules);

/// Pages the kernel was asked for and did not find (`boot-pages-short`); without a node in the parameter, on all nodes
/// together. \param wanted  by node and size: a pool
/// that has as many is not short, whatever the command line says
std::vector<Finding> check_pages_came(const Snapshot& snapshot, const PageCounts& wanted);

/// The number of huge pages of one size that Proxmox VE reads from the kernel command line, and to which it trims the
/// global pool after the start of a VM without `keephugepages: 1` (PVE::QemuServer::Memory). It understands less than
/// the kernel: only the words `hugepagesz=1G`, `hugepagesz=2M` and, for the size last named, `hugepages=` with digits
/// alone; the first such word counts, without one it is 0.
std::uint64_t pages_pve_reads(std::string_view command_line, Kib page_size);

}  // namespace hostsplit
