#include "core/memory/page_source.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "core/boot/huge_page_parameters.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/memory/kernel_command_line.hpp"
#include "core/memory/placement.hpp"

namespace hostsplit {
namespace {

bool is_late(int node, const std::map<int, NumaNode>& nodes) {
  const auto at = nodes.find(node);
  return at != nodes.end() && at->second.late;
}

/// Of those that kernel parameters reach.
bool has_gigantic(const std::vector<Reservation>& reserved, const std::map<int, NumaNode>& nodes) {
  return std::any_of(reserved.begin(), reserved.end(), [&](const Reservation& item) {
    return item.page_size >= kib_per_gib && item.pages != 0 && !is_late(item.node, nodes);
  });
}

std::string size_word(Kib page_size) {
  return page_size % kib_per_gib == 0 ? fmt::format("{}G", page_size / kib_per_gib)
                                      : fmt::format("{}M", page_size / kib_per_mib);
}

/// What a command line says about huge pages beside these words; nothing when it does not have all of them.
std::optional<std::string> without(std::string_view command_line, std::vector<std::string> words) {
  std::string others;
  for (const auto word : words_of(command_line)) {
    if (const auto ours = std::find(words.begin(), words.end(), word); ours != words.end())
      words.erase(ours);
    else if (about_pages(word))
      others += (others.empty() ? "" : " ") + std::string(word);
  }
  return words.empty() ? std::optional(others) : std::nullopt;
}

std::vector<std::string> cma_words(const std::vector<Reservation>& reserved, const std::map<int, NumaNode>& nodes) {
  std::string areas;
  for (const auto& item : reserved)
    if (item.page_size >= kib_per_gib && !is_late(item.node, nodes))
      areas += fmt::format("{}{}:{}G", areas.empty() ? "" : ",", item.node, item.pages * item.page_size / kib_per_gib);
  if (areas.empty()) return {};
  return {"hugetlb_cma=" + areas};
}

PageRecipe recipe(PageSource source, std::string reason, const std::vector<Reservation>& reserved,
                  const Snapshot& snapshot) {
  PageRecipe chosen{source, std::move(reason), {}, true, false};
  if (source == PageSource::command_line) {
    chosen.words = command_line_words(reserved, snapshot.nodes);
    chosen.needs_keep_hugepages = has_late(reserved, snapshot.nodes);
  }
  if (source == PageSource::cma) chosen.words = cma_words(reserved, snapshot.nodes);
  chosen.pending = !without(snapshot.command_line, chosen.words);
  return chosen;
}

/// Why this kernel would not read these parameters; empty when it would.
std::string why_unread(const std::vector<std::string>& words, const Snapshot& snapshot) {
  const bool names_nodes =
      std::any_of(words.begin(), words.end(), [](const auto& word) { return word.find(':') != std::string::npos; });
  if (!names_nodes || kernel_rules(snapshot).by_node) return {};
  return fmt::format("kernel {} is older than 5.16 and reads no counts for single nodes", snapshot.kernel);
}

PageRecipe choose_freely(const std::vector<Reservation>& reserved, const Snapshot& snapshot) {
  if (!has_gigantic(reserved, snapshot.nodes))
    return recipe(PageSource::run_time,
                  has_gigantic(reserved, {})
                      ? "the memory of the node comes after the boot, where no kernel parameter reaches it"
                      : "pages of 2 MiB are found at any time",
                  reserved, snapshot);
  if (!snapshot.boot.grub && !snapshot.boot.proxmox_boot)
    return recipe(PageSource::run_time,
                  "neither GRUB nor proxmox-boot-tool is installed, so kernel parameters cannot be set", reserved,
                  snapshot);
  if (const auto why = why_unread(command_line_words(reserved, snapshot.nodes), snapshot); !why.empty())
    return recipe(PageSource::run_time, why, reserved, snapshot);
  return recipe(
      PageSource::command_line,
      "a kernel that runs finds fewer whole gibibytes than one that boots, and Proxmox VE then reads the same "
      "number",
      reserved, snapshot);
}

/// Why hugetlb_cma= would do nothing; empty when it would.
std::string why_no_cma(const std::vector<Reservation>& reserved, const Snapshot& snapshot) {
  const KernelBuild& build = snapshot.boot.build;
  if (!has_gigantic(reserved, snapshot.nodes)) return "hugetlb_cma is for pages of 1 GiB";
  if (!build.known) return "whether this kernel has CMA cannot be read, so hugetlb_cma is not relied on";
  if (!build.cma) return "this kernel was built without CMA, so hugetlb_cma does nothing";
  return why_unread(cma_words(reserved, snapshot.nodes), snapshot);
}

/// Why what the user wants would do nothing; empty when it would.
std::string why_not(PageSource wish, const std::vector<Reservation>& reserved, const Snapshot& snapshot) {
  if (wish == PageSource::cma) return why_no_cma(reserved, snapshot);
  return wish == PageSource::command_line ? why_unread(command_line_words(reserved, snapshot.nodes), snapshot)
                                          : std::string();
}

}  // namespace

const char* to_string(PageSource source) {
  switch (source) {
    case PageSource::run_time: return "run-time";
    case PageSource::command_line: return "command-line";
    case PageSource::cma: return "cma";
  }
  return "run-time";
}

PageRecipe choose_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot,
                        std::optional<PageSource> wish) {
  const std::string against = wish ? why_not(*wish, reserved, snapshot) : std::string();
  if (wish && against.empty()) return recipe(*wish, "the configuration says so", reserved, snapshot);
  PageRecipe chosen = choose_freely(reserved, snapshot);
  if (wish) chosen.reason = against == chosen.reason ? against : against + "; " + chosen.reason;
  return chosen;
}

