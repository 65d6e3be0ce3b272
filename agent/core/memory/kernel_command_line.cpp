#include "core/memory/kernel_command_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/base/number.hpp"
#include "core/boot/kernel_parameters.hpp"

namespace hostsplit {
namespace {

/// As Perl's Text::ParseWords::shellwords(): quotes and backslashes are taken out. \return nothing where a quote stays
/// open
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  char quote = 0;
  bool any = false;
  const auto end_word = [&] {
    if (any) words.push_back(std::exchange(word, {}));
    any = false;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && quote != '\'' && i + 1 < line.size())
      word += line[++i], any = true;
    else if (quote != 0 ? c == quote : c == '"' || c == '\'')
      quote = quote != 0 ? '\0' : c, any = true;
    else if (quote == 0 && (c == ' ' || (c >= '\t' && c <= '\r')))
      end_word();
    else
      word += c, any = true;
  }
  end_word();
  if (quote != 0) words.clear();
  return words;
}

}  // namespace

std::uint64_t pages_pve_reads(std::string_view command_line, Kib page_size) {
  constexpr std::string_view key = "hugepages=";
  Kib size = 2 * kib_per_mib;
  for (const auto& word : shell_words(command_line)) {
    if (word == "hugepagesz=2M") size = 2 * kib_per_mib;
    if (word == "hugepagesz=1G") size = kib_per_gib;
    if (size != page_size || !word.starts_with(key)) continue;
    if (const auto pages = parse_number<std::uint64_t>(std::string_view(word).substr(key.size()))) return *pages;
  }
  return 0;
}

std::vector<CommandLinePages> pages_kernel_reads(std::string_view command_line, const KernelRules& rules) {
  return read_huge_pages(command_line, rules).pages;
}

std::map<int, std::uint64_t> dealt_out(const CommandLinePages& pages, const std::map<int, NumaNode>& nodes) {
  std::map<int, std::uint64_t> counts = pages.by_node, room;
  for (const auto& [id, node] : nodes)
    if (const auto whole = node.memory / pages.page_size; whole > counts[id] && !node.late)
      room[id] = whole - counts[id];
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
  for (auto left = pages.anywhere; left != 0 && !room.empty();) {
    const auto each = std::max<std::uint64_t>(1, left / room.size());
    for (auto at = room.begin(); at != room.end() && left != 0;) {
      const auto some = std::min({each, left, at->second});
      counts[at->first] += some;
      left -= some;
      at->second -= some;
      at = at->second == 0 ? room.erase(at) : std::next(at);
    }
  }
  return counts;
}

namespace {

constexpr auto boot_remedy =
    "If hostsplit set these kernel parameters, lower memory in hostsplit.toml and run hostsplit apply; otherwise "
    "remove them (/etc/default/grub and update-grub, or /etc/kernel/cmdline and proxmox-boot-tool refresh). If the "
    "host "
    "does not come up, choose the entry without hostsplit, or edit the line in the boot menu";

/// What a line takes of one node, or of all.
struct Taken {
  Kib memory = 0, reserved = 0, floor = 0, largest = 0;  ///< largest: page size
  Kib smaller = 0;                                       ///< reserved in pages of other sizes
  bool over() const { return reserved != 0 && reserved + floor > memory; }
  Kib room() const { return memory > floor + smaller ? memory - floor - smaller : 0; }
  /// \pre sizes come in ascending order
  void add(Kib size, std::uint64_t pages) {
    if (pages == 0) return;
    if (size != largest) smaller = reserved;
    largest = size;
    reserved += pages * size;
  }
};

Finding over(const std::string& subject, const Taken& taken) {
  return {"boot-pages-over-floor", Severity::error, subject,
          fmt::format("the kernel command line reserves {} of {} as huge pages, and {} are to stay with the host",
                      format_size(taken.reserved), format_size(taken.memory), format_size(taken.floor)),
          fmt::format("At most {} pages of {} fit. {}", taken.room() / taken.largest, format_size(taken.largest),
                      boot_remedy)};
}

}  // namespace

