#include "core/memory/kernel_command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include "core/base/number.hpp"
#include "core/boot/kernel_parameters.hpp"

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

}  // namespace

std::uint64_t pages_pve_reads(std::string_view command_line, Kib page_size) {
  constexpr std::string_view key = "hugepages=";
  Kib size = 2 * kib_per_mib;
  for (const auto word : words_of(command_line)) {
    if (word == "hugepagesz=2M") size = 2 * kib_per_mib;
    if (word == "hugepagesz=1G") size = kib_per_gib;
    if (size != page_size || !word.starts_with(key)) continue;
    if (const auto pages = parse_number<std::uint64_t>(word.substr(key.size()))) return *pages;
  }
  return 0;
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
    "If hostsplit set these kernel parameters, lower memory in hostsplit.toml and run hostsplit apply; otherwise "
    "remove "
    "them (/etc/default/grub and update-grub, or /etc/kernel/cmdline and proxmox-boot-tool refresh). If the host does "
    "not "
    "come up, choose the entry without hostsplit, or edit the line in the boot menu";

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