namespace {

/// Page parameters of the running line that hostsplit put there, by its record: those of the last edit that is in the
/// line as it was made. The settings of the boot loader may have others by now.
std::vector<std::string> recorded_words(const Snapshot& snapshot, const Baseline& baseline) {
  for (auto edit = baseline.edits.rbegin(); edit != baseline.edits.rend(); ++edit) {
    auto words = edit->front;
    std::erase_if(words, [](const std::string& word) { return !about_pages(word); });
    if (!words.empty() && without(snapshot.command_line, words)) return words;
  }
  return {};
}

/// Page counts that somebody else put on the kernel command line. \param kept  hostsplit's parameters have them, too
std::optional<Finding> foreign_words(const PageRecipe& chosen, const Snapshot& snapshot, const Baseline& baseline,
                                     bool kept) {
  // After a change of the boot loader what runs may still have hostsplit's own former words.
  if (chosen.words.empty() || (chosen.pending && baseline.loader)) return std::nullopt;
  const auto own = chosen.pending ? recorded_words(snapshot, baseline) : chosen.words;
  const auto others = without(snapshot.command_line, own);
  if (!others) return std::nullopt;
  const KernelRules rules = kernel_rules(snapshot);
  const auto ours = pages_kernel_reads(joined(chosen.words), rules);
  const auto same_sizes = [&](std::vector<CommandLinePages> all) {
    std::erase_if(all, [&](const CommandLinePages& pages) {
      return std::none_of(ours.begin(), ours.end(),
                          [&](const auto& each) { return each.page_size == pages.page_size; });
    });
    return all;
  };
  const auto theirs = pages_kernel_reads(*others, rules);
  const bool beaten = !chosen.pending && chosen.source == PageSource::command_line &&
                      same_sizes(pages_kernel_reads(snapshot.command_line, rules)) != ours;
  // Pools of another size are nobody's rival.
  const bool rival = beaten || chosen.source != PageSource::command_line || !same_sizes(theirs).empty();
  if (theirs.empty() || !rival || (kept && !beaten)) return std::nullopt;
  return Finding{
      "pages-words-foreign", Severity::warning, "kernel command line",
      fmt::format("{} was not set by hostsplit: {}", *others,
                  beaten ? "it comes first, and the kernel takes the first count of a size"
                         : "hostsplit's parameters come first, and the kernel takes the first count of a size"),
      "Remove it (/etc/default/grub, /etc/default/grub.d or /etc/kernel/cmdline): an entry without hostsplit "
      "still has it"};
}

/// The kernel takes more at each boot than hostsplit reserves at run time, which returns the rest.
void check_returned(const std::vector<Reservation>& reserved, const Snapshot& snapshot, PageSourcing& sourcing) {
  for (const auto& pages : pages_kernel_reads(snapshot.command_line, kernel_rules(snapshot)))
    for (const auto& [node, count] : dealt_out(pages, snapshot.nodes)) {
      const auto ours = std::find_if(reserved.begin(), reserved.end(), [&, node = node](const Reservation& item) {
        return item.node == node && item.page_size == pages.page_size;
      });
      if (ours == reserved.end() || ours->pages == 0 || ours->pages >= count) continue;
      sourcing.findings.push_back(
          {"pages-words-foreign", Severity::warning, "kernel command line",
           fmt::format("{} was not set by hostsplit: the kernel takes {} pages of {} on node {} at each boot, and "
                       "hostsplit keeps {} of them",
                       without(snapshot.command_line, {}).value_or(""), count, format_size(pages.page_size), node,
                       ours->pages),
           "If another program needs them, start it and run hostsplit apply: what it uses stays in the pool, beside "
           "those of the VMs. Otherwise remove it (/etc/default/grub, /etc/default/grub.d or /etc/kernel/cmdline)"});
    }
}

/// Those parameters that are wanted, in their order.
template <typename Wanted>
std::string chosen_words(std::string_view command_line, Wanted wanted) {
  std::string found;
  for (const auto& argument : kernel_arguments(command_line)) {
    if (!wanted(argument)) continue;
    found += (found.empty() ? "" : " ") + std::string(argument.name);
    if (!argument.has_value) continue;
    found += "=";
    // The dollar sign in memmap=64M$4G is escaped otherwise at each place.
    std::copy_if(argument.value.begin(), argument.value.end(), std::back_inserter(found),
                 [](char c) { return c != '\\'; });
  }
  return found;
}

/// Parameters by which the kernel has other nodes, or less memory on them (arch/x86/kernel/e820.c, arch/x86/mm/numa.c).
std::string node_words(std::string_view command_line) {
  return chosen_words(command_line, [](const Argument& each) {
    return each.name == "mem" || each.name == "numa" || each.name == "memmap";
  });
}

/// What is counted on today's nodes is wrong at a boot that has others.
void check_nodes_stay(const std::vector<OwnersLine>& lines, const Snapshot& snapshot, PageSourcing& sourcing) {
  const std::string now = node_words(snapshot.command_line);
  for (const auto& line : lines) {
    const std::string next = node_words(line.line());
    if (!line.starts || next == now || !line.not_understood.empty()) continue;
    const auto text = [](const std::string& words) { return words.empty() ? std::string("nothing") : words; };
    sourcing.findings.push_back(
        {"nodes-change-at-boot", Severity::error, "kernel command line",
         fmt::format("the next boot has other nodes or less memory: the settings of {} have {} about them, the running "
                     "kernel {}",
                     line.loader, text(next), text(now)),
         fmt::format("Reboot first and run hostsplit plan again, or correct the settings of {}", line.loader)});
    return;
  }
}

/// Parameters by which the kernel leaves CPUs out (kernel/cpu.c, kernel/smp.c).
std::string cpu_words(std::string_view command_line) {
  return chosen_words(command_line, [](const Argument& each) {
    return each.name == "nosmt" || each.name == "maxcpus" || each.name == "nr_cpus" ||
           (each.name == "mitigations" && each.value.ends_with(",nosmt"));
  });
}

/// hostsplit.toml names CPUs of today.
void check_cpus_stay(const std::vector<OwnersLine>& lines, const Snapshot& snapshot, const Config& config,
                     PageSourcing& sourcing) {
  const auto names_cpus = [](const auto& vm) { return vm.second.cpus.has_value(); };
  if (std::none_of(config.vms.begin(), config.vms.end(), names_cpus)) return;
  const std::string now = cpu_words(snapshot.command_line);
  for (const auto& line : lines) {
    const std::string next = cpu_words(line.line());
    if (!line.starts || next == now || next.empty()) continue;
    sourcing.findings.push_back(
        {"cpus-change-at-boot", Severity::warning, "kernel command line",
         fmt::format("{} waits in the settings of {}: from the next boot on some CPUs are offline, and cpus in "
                     "hostsplit.toml may name them",
                     next, line.loader),
         "After the reboot run hostsplit plan again, and correct cpus in hostsplit.toml"});
    return;
  }
}

/// A kernel that has CMA would drop hostsplit's own counts beside a hugetlb_cma= of the owner.
void check_areas_of_others(const std::vector<OwnersLine>& lines, const Snapshot& snapshot, PageSourcing& sourcing) {
  const auto is_ours = [&](const std::string& text) {
    return std::any_of(sourcing.words.begin(), sourcing.words.end(),
                       [&](const KernelParameter& each) { return each.word == text; });
  };
  for (const auto& line : lines) {
    if (!line.starts) continue;
    for (const auto& ignored : read_huge_pages(line.with(sourcing.words), kernel_rules(snapshot)).ignored) {
      if (ignored.why != IgnoredParameter::Why::maybe_with_cma || !is_ours(ignored.text)) continue;
      sourcing.findings.push_back({"boot-pages-ignored", Severity::warning, "kernel command line",
                                   fmt::format("at the next boot {} may have no effect: {} (settings of {})",
                                               ignored.text, describe(ignored), line.loader),
                                   fmt::format("Take hugetlb_cma= out of the settings of {}", line.loader)});
      return;
    }
  }
}

/// Brings the words of the choice to where the kernel reads them as they are meant, beside those of others.
void place(const std::vector<Reservation>& reserved, const Snapshot& snapshot, const Config& config,
           const Baseline& baseline, PageRecipe& chosen, PageSourcing& sourcing) {
  const auto lines = owners_lines(snapshot, baseline);
  if (chosen.source == PageSource::command_line) {
    Placement placement = place_pages(reserved, snapshot, lines);
    chosen.words.clear();
    for (const auto& word : placement.words) chosen.words.push_back(word.word);
    chosen.needs_keep_hugepages = !placement.proxmox_ve_reads_it;
    chosen.pending = !without(snapshot.command_line, chosen.words);
    sourcing.words = std::move(placement.words);
    sourcing.findings = std::move(placement.findings);
  } else {
    for (const auto& word : chosen.words)
      sourcing.words.push_back({word, "room for huge pages that stays movable", true});
  }
  for (auto& finding : check_next_floor(lines, sourcing.words, snapshot, config.keep_free))
    sourcing.findings.push_back(std::move(finding));
  for (auto& finding : check_next_ignored(snapshot, lines)) sourcing.findings.push_back(std::move(finding));
  check_areas_of_others(lines, snapshot, sourcing);
  check_nodes_stay(lines, snapshot, sourcing);
  check_cpus_stay(lines, snapshot, config, sourcing);
  // What runs may have been asked for by hostsplit itself.
  if (baseline.loader || !recorded_words(snapshot, baseline).empty()) return;
  if (chosen.source == PageSource::run_time) check_returned(reserved, snapshot, sourcing);
  for (auto& finding : check_next_boot(snapshot, lines, sourcing.words, reserved))
    sourcing.findings.push_back(std::move(finding));
}

}  // namespace