std::vector<Finding> check_command_line(std::string_view command_line, const std::map<int, NumaNode>& nodes,
                                        Kib keep_free, const KernelRules& rules) {
  std::map<int, Taken> by_node;
  Taken all;
  bool anywhere = false;
  for (const auto& [id, node] : nodes) {
    if (node.memory == 0 || node.late) continue;
    by_node[id] = {node.memory, 0, keep_free, kib_per_gib, 0};
    all.memory += node.memory;
    all.floor += keep_free;
  }
  for (const auto& pages : pages_kernel_reads(command_line, rules)) {
    anywhere = anywhere || pages.anywhere != 0;
    all.add(pages.page_size, pages.sum());
    for (const auto& [id, count] : dealt_out(pages, nodes))
      if (const auto at = by_node.find(id); at != by_node.end()) at->second.add(pages.page_size, count);
  }
  if (anywhere && all.over()) return {over("this machine", all)};
  std::vector<Finding> findings;
  for (const auto& [id, taken] : by_node)
    if (taken.over()) findings.push_back(over(fmt::format("node {}", id), taken));
  return findings;
}

std::vector<Finding> check_ignored_parameters(std::string_view command_line, const KernelRules& rules) {
  std::vector<Finding> findings;
  const KernelReading reading = read_huge_pages(command_line, rules);
  const auto repeats_a_sum = [&](const IgnoredParameter& ignored) {
    return (ignored.why == IgnoredParameter::Why::count_twice || ignored.why == IgnoredParameter::Why::over_limit) &&
           std::any_of(reading.pages.begin(), reading.pages.end(), [&](const CommandLinePages& pages) {
             return !pages.by_node.empty() && ignored.text == fmt::format("hugepages={}", pages.sum());
           });
  };
  const auto effect = [](IgnoredParameter::Why why) {
    if (why == IgnoredParameter::Why::maybe_with_cma) return "may have no effect";
    return why == IgnoredParameter::Why::in_part ? "has another effect" : "has no effect";
  };
  for (const auto& ignored : reading.ignored)
    if (!repeats_a_sum(ignored))
      findings.push_back({"boot-pages-ignored", Severity::warning, "kernel command line",
                          fmt::format("{} {}: {}", ignored.text, effect(ignored.why), describe(ignored)),
                          "Correct it where it is set: /etc/default/grub and update-grub, or /etc/kernel/cmdline and "
                          "proxmox-boot-tool refresh; hostsplit plan shows the line of the next boot"});
  return findings;
}

std::vector<Finding> check_pages_came(const Snapshot& snapshot, const PageCounts& wanted) {
  std::vector<Finding> findings;
  for (const auto& pages : pages_kernel_reads(snapshot.command_line, kernel_rules(snapshot))) {
    std::string found;
    std::uint64_t missing = 0;
    // Without room on one node the kernel goes on to the next.
    if (pages.by_node.empty() && pools_of_size(snapshot.nodes, pages.page_size).total >= pages.sum()) continue;
    for (const auto& [id, count] : dealt_out(pages, snapshot.nodes)) {
      const PagePool* pool = pool_of(snapshot.nodes, {id, pages.page_size});
      const auto enough = wanted.find({id, pages.page_size});
      const std::uint64_t there = pool ? pool->total : 0;
      if (!pool || there >= count || (enough != wanted.end() && there >= enough->second)) continue;
      missing += count - there;
      found += fmt::format("{}node {} got {} of {}", found.empty() ? "" : ", ", id, there, count);
    }
    if (missing != 0)
      findings.push_back(
          {"boot-pages-short", Severity::warning, "kernel command line",
           fmt::format("the kernel was asked for {} pages of {}, and {} of them are not there: {}", pages.sum(),
                       format_size(pages.page_size), missing, found),
           "See what it found at boot: journalctl -k -b | grep HugeTLB. Ask for no more than it found there, or write "
           "page_size = \"2MiB\"; if something made the pool smaller since, hostsplit apply reserves the pages again"});
  }
  return findings;
}

}  // namespace hostsplit
