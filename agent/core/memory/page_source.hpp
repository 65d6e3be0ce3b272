#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/finding.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"

namespace hostsplit {

/// "run-time", "command-line", "cma": the words of the configuration.
const char* to_string(PageSource source);

/// A choice with its reason, and the words it needs on the kernel command line.
struct PageRecipe {
  PageSource source = PageSource::run_time;
  std::string reason;                ///< sentence fragment
  std::vector<std::string> words;    ///< in this order, together; empty for run_time
  bool needs_keep_hugepages = true;  ///< every VM with huge pages needs `keephugepages: 1`, or a start trims the pool
  bool pending = false;              ///< the running kernel was not given the words yet
  bool operator==(const PageRecipe&) const = default;
};

/// Chooses. Pages of 1 GiB come from the command line where that can be taken back in the boot menu, because a running
/// kernel finds fewer of them the longer it runs; pages of 2 MiB are found at any time.
/// \param reserved what is to be there, by node and size   \param wish what the user wants instead, if anything
/// \pre check_pages() found no error: what is written there is out of reach of any guard at boot.
PageRecipe choose_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot,
                        std::optional<PageSource> wish = {});

/// The choice as a plan needs it.
struct PageSourcing {
  std::optional<PageRecipe> recipe;    ///< empty: no pages are wanted
  std::vector<KernelParameter> words;  ///< for the boot loader
  std::vector<Finding> findings;       ///< `pages-source`, `pages-after-reboot`, `pages-words-foreign`
};
/// \pre as of choose_pages()
PageSourcing source_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot, const Config& config,
                          const Baseline& baseline);

/// The words that make the kernel reserve these pages and Proxmox VE read the same number (pages_pve_reads()). On a
/// machine whose nodes all get the same count: `hugepagesz=1G hugepages=<sum>`, which the kernel deals out evenly.
/// Otherwise the exact form `hugepages=0:60,1:58` followed by the sum: the kernel takes the first and ignores the
/// second with a warning, Proxmox VE understands only the second. Nodes that come after the boot are left out.
std::vector<std::string> command_line_words(const std::vector<Reservation>& reserved,
                                            const std::map<int, NumaNode>& nodes);

/// Pages on nodes that come after the boot: they are reserved at run time, whatever the source of the others is.
bool has_late(const std::vector<Reservation>& reserved, const std::map<int, NumaNode>& nodes);

}  // namespace hostsplit
