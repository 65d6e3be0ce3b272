#include "core/boot/huge_page_parameters.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

namespace hostsplit {
namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : 16;
}

/// As the kernel: too many digits wrap around.
Scanned scan_digits(std::string_view text, int base) {
  std::uint64_t value = 0;
  while (!text.empty() && digit_of(text.front()) < base) {
    value = value * static_cast<unsigned>(base) + static_cast<unsigned>(digit_of(text.front()));
    text.remove_prefix(1);
  }
  return {value, text};
}

/// simple_strtoull() with base 0: decimal, 0x, or octal behind a 0.
Scanned scan_number(std::string_view text) {
  if (!text.starts_with('0')) return scan_digits(text, 10);
  if (text.size() > 2 && (text[1] | 0x20) == 'x' && digit_of(text[2]) < 16) return scan_digits(text.substr(2), 16);
  return scan_digits(text, 8);
}

}  // namespace

Scanned scan_size(std::string_view text) {
  constexpr std::string_view units = "kmgtpe";
  Scanned scanned = scan_number(text);
  if (scanned.rest.empty()) return scanned;
  const auto unit = units.find(static_cast<char>(scanned.rest.front() | 0x20));
  if (unit == std::string_view::npos) return scanned;
  scanned.rest.remove_prefix(1);
  scanned.value <<= 10 * (unit + 1);
  return scanned;
}

namespace {

/// sscanf("%lu"); empty when no digit comes first.
std::optional<Scanned> scan_count(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  if (text.empty() || text.front() < '0' || text.front() > '9') return {};
  return scan_digits(text, 10);
}

constexpr Kib pmd_page = 2 * kib_per_mib, pud_page = kib_per_gib;

/// parameq(): hyphens and underscores are the same in names.
bool same_name(std::string_view a, std::string_view b) {
  const auto plain = [](char c) { return c == '-' ? '_' : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return plain(x) == plain(y); });
}

/// cmdline_parse_hugetlb_cma(): whether any area is large enough for a page of 1 GiB.
bool asks_for_cma(std::string_view value) {
  while (const auto first = scan_count(value)) {
    if (!first->rest.starts_with(':')) return scan_size(value).value >= pud_page * bytes_per_kib;
    const Scanned area = scan_size(first->rest.substr(1));
    if (area.value >= pud_page * bytes_per_kib) return true;
    if (!area.rest.starts_with(',')) return false;
    value = area.rest.substr(1);
  }
  return false;
}

/// cmdline_parse_hugetlb_cma_only(), kstrtobool().
bool is_on(std::string_view value) {
  if (value.empty()) return false;
  const char first = static_cast<char>(value[0] | 0x20);
  return value[0] == '1' || first == 'e' || first == 'y' || first == 't' ||
         (first == 'o' && value.size() > 1 && (value[1] | 0x20) == 'n');
}

/// As it is written, without quotes.
std::string spelled(const Argument& argument) {
  return std::string(argument.name) + (argument.has_value ? "=" + std::string(argument.value) : "");
}

/// The state the kernel keeps while it goes through the parameters; named after what it means, in its order.
class HugePageParser {
 public:
  explicit HugePageParser(const KernelRules& rules) : rules_(rules) {}

  void take(const Argument& argument) {
    static constexpr std::array<std::string_view, 3> names{"hugepages", "hugepagesz", "default_hugepagesz"};
    if (same_name(argument.name, "hugetlb_cma") && asks_for_cma(argument.value)) keep_areas(argument);
    if (same_name(argument.name, "hugetlb_cma_only")) cma_only_ = rules_.noted_first && is_on(argument.value);
    if (argument.has_value && writes_pages(argument.name)) written_ = scan_number(argument.value).value;
    const auto known =
        std::find_if(names.begin(), names.end(), [&](std::string_view name) { return same_name(argument.name, name); });
    if (known == names.end()) return;
    text_ = spelled(argument);
    if (!argument.has_value) return ignore(IgnoredParameter::Why::no_value);
    if (rules_.noted_first && noted_++ >= most_noted_parameters) return ignore(IgnoredParameter::Why::over_limit);
    switch (known - names.begin()) {
      case 0: return count(argument.value);
      case 1: return size(argument.value);
      default: return default_size(argument.value);
    }
  }

