#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/size.hpp"
#include "core/machine/snapshot.hpp"

/// Huge pages on the kernel command line, as the kernel reads them: mm/hugetlb.c, lib/cmdline.c (memparse, next_arg),
/// lib/vsprintf.c (sscanf) and kernel/params.c, for x86-64 kernels since 5.15.
namespace hostsplit {

/// A number at the beginning of a text, and what is behind it.
struct Scanned {
  std::uint64_t value = 0;
  std::string_view rest;
};
/// memparse(): bytes. Without a number nothing is taken off the text.
Scanned scan_size(std::string_view text);

/// What differs between kernels and machines.
struct KernelRules {
  /// Since 6.15 the parameters are only noted while the line is read, at most five of them, and pages are taken once at
  /// the end. Before that gigantic pages were taken at each count.
  bool noted_first = true;
  bool gibibytes = true;  ///< the CPU has pages of 1 GiB (flag pdpe1gb); without, `hugepagesz=1G` is not valid
  /// CONFIG_CMA: with hugetlb_cma= no gigantic page is taken at boot; since 6.15 it is with hugetlb_cma_only=1, from
  /// the areas (hugetlb_early_cma()).
  bool cma = false;
  bool cma_known = true;      ///< false: /proc/meminfo does not tell
  std::set<int> online = {};  ///< nodes a count may name; empty: not known, so every node is believed
  bool by_node = true;        ///< since 5.16; before, `hugepages=1:40` is read as 1
  bool operator==(const KernelRules&) const = default;
};
/// The rules for a release such as "6.17.13-1-pve"; those of the newest kernels where it cannot be read.
KernelRules kernel_rules(std::string_view release);
/// On this machine, for the running kernel or another installed one.
KernelRules kernel_rules(const Snapshot& snapshot);
KernelRules kernel_rules(const Snapshot& snapshot, std::string_view release);

/// Parameters about huge pages that the kernels since 6.15 take note of: a pair for each of the two sizes of x86, and
/// default_hugepagesz (HUGE_MAX_CMDLINE_ARGS).
inline constexpr std::size_t most_noted_parameters = 5;

/// Pages of one size, for single nodes or for all together.
struct CommandLinePages {
  Kib page_size = 0;
  std::map<int, std::uint64_t> by_node;  ///< `hugepages=0:60,1:58`
  std::uint64_t anywhere = 0;            ///< `hugepages=120`: dealt out over the nodes with memory, one after the other
  bool operator==(const CommandLinePages&) const = default;

  std::uint64_t sum() const {
    std::uint64_t pages = anywhere;
    for (const auto& [node, count] : by_node) pages += count;
    return pages;
  }
};

/// "16 pages of 1 GiB, 1280 pages of 2 MiB (640 on node 0, 640 on node 1)"; "none".
std::string describe(const std::vector<CommandLinePages>& pages);

/// A parameter that has no effect, or not the one that is written there.
struct IgnoredParameter {
  enum class Why {
    over_limit,      ///< the sixth or a later one
    unsupported,     ///< no page size of this CPU
    size_twice,      ///< this size was named before
    default_twice,   ///< a second default_hugepagesz
    without_size,    ///< a count behind a size that was not accepted
    count_twice,     ///< a second count without a size in between
    node_gone,       ///< it names a node that is not there, so no page of that size is taken at all
    not_a_number,    ///< likewise
    in_part,         ///< something stands behind the number: "0x20" is 0, "40G" is 40
    overwritten,     ///< a count without a size came first, and that is for the same size
    with_cma,        ///< a count of gigantic pages, and hugetlb_cma= keeps areas for them instead
    maybe_with_cma,  ///< likewise, if the kernel has CMA: that is not known
    without_cma,     ///< hugetlb_cma= for a kernel that was built without CMA
    no_value         ///< no "=": kernels from 6.15 to 7.0 do not survive it, others ignore it
  };
  std::string text;  ///< "hugepages=0:56,1:40"
  Why why = Why::unsupported;
  int node = 0;  ///< of node_gone
  bool operator==(const IgnoredParameter&) const = default;
};
/// A sentence fragment: "node 1 is not there, so the kernel takes no page at all for it".
std::string describe(const IgnoredParameter& ignored);

/// What a kernel makes of a line.
struct KernelReading {
  std::vector<CommandLinePages> pages;  ///< by size, ascending; sizes without pages are left out
  std::vector<IgnoredParameter> ignored;
  Kib default_size = 2 * kib_per_mib;  ///< what programs get that name no size, and what vm.nr_hugepages means
};
KernelReading read_huge_pages(std::string_view command_line, const KernelRules& rules);

/// True for the name of a parameter that writes vm.nr_hugepages once the kernel is up and before init runs, for the
/// default size and all nodes together: `sysctl.vm.nr_hugepages`, with dots or slashes (do_sysctl_args(),
/// fs/proc/proc_sysctl.c).
bool writes_pages(std::string_view name);

/// One parameter as next_arg() takes it apart; quotes stripped.
struct Argument {
  std::string_view name, value;
  bool has_value = false;
};
/// Those in front of "--", where the ones for init begin. The result refers to `line`.
std::vector<Argument> kernel_arguments(std::string_view line);

}  // namespace hostsplit
