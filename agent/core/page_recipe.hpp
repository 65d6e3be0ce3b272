#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/boot_plan.hpp"
#include "core/finding.hpp"
#include "core/snapshot.hpp"

namespace hostsplit {

/// Where huge pages come from; docs/memory.md weighs them against each other.
enum class PageSource {
  run_time,      ///< the reserve unit asks for them early at boot
  command_line,  ///< the kernel takes them before anything else runs; the unit corrects
  cma            ///< the kernel keeps areas movable (hugetlb_cma), the unit takes the pages from them
};
const char* to_string(PageSource source);

/// What a kernel was built with: CONFIG_CMA and CONFIG_HUGETLBFS of /boot/config-<release>.
struct KernelBuild {
  bool known = false;
  bool cma = false;
  bool hugetlb = false;
  bool operator==(const KernelBuild&) const = default;
};
KernelBuild parse_kernel_build(std::string_view config);

/// A choice with its reason, and the words it needs on the kernel command line.
struct PageRecipe {
  PageSource source = PageSource::run_time;
  std::string reason;                ///< sentence fragment
  std::vector<std::string> words;    ///< in this order, together; empty for run_time
  bool needs_keep_hugepages = true;  ///< every VM with huge pages needs `keephugepages: 1`, or a start trims the pool
  bool operator==(const PageRecipe&) const = default;
};

/// Chooses. Pages of 1 GiB come from the command line where that leaves the floor, because a running kernel finds fewer
/// of them the longer it runs; pages of 2 MiB are found at any time.
/// \param reserved what is to be there, by node and size   \param wish what the user wants instead, if anything
/// \pre check_pages() found no error: what is written there is out of reach of any guard at boot.
PageRecipe choose_pages(const std::vector<Reservation>& reserved, const std::map<int, NumaNode>& nodes,
                        const KernelBuild& kernel, std::optional<PageSource> wish = {});

/// The words that make the kernel reserve these pages and Proxmox VE read the same number (pages_pve_reads()). On a
/// machine whose nodes all get the same count: `hugepagesz=1G hugepages=<sum>`, which the kernel deals out evenly.
/// Otherwise the exact form `hugepages=0:60,1:58` followed by the sum: the kernel takes the first and ignores the
/// second with a warning, Proxmox VE understands only the second.
std::vector<std::string> command_line_words(const std::vector<Reservation>& reserved,
                                            const std::map<int, NumaNode>& nodes);

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

}  // namespace hostsplit