  KernelReading finish() {
    Pool& usual = add(pmd_page);
    reading_.default_size = default_.value_or(pmd_page);
    if (!default_ && implicit_.total != 0) {
      if (usual.total != 0) reading_.ignored.push_back({explicit_small_, IgnoredParameter::Why::overwritten});
      usual.total = implicit_.total;
      usual.nodes = implicit_.nodes;
    }
    for (auto& pool : pools_) settle(pool);
    if (written_) write_default(*written_);
    std::sort(reading_.pages.begin(), reading_.pages.end(),
              [](const auto& a, const auto& b) { return a.page_size < b.page_size; });
    return std::move(reading_);
  }

 private:
  struct Pool {
    Kib size = 0;
    std::uint64_t total = 0;
    std::map<int, std::uint32_t> nodes = {};
    CommandLinePages taken = {};            ///< what was taken already, where that happens at each count
    std::string text = {};                  ///< the count, as it is written
    std::vector<std::size_t> repeats = {};  ///< further counts, by their place among what is ignored
  };
  static constexpr int nothing = -2, implicitly = -1;  ///< of `counted_`

  void ignore(IgnoredParameter::Why why, int node = 0) { reading_.ignored.push_back({text_, why, node}); }

  std::optional<Kib> valid_size(std::string_view value) {
    const std::uint64_t bytes = scan_size(value).value;
    if (bytes == pmd_page * bytes_per_kib) return pmd_page;
    if (rules_.gibibytes && bytes == pud_page * bytes_per_kib) return pud_page;
    ignore(IgnoredParameter::Why::unsupported);
    return {};
  }

  Pool* pool_of(Kib size) {
    const auto found = std::find_if(pools_.begin(), pools_.end(), [&](const Pool& pool) { return pool.size == size; });
    return found == pools_.end() ? nullptr : &*found;
  }

  /// hugetlb_add_hstate(): a size that is there already does not become the one that counts go to.
  Pool& add(Kib size) {
    if (Pool* pool = pool_of(size)) return *pool;
    pools_.push_back({.size = size});
    current_ = static_cast<int>(pools_.size()) - 1;
    return pools_.back();
  }

  /// Before 6.15: hugetlb_hstate_alloc_pages() as soon as a count is read.
  void take_now(Pool& pool) {
    if (rules_.noted_first || pool.size != pud_page) return;
    add_to(pool.taken, pool);
  }

  static void add_to(CommandLinePages& pages, const Pool& pool) {
    bool any = false;
    for (const auto& [node, count] : pool.nodes) {
      if (count != 0) pages.by_node[node] += count;
      any = any || count != 0;
    }
    if (!any) pages.anywhere += pool.total;
  }

  void settle(const Pool& pool) {
    CommandLinePages pages{pool.size, {}, 0};
    const bool gigantic = pool.size == pud_page;
    if (gigantic && !rules_.noted_first)
      pages = pool.taken, pages.page_size = pool.size;
    else
      add_to(pages, pool);
    if (pages.sum() == 0) return;
    if (gigantic && asked_cma_ && !cma_only_) {
      leave_to_cma(pool);
      if (rules_.cma) return;
    }
    reading_.pages.push_back(std::move(pages));
  }

  /// hugetlb_hstate_alloc_pages(): "hugetlb_cma is enabled, skip boot time allocation".
  void leave_to_cma(const Pool& pool) {
    const auto why = rules_.cma ? IgnoredParameter::Why::with_cma : IgnoredParameter::Why::maybe_with_cma;
    if (rules_.cma)
      for (const auto each : pool.repeats) reading_.ignored[each].why = why;
    reading_.ignored.push_back({pool.text, why});
  }

  void keep_areas(const Argument& argument) {
    if (rules_.cma || !rules_.cma_known)
      asked_cma_ = true;
    else
      reading_.ignored.push_back({spelled(argument), IgnoredParameter::Why::without_cma});
  }