PageSourcing source_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot, const Config& config,
                          const Baseline& baseline) {
  PageSourcing sourcing;
  if (std::all_of(reserved.begin(), reserved.end(), [](const Reservation& item) { return item.pages == 0; }))
    return sourcing;
  PageRecipe chosen = choose_pages(reserved, snapshot, config.pages);
  const bool cma = chosen.source == PageSource::cma;
  place(reserved, snapshot, config, baseline, chosen, sourcing);
  const auto tell = [&](const char* code, Severity severity, const char* subject, const std::string& message,
                        const std::string& remedy) {
    sourcing.findings.push_back({code, severity, subject, message, remedy});
  };
  if (config.pages && *config.pages != chosen.source)
    tell("pages-source", Severity::warning, "huge pages",
         fmt::format("do not come from {}, as hostsplit.toml says: {}", to_string(*config.pages),
                     why_not(*config.pages, reserved, snapshot)),
         "Write pages = \"auto\" under [host]");
  if (chosen.pending && (snapshot.boot.grub || snapshot.boot.proxmox_boot))
    tell("pages-after-reboot", Severity::info, "huge pages",
         cma ? "have room kept for them from the next boot on; until then they are reserved wherever the kernel finds "
               "them"
             : "are taken by the kernel itself from the next boot on; until then they are reserved at run time",
         "Reboot when it suits");
  const bool kept = std::any_of(sourcing.findings.begin(), sourcing.findings.end(),
                                [](const Finding& finding) { return finding.code == "boot-pages-kept"; });
  if (auto foreign = foreign_words(chosen, snapshot, baseline, kept)) sourcing.findings.push_back(std::move(*foreign));
  sourcing.recipe = chosen;
  return sourcing;
}

