#include "core/page_recipe.hpp"

#include <fmt/format.h>

#include <algorithm>

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

std::vector<std::string> cma_words(const std::vector<Reservation>& reserved) {
  std::string areas;
  for (const auto& item : reserved)
    if (item.page_size >= kib_per_gib)
      areas += fmt::format("{}{}:{}G", areas.empty() ? "" : ",", item.node, item.pages * item.page_size / kib_per_gib);
  if (areas.empty()) return {};
  return {"hugetlb_cma=" + areas};
}

PageRecipe recipe(PageSource source, std::string reason, const std::vector<Reservation>& reserved,
                  const std::map<int, NumaNode>& nodes) {
  PageRecipe chosen{source, std::move(reason), {}, true};
  if (source == PageSource::command_line) {
    chosen.words = command_line_words(reserved, nodes);
    chosen.needs_keep_hugepages = false;
  }
  if (source == PageSource::cma) chosen.words = cma_words(reserved);
  return chosen;
}

}  // namespace

const char* to_string(PageSource source) {
  switch (source) {
    case PageSource::run_time:
      return "run-time";
    case PageSource::command_line:
      return "command-line";
    case PageSource::cma:
      return "cma";
  }
  return "run-time";
}

KernelBuild parse_kernel_build(std::string_view config) {
  KernelBuild build;
  build.known = config.find("CONFIG_") != std::string_view::npos;
  for (const auto word : words_of(config)) {
    if (word == "CONFIG_CMA=y") build.cma = true;
    if (word == "CONFIG_HUGETLBFS=y") build.hugetlb = true;
  }
  return build;
}

PageRecipe choose_pages(const std::vector<Reservation>& reserved, const std::map<int, NumaNode>& nodes,
                        const KernelBuild& kernel, std::optional<PageSource> wish) {
  const bool cma_possible = kernel.known && kernel.cma;
  if (wish == PageSource::cma && !cma_possible)
    return recipe(PageSource::command_line,
                  kernel.known ? "this kernel was built without CMA, so hugetlb_cma does nothing"
                               : "whether this kernel has CMA cannot be read, so hugetlb_cma is not relied on",
                  reserved, nodes);
  if (wish) return recipe(*wish, "the configuration says so", reserved, nodes);
  if (!has_gigantic(reserved))
    return recipe(PageSource::run_time, "pages of 2 MiB are found at any time", reserved, nodes);
  return recipe(
      PageSource::command_line,
      "a kernel that runs finds fewer whole gibibytes than one that boots, and Proxmox VE then reads the same "
      "number",
      reserved, nodes);
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
  bool counted = false;  // a second count without another size between them is ignored
  for (const auto word : words_of(command_line)) {
    constexpr std::string_view size_key = "hugepagesz=", count_key = "hugepages=";
    if (word.starts_with(size_key)) {
      current = memory_size(word.substr(size_key.size()));
      counted = !current;
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
    found.push_back(std::move(pages));
    counted = true;
  }
  return found;
}

namespace {

constexpr auto boot_remedy =
    "Take the words out of the kernel command line (/etc/default/grub and update-grub, or /etc/kernel/cmdline and "
    "proxmox-boot-tool refresh), or lower them; if the host does not come up, edit the line in the boot menu";

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