  /// hugetlb_sysctl_handler(): the default size is brought to that count, on all nodes together.
  void write_default(std::uint64_t count) {
    auto& all = reading_.pages;
    auto at = std::find_if(all.begin(), all.end(),
                           [&](const auto& pages) { return pages.page_size == reading_.default_size; });
    if (at == all.end()) at = all.insert(all.end(), CommandLinePages{reading_.default_size, {}, 0});
    if (count >= at->sum())
      at->anywhere += count - at->sum();
    else
      *at = {at->page_size, {}, count};
    if (count == 0) all.erase(at);
  }

  void size(std::string_view value) {
    accepted_ = false;
    const auto wanted = valid_size(value);
    if (!wanted) return;
    if (Pool* pool = pool_of(*wanted)) {
      if (default_ != wanted || pool->total != 0) return ignore(IgnoredParameter::Why::size_twice);
      current_ = static_cast<int>(pool - pools_.data());
    } else {
      add(*wanted);
    }
    accepted_ = true;
  }

  void default_size(std::string_view value) {
    accepted_ = false;
    if (default_) return ignore(IgnoredParameter::Why::default_twice);
    const auto wanted = valid_size(value);
    if (!wanted) return;
    Pool& pool = add(*wanted);
    accepted_ = true;
    default_ = wanted;
    if (implicit_.total == 0) return;
    pool.total = implicit_.total;
    pool.text = implicit_.text;
    pool.repeats = implicit_.repeats;
    for (const auto& [node, count] : implicit_.nodes)
      if (count != 0) pool.nodes[node] = count;
    take_now(pool);
    implicit_.total = 0;
  }

  void count(std::string_view value) {
    if (!accepted_) {
      accepted_ = true;
      return ignore(IgnoredParameter::Why::without_size);
    }
    const int target = pools_.empty() ? implicitly : current_;
    Pool& pool = target == implicitly ? implicit_ : pools_[static_cast<std::size_t>(target)];
    if (target == counted_) {
      pool.repeats.push_back(reading_.ignored.size());
      return ignore(IgnoredParameter::Why::count_twice);
    }
    if (!counts(pool, value)) {
      pool.total = 0;
      pool.nodes.clear();
      return;
    }
    pool.text = text_;
    if (target != implicitly) take_now(pool);
    if (target != implicitly && pool.size == pmd_page) explicit_small_ = text_;
    counted_ = target;
  }

  /// \return false when something in it is not valid: then nothing of it counts.
  bool counts(Pool& pool, std::string_view value) {
    for (bool first = true; !value.empty(); first = false) {
      const auto number = scan_count(value);
      if (!number) return ignore(IgnoredParameter::Why::not_a_number), false;
      if (!number->rest.starts_with(':') || !rules_.by_node) {
        if (!first) return ignore(IgnoredParameter::Why::not_a_number), false;
        pool.total = number->value;
        if (!number->rest.empty()) ignore(IgnoredParameter::Why::in_part);
        return true;
      }
      if (!is_online(number->value))
        return ignore(IgnoredParameter::Why::node_gone,
                      static_cast<int>(std::min<std::uint64_t>(number->value, 1 << 20))),
               false;
      const auto pages = scan_count(number->rest.substr(1));
      if (!pages) return ignore(IgnoredParameter::Why::not_a_number), false;
      pool.nodes[static_cast<int>(number->value)] = static_cast<std::uint32_t>(pages->value);
      pool.total += pages->value;
      if (!pages->rest.starts_with(',')) {
        if (!pages->rest.empty()) ignore(IgnoredParameter::Why::in_part);
        return true;
      }
      value = pages->rest.substr(1);
    }
    return true;
  }

  bool is_online(std::uint64_t node) const {
    constexpr std::uint64_t most_nodes = 1024;  // MAX_NUMNODES, CONFIG_NODES_SHIFT=10
    return node < most_nodes && (rules_.online.empty() || rules_.online.count(static_cast<int>(node)) != 0);
  }

  const KernelRules& rules_;
  KernelReading reading_;
  std::vector<Pool> pools_;  ///< in the order in which the kernel came to know the sizes
  Pool implicit_;            ///< a count before any size; whose it is turns out later
  std::string text_, explicit_small_;
  std::size_t noted_ = 0;
  int current_ = 0;                       ///< the pool that a count goes to
  int counted_ = nothing;                 ///< the pool that the last count went to
  bool accepted_ = true;                  ///< the size before was valid
  std::optional<Kib> default_;            ///< default_hugepagesz
  bool asked_cma_ = false;                ///< hugetlb_cma=, and the kernel has CMA or may have it
  bool cma_only_ = false;                 ///< hugetlb_cma_only=1
  std::optional<std::uint64_t> written_;  ///< sysctl.vm.nr_hugepages
};

}  // namespace

