#include "host/inventory/page_lines.hpp"

#include <algorithm>
#include <initializer_list>

#include "core/boot/kernel_parameters.hpp"

namespace hostsplit {
namespace {

using Words = std::initializer_list<std::string_view>;

constexpr auto nowhere = std::string_view::npos;

bool has_any(std::string_view text, Words parts) {
  return std::any_of(parts.begin(), parts.end(), [&](auto part) { return text.find(part) != nowhere; });
}

/// Keys of units that name a file or describe something, and run nothing.
bool runs_nothing(std::string_view line) {
  const Words keys{"Description=", "Documentation=", "Condition", "Assert"};
  return std::any_of(keys.begin(), keys.end(), [&](auto key) { return line.starts_with(key); });
}

/// A program that only reads what stands behind it: "/usr/bin/cat", "n=$(cat", "'grep".
bool has_reader(std::string_view words) {
  for (auto word : words_of(words)) {
    if (const auto begin = word.find_last_of("/('\"`=@"); begin != nowhere) word.remove_prefix(begin + 1);
    for (const std::string_view reader : {"cat", "head", "tail", "grep", "egrep", "awk", "gawk", "cut", "ls", "stat",
                                          "wc", "test", "[", "[[", "sysctl"})
      if (word == reader) return true;
  }
  return false;
}

/// \param at  where the name of the file or key is in the command
bool is_only_read(std::string_view command, std::size_t at) {
  const auto name_end = std::min(command.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", at), command.size());
  const auto next = command.find_first_not_of(" \t\"'", name_end);
  if (next != nowhere && command[next] == '=') return false;
  const auto before = command.find_last_of(" \t<>\"'(`", at);
  const auto begin = before == nowhere ? 0 : before + 1;
  const auto sign = command.find_last_not_of(" \t\"'", begin == 0 ? nowhere : begin - 1);
  if (begin != 0 && sign != nowhere && command[sign] == '>') return false;
  if (begin != 0 && sign != nowhere && command[sign] == '<') return true;
  return has_reader(command.substr(0, begin));
}

bool writes_counts(std::string_view command) {
  for (const std::string_view mark : {"nr_hugepages", "nr_overcommit_hugepages"})
    for (auto at = command.find(mark); at != nowhere; at = command.find(mark, at + 1))
      if (!is_only_read(command, at)) return true;
  return command.find("hugeadm ") != nowhere &&
         (has_any(command, {"--pool-pages"}) || !has_any(command, {"--pool-list", "--explain", "--page-sizes"}));
}

}  // namespace

bool sets_pages(std::string_view line) {
  if (line.starts_with(';') || runs_nothing(line)) return false;
  while (!line.empty()) {
    const auto end = std::min(line.find_first_of(";|&"), line.size());
    if (writes_counts(line.substr(0, end))) return true;
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return false;
}

void add_scripts(std::string_view line, std::set<std::string>& scripts) {
  bool is_target = false;
  for (const auto word : words_of(line)) {
    const bool skip = is_target;
    is_target = word.ends_with('>');
    const auto begin = word.find('/');
    if (begin == nowhere || skip || word.substr(0, begin).find('>') != nowhere) continue;
    const auto path = word.substr(begin + 1, word.find_first_of(";'\"&|", begin) - begin - 1);
    if (path == "etc/rc.local") continue;  // read by itself
    for (const std::string_view home : {"usr/local/", "opt/", "root/", "etc/", "usr/lib/systemd/hugetlb"})
      if (path.starts_with(home)) scripts.emplace(path);
  }
}

bool is_run_parts_name(std::string_view name) {
  return !name.empty() &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == nowhere;
}

}  // namespace hostsplit