std::vector<std::string> command_line_words(const std::vector<Reservation>& reserved,
                                            const std::map<int, NumaNode>& nodes) {
  std::map<Kib, std::map<int, std::uint64_t>> by_size;
  const auto late = std::count_if(nodes.begin(), nodes.end(), [](const auto& node) { return node.second.late; });
  for (const auto& item : reserved)
    if (item.pages != 0 && !is_late(item.node, nodes)) by_size[item.page_size][item.node] += item.pages;
  std::vector<std::string> words;
  for (const auto& [size, counts] : by_size) {
    std::uint64_t sum = 0;
    std::string exact;
    for (const auto& [node, pages] : counts) {
      sum += pages;
      exact += fmt::format("{}{}:{}", exact.empty() ? "" : ",", node, pages);
    }
    const auto differs = [first = counts.begin()->second](const auto& entry) { return entry.second != first; };
    const bool even = counts.size() + static_cast<std::size_t>(late) == nodes.size() &&
                      std::none_of(counts.begin(), counts.end(), differs);
    words.push_back("hugepagesz=" + size_word(size));
    if (!even) words.push_back("hugepages=" + exact);
    words.push_back(fmt::format("hugepages={}", sum));
  }
  return words;
}

bool has_late(const std::vector<Reservation>& reserved, const std::map<int, NumaNode>& nodes) {
  return std::any_of(reserved.begin(), reserved.end(),
                     [&](const Reservation& item) { return item.pages != 0 && is_late(item.node, nodes); });
}

}  // namespace hostsplit
