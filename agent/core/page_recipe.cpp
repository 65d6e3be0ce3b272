#include "core/page_recipe.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/kernel_words.hpp"
#include "core/number.hpp"

namespace hostsplit {
namespace {

/// "1G", "2M", "2048K", as memparse() of the kernel.
std::optional<Kib> memory_size(std::string_view text) {
  if (text.empty()) return {};
  constexpr std::string_view units = "KMGT";
  const auto unit = units.find(static_cast<char>(text.back() & ~0x20));
  if (unit == std::string_view::npos) return {};
  text.remove_suffix(1);
  const auto count = parse_number<Kib>(text);
  if (!count || *count > (Kib{1} << 30)) return {};
  return *count << (10 * unit);
}

/// "0:60,1:58"; empty when malformed.
std::optional<std::map<int, std::uint64_t>> node_counts(std::string_view text) {
  std::map<int, std::uint64_t> counts;
  if (text.empty()) return {};
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto part = text.substr(0, end);
    const auto colon = part.find(':');
    if (colon == std::string_view::npos) return {};
    const auto node = parse_number<int>(part.substr(0, colon));
    const auto pages = parse_number<std::uint64_t>(part.substr(colon + 1));
    if (!node || !pages) return {};
    counts[*node] += *pages;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return counts;
}

bool has_gigantic(const std::vector<Reservation>& reserved) {
  return std::any_of(reserved.begin(), reserved.end(),
                     [](const Reservation& item) { return item.page_size >= kib_per_gib && item.pages != 0; });
}

std::string size_word(Kib page_size) {
  return page_size % kib_per_gib == 0 ? fmt::format("{}G", page_size / kib_per_gib)
                                      : fmt::format("{}M", page_size / kib_per_mib);
}

bool about_pages(std::string_view word) {
  for (const auto* key : {"hugepages=", "hugepagesz=", "default_hugepagesz=", "hugetlb_cma="})
    if (word.starts_with(key)) return true;
  return false;
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

std::vector<std::string> cma_words(const std::vector<Reservation>& reserved) {
  std::string areas;
  for (const auto& item : reserved)
    if (item.page_size >= kib_per_gib)
      areas += fmt::format("{}{}:{}G", areas.empty() ? "" : ",", item.node, item.pages * item.page_size / kib_per_gib);
  if (areas.empty()) return {};
  return {"hugetlb_cma=" + areas};
}

PageRecipe recipe(PageSource source, std::string reason, const std::vector<Reservation>& reserved,
                  const Snapshot& snapshot) {
  PageRecipe chosen{source, std::move(reason), {}, true, false};
  if (source == PageSource::command_line) {
    chosen.words = command_line_words(reserved, snapshot.nodes);
    chosen.needs_keep_hugepages = false;
  }
  if (source == PageSource::cma) chosen.words = cma_words(reserved);
  chosen.pending = !without(snapshot.command_line, chosen.words);
  return chosen;
}

PageRecipe choose_freely(const std::vector<Reservation>& reserved, const Snapshot& snapshot) {
  if (!has_gigantic(reserved))
    return recipe(PageSource::run_time, "pages of 2 MiB are found at any time", reserved, snapshot);
  if (!snapshot.boot.grub && !snapshot.boot.proxmox_boot)
    return recipe(PageSource::run_time,
                  "neither GRUB nor proxmox-boot-tool is here to put words on the kernel command line", reserved,
                  snapshot);
  return recipe(
      PageSource::command_line,
      "a kernel that runs finds fewer whole gibibytes than one that boots, and Proxmox VE then reads the same "
      "number",
      reserved, snapshot);
}

/// Why hugetlb_cma= would do nothing; empty when it would.
std::string why_no_cma(const std::vector<Reservation>& reserved, const KernelBuild& build) {
  if (!has_gigantic(reserved)) return "hugetlb_cma is for pages of 1 GiB";
  if (!build.known) return "whether this kernel has CMA cannot be read, so hugetlb_cma is not relied on";
  return build.cma ? "" : "this kernel was built without CMA, so hugetlb_cma does nothing";
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

KernelBuild parse_kernel_build(std::string_view meminfo) {
  const auto has = [&](std::string_view line) {
    return meminfo.starts_with(line.substr(1)) || meminfo.find(line) != std::string_view::npos;
  };
  return {has("\nMemTotal:"), has("\nCmaTotal:")};
}

PageRecipe choose_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot,
                        std::optional<PageSource> wish) {
  const auto no_cma = wish == PageSource::cma ? why_no_cma(reserved, snapshot.boot.build) : "";
  if (wish && no_cma.empty()) return recipe(*wish, "the configuration says so", reserved, snapshot);
  PageRecipe chosen = choose_freely(reserved, snapshot);
  if (wish) chosen.reason = no_cma + "; " + chosen.reason;
  return chosen;
}

namespace {

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

/// Page counts that somebody else put on the kernel command line.
std::optional<Finding> foreign_words(const PageRecipe& chosen, const Snapshot& snapshot, const Baseline& baseline) {
  // After a change of the boot loader what runs may still have hostsplit's own former words.
  if (chosen.words.empty() || (chosen.pending && baseline.loader)) return std::nullopt;
  const auto others = without(snapshot.command_line, chosen.pending ? std::vector<std::string>() : chosen.words);
  if (!others || pages_kernel_reads(*others).empty()) return std::nullopt;
  const bool beaten = !chosen.pending && chosen.source == PageSource::command_line &&
                      pages_kernel_reads(snapshot.command_line) != pages_kernel_reads(joined(chosen.words));
  return Finding{
      "pages-words-foreign", Severity::warning, "kernel command line",
      fmt::format("{} is not hostsplit's: {}", *others,
                  beaten ? "it comes first, and the kernel takes the first count of a size"
                         : "its own words come first, and the kernel takes the first count of a size"),
      "Take it out (/etc/default/grub, /etc/default/grub.d or /etc/kernel/cmdline): an entry without hostsplit "
      "still has it"};
}

}  // namespace

PageSourcing source_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot, const Config& config,
                          const Baseline& baseline) {
  PageSourcing sourcing;
  if (std::all_of(reserved.begin(), reserved.end(), [](const Reservation& item) { return item.pages == 0; }))
    return sourcing;
  const PageRecipe chosen = choose_pages(reserved, snapshot, config.pages);
  const bool cma = chosen.source == PageSource::cma;
  for (const auto& word : chosen.words)
    sourcing.words.push_back(
        {word, cma ? "room for huge pages that stays movable" : "huge pages from the first moment on", true});
  const auto tell = [&](const char* code, Severity severity, const char* subject, const std::string& message,
                        const std::string& remedy) {
    sourcing.findings.push_back({code, severity, subject, message, remedy});
  };
  if (config.pages && *config.pages != chosen.source)
    tell("pages-source", Severity::warning, "huge pages",
         fmt::format("do not come from {}, as hostsplit.toml says: {}", to_string(*config.pages),
                     why_no_cma(reserved, snapshot.boot.build)),
         "Write pages = \"auto\" under [host]");
  if (chosen.pending && (snapshot.boot.grub || snapshot.boot.proxmox_boot))
    tell("pages-after-reboot", Severity::info, "huge pages",
         cma ? "have room kept for them from the next boot on; until then they are reserved wherever the kernel finds "
               "them"
             : "are taken by the kernel itself from the next boot on; until then they are reserved at run time",
         "Reboot when it suits");
  if (auto foreign = foreign_words(chosen, snapshot, baseline)) sourcing.findings.push_back(std::move(*foreign));
  sourcing.recipe = chosen;
  return sourcing;
}

std::vector<std::string> command_line_words(const std::vector<Reservation>& reserved,
                                            const std::map<int, NumaNode>& nodes) {
  std::map<Kib, std::map<int, std::uint64_t>> by_size;
  for (const auto& item : reserved)
    if (item.pages != 0) by_size[item.page_size][item.node] += item.pages;
  std::vector<std::string> words;
  for (const auto& [size, counts] : by_size) {
    std::uint64_t sum = 0;
    std::string exact;
    for (const auto& [node, pages] : counts) {
      sum += pages;
      exact += fmt::format("{}{}:{}", exact.empty() ? "" : ",", node, pages);
    }
    const auto differs = [first = counts.begin()->second](const auto& entry) { return entry.second != first; };
    const bool even = counts.size() == nodes.size() && std::none_of(counts.begin(), counts.end(), differs);
    words.push_back("hugepagesz=" + size_word(size));
    if (!even) words.push_back("hugepages=" + exact);
    words.push_back(fmt::format("hugepages={}", sum));
  }
  return words;
}

std::vector<CommandLinePages> pages_kernel_reads(std::string_view command_line) {
  Kib usual = 2 * kib_per_mib;
  for (const auto word : words_of(command_line)) {
    constexpr std::string_view key = "default_hugepagesz=";
    if (word.starts_with(key)) usual = memory_size(word.substr(key.size())).value_or(usual);
  }
  std::vector<CommandLinePages> found;
  std::optional<Kib> current;
  std::set<Kib> named;   // a size that was named before, or has its count, is ignored, and so is the count behind it
  bool counted = false;  // a second count without another size between them is ignored
  for (const auto word : words_of(command_line)) {
    constexpr std::string_view size_key = "hugepagesz=", count_key = "hugepages=";
    if (word.starts_with(size_key)) {
      current = memory_size(word.substr(size_key.size()));
      counted = !current || !named.insert(*current).second;
    }
    if (!word.starts_with(count_key) || counted) continue;
    const auto value = word.substr(count_key.size());
    CommandLinePages pages{current.value_or(usual), {}, 0};
    if (const auto count = parse_number<std::uint64_t>(value))
      pages.anywhere = *count;
    else if (const auto counts = node_counts(value))
      pages.by_node = *counts;
    else
      continue;
    named.insert(pages.page_size);
    found.push_back(std::move(pages));
    counted = true;
  }
  return found;
}

namespace {

constexpr auto boot_remedy =
    "If hostsplit wrote the words, lower memory in hostsplit.toml and run hostsplit apply; otherwise take them out of "
    "the "
    "kernel command line (/etc/default/grub and update-grub, or /etc/kernel/cmdline and proxmox-boot-tool refresh). If "
    "the "
    "host does not come up, choose the entry without hostsplit, or edit the line in the boot menu";

Finding over(const std::string& subject, Kib reserved, Kib memory, Kib keep_free, Kib page_size) {
  const Kib room = memory > keep_free ? memory - keep_free : 0;
  return {"boot-pages-over-floor", Severity::error, subject,
          fmt::format("the kernel command line reserves {} of {} as huge pages, and {} are to stay with the host",
                      format_size(reserved), format_size(memory), format_size(keep_free)),
          fmt::format("At most {} pages of {} fit. {}", room / page_size, format_size(page_size), boot_remedy)};
}

}  // namespace

std::vector<Finding> check_command_line(std::string_view command_line, const std::map<int, NumaNode>& nodes,
                                        Kib keep_free) {
  std::vector<Finding> findings;
  Kib anywhere = 0, all = 0, memory = 0, page_size = kib_per_gib;
  std::map<int, Kib> by_node;
  for (const auto& pages : pages_kernel_reads(command_line)) {
    page_size = pages.page_size;
    anywhere += pages.anywhere * pages.page_size;
    for (const auto& [node, count] : pages.by_node) by_node[node] += count * pages.page_size;
  }
  for (const auto& [node, reserved] : by_node) {
    all += reserved;
    if (const auto at = nodes.find(node); at != nodes.end() && reserved + keep_free > at->second.memory)
      findings.push_back(over(fmt::format("node {}", node), reserved, at->second.memory, keep_free, page_size));
  }
  for (const auto& [id, node] : nodes) memory += node.memory;
  if (findings.empty() && anywhere != 0 && anywhere + all + keep_free * nodes.size() > memory)
    findings.push_back(over("this machine", anywhere + all, memory, keep_free * nodes.size(), page_size));
  return findings;
}

}  // namespace hostsplit