bool writes_pages(std::string_view name) {
  std::string path(name);
  std::replace(path.begin(), path.end(), '/', '.');
  return path == "sysctl.vm.nr_hugepages" || path == "sysctl.vm.nr_hugepages_mempolicy";
}

std::vector<Argument> kernel_arguments(std::string_view line) {
  std::vector<Argument> arguments;
  const auto skip = [&] {
    while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  };
  for (skip(); !line.empty(); skip()) {
    const bool quoted = line.front() == '"';
    if (quoted) line.remove_prefix(1);
    bool in_quote = quoted;
    std::size_t end = 0, equals = 0;
    for (; end < line.size() && (in_quote || !is_blank(line[end])); ++end) {
      if (equals == 0 && line[end] == '=') equals = end;
      if (line[end] == '"') in_quote = !in_quote;
    }
    const bool ends_quoted = end > 0 && line[end - 1] == '"';
    Argument argument{line.substr(0, equals ? equals : end), {}, equals != 0};
    if (equals) {
      argument.value = line.substr(equals + 1, end - equals - 1);
      bool strip = quoted && ends_quoted;
      if (argument.value.starts_with('"')) {
        argument.value.remove_prefix(1);
        strip = strip || ends_quoted;
      }
      if (strip && argument.value.ends_with('"')) argument.value.remove_suffix(1);
    } else if (quoted && ends_quoted) {
      argument.name.remove_suffix(1);
    }
    line.remove_prefix(end);
    if (argument.name == "--" && !argument.has_value) return arguments;
    arguments.push_back(argument);
  }
  return arguments;
}

std::string describe(const std::vector<CommandLinePages>& pages) {
  std::string text;
  for (const auto& each : pages) {
    text += fmt::format("{}{} pages of {}", text.empty() ? "" : ", ", each.sum(), format_size(each.page_size));
    for (const auto& [node, count] : each.by_node)
      text += fmt::format("{}{} on node {}", node == each.by_node.begin()->first ? " (" : ", ", count, node);
    if (!each.by_node.empty()) text += ")";
  }
  return text.empty() ? "none" : text;
}

KernelReading read_huge_pages(std::string_view command_line, const KernelRules& rules) {
  HugePageParser parser(rules);
  for (const auto& argument : kernel_arguments(command_line)) parser.take(argument);
  return parser.finish();
}

std::string describe(const IgnoredParameter& ignored) {
  using Why = IgnoredParameter::Why;
  switch (ignored.why) {
    case Why::over_limit:
      return fmt::format("kernels since 6.15 read the first {} parameters about huge pages and drop this one",
                         most_noted_parameters);
    case Why::unsupported: return "it is not a page size of this machine; the count behind it is dropped, too";
    case Why::size_twice: return "this size is named before; the count behind it is dropped, too";
    case Why::default_twice: return "it is given before; the count behind it is dropped, too";
    case Why::without_size: return "the size in front of it was not accepted";
    case Why::count_twice: return "it is the second count in a row, and the first is taken";
    case Why::node_gone:
      return fmt::format("node {} does not exist, so the kernel takes none of these pages on any node", ignored.node);
    case Why::not_a_number: return "it is not a count, so the kernel takes none of these pages on any node";
    case Why::in_part: return "the kernel takes the decimal digits of the count and drops what stands behind them";
    case Why::with_cma: return "with hugetlb_cma= on the line the kernel takes no pages of 1 GiB at boot";
    case Why::maybe_with_cma:
      return "with hugetlb_cma= on the line a kernel that has CMA takes no pages of 1 GiB at boot, and whether this "
             "one has it cannot be read";
    case Why::without_cma: return "this kernel was built without CMA";
    case Why::overwritten: return "the count without a size at the beginning of the line is taken instead";
    case Why::no_value: return "it has no value; kernels from 6.15 to 7.0 crash on it, others ignore it";
  }
  return {};
}

}  // namespace hostsplit
