#include "core/memory/placement.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "core/memory/crash_kernel.hpp"
#include "core/memory/kernel_command_line.hpp"
#include "core/memory/page_source.hpp"

namespace hostsplit {
namespace {

using Words = std::vector<std::string>;
using Pages = std::vector<CommandLinePages>;

/// One way to write and place the parameters.
struct Candidate {
  Words words;
  bool very_first = false;
  bool sums = true;      ///< with the sums that Proxmox VE reads
  bool repeats = false;  ///< with the pools of others
};

std::vector<KernelParameter> parameters(const Candidate& candidate) {
  std::vector<KernelParameter> words;
  for (const auto& word : candidate.words)
    words.push_back({word, "huge pages from the first moment on", true, candidate.very_first});
  return words;
}

/// How a candidate does on one line with one kernel.
struct Trial {
  bool ours = true, others = true, proxmox_ve = true;
  Pages lost = {};       ///< as the owner's line has them
  Kib lost_default = 0;  ///< likewise; 0: it stays
};

class Placing {
 public:
  Placing(const std::vector<Reservation>& reserved, const Snapshot& snapshot, const std::vector<OwnersLine>& lines)
      : wanted_(reserved),
        nodes_(snapshot.nodes),
        lines_(lines),
        rules_(rules_of_kernels(snapshot)) {
    for (const auto& item : reserved)
      if (item.pages != 0) sizes_.insert(item.page_size);
    keep_other_nodes();
  }

  Placement best() const {
    const auto all = candidates();
    const auto find = [&](auto good) {
      return std::find_if(all.begin(), all.end(), [&](const Candidate& each) { return good(try_all(each)); });
    };
    auto chosen = find([](const Trial& trial) { return trial.ours && trial.others && trial.proxmox_ve; });
    if (chosen == all.end()) chosen = find([](const Trial& trial) { return trial.ours && trial.others; });
    if (chosen == all.end()) chosen = find([](const Trial& trial) { return trial.ours; });
    if (chosen == all.end()) chosen = all.begin();
    return told(*chosen, try_all(*chosen));
  }

 private:
  /// Of several counts of one size the kernel takes one: what the owner has of it on nodes where nothing is reserved
  /// would be lost, so it goes into ours.
  void keep_other_nodes() {
    std::map<PoolKey, std::uint64_t> kept;
    for (const auto& line : lines_)
      for (const auto& pages : owned_by(line))
        for (const auto& [node, count] : dealt_out(pages, nodes_))
          if (sizes_.count(pages.page_size) && !is_reserved(node, pages.page_size)) {
            auto& most = kept[{node, pages.page_size}];
            most = std::max(most, count);
          }
    for (const auto& [pool, pages] : kept) {
      wanted_.push_back({pool.node, pool.page_size, pages, {}, {}});
      kept_ += fmt::format("{}{} pages of {} on node {}", kept_.empty() ? "" : ", ", pages, format_size(pool.page_size),
                           pool.node);
    }
  }

  /// What the owner has there; nothing where no boot reads it.
  Pages owned_by(const OwnersLine& line) const {
    return line.starts ? read_huge_pages(line.line(), rules_.front()).pages : Pages();
  }

  bool is_reserved(int node, Kib size) const {
    return std::any_of(wanted_.begin(), wanted_.end(), [&](const Reservation& item) {
      return item.node == node && item.page_size == size && item.pages != 0;
    });
  }

  /// Simple ones first.
  std::vector<Candidate> candidates() const {
    const Words plain = command_line_words(wanted_, nodes_);
    const Words exact = without_sums(plain);
    const bool grub =
        std::any_of(lines_.begin(), lines_.end(), [](const OwnersLine& line) { return line.loader == "GRUB"; });
    std::vector<Candidate> all;
    for (const bool very_first : {false, true}) {
      if (very_first && !grub) continue;
      all.push_back({plain, very_first});
      all.push_back({joined(plain, pools_of_others()), very_first, true, true});
      all.push_back({exact, very_first, false});
      all.push_back({joined(exact, pools_of_others()), very_first, false, true});
    }
    return all;
  }

  static Words joined(Words a, const Words& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  static bool names_nodes(const std::string& word) { return word.find(':') != std::string::npos; }

  /// A sum stands behind a count that names nodes.
  static Words without_sums(const Words& words) {
    Words exact;
    for (std::size_t i = 0; i < words.size(); ++i)
      if (i == 0 || !names_nodes(words[i - 1])) exact.push_back(words[i]);
    return exact;
  }

  /// What the owner's lines reserve of other sizes, in full, so that nothing behind it counts.
  Words pools_of_others() const {
    Words words;
    std::set<Kib> done = sizes_;
    for (const auto& line : lines_)
      for (const auto& pages : owned_by(line)) {
        if (!done.insert(pages.page_size).second) continue;
        words.push_back(pages.page_size == kib_per_gib ? "hugepagesz=1G" : "hugepagesz=2M");
        std::string counts;
        for (const auto& [node, count] : pages.by_node)
          counts += fmt::format("{}{}:{}", counts.empty() ? "" : ",", node, count);
        words.push_back("hugepages=" + (counts.empty() ? std::to_string(pages.anywhere) : counts));
      }
    for (const auto& line : lines_)
      if (line.starts && read_huge_pages(line.line(), rules_.front()).default_size == kib_per_gib)
        return words.push_back("default_hugepagesz=1G"), words;
    return words;
  }

  Trial try_all(const Candidate& candidate) const {
    Trial all;
    for (const auto& rules : rules_)
      for (const auto& line : lines_) {
        Trial trial = try_one(candidate, line, rules);
        all.ours = all.ours && trial.ours;
        all.others = all.others && trial.others;
        all.proxmox_ve = all.proxmox_ve && trial.proxmox_ve;
        if (all.lost.empty()) all.lost = std::move(trial.lost);
        all.lost_default = std::max(all.lost_default, trial.lost_default);
      }
    return all;
  }

  Trial try_one(const Candidate& candidate, const OwnersLine& line, const KernelRules& rules) const {
    Trial trial;
    const std::string own = line.line(), with = line.with(parameters(candidate));
    const Pages meant =
        read_huge_pages(fmt::format("{}", fmt::join(command_line_words(wanted_, nodes_), " ")), rules).pages;
    const KernelReading owned = read_huge_pages(own, rules), read = read_huge_pages(with, rules);
    const Pages &owners = owned.pages, &next = read.pages;
    trial.ours = of_sizes(next, true) == of_sizes(meant, true);
    if (!line.starts) return trial;
    trial.others = of_sizes(next, false) == of_sizes(owners, false) && read.default_size == owned.default_size;
    if (!trial.others) trial.lost = of_sizes(owners, false);
    if (read.default_size != owned.default_size) trial.lost_default = owned.default_size;
    for (const auto& pages : meant)
      trial.proxmox_ve = trial.proxmox_ve && pages_pve_reads(with, pages.page_size) == pages.sum();
    for (const auto& pages : trial.others ? of_sizes(owners, false) : Pages())
      trial.proxmox_ve =
          trial.proxmox_ve && pages_pve_reads(with, pages.page_size) == pages_pve_reads(own, pages.page_size);
    return trial;
  }

  Pages of_sizes(const Pages& all, bool ours) const {
    Pages some;
    for (const auto& pages : all)
      if ((sizes_.count(pages.page_size) != 0) == ours) some.push_back(pages);
    return some;
  }

  /// Each parameter about huge pages that the owner has.
  Words words_of_others() const {
    Words words;
    for (const auto& each : lines_) {
      const std::string line = each.line();
      for (const auto word : words_of(line))
        if (about_pages(word) && std::find(words.begin(), words.end(), word) == words.end()) words.emplace_back(word);
    }
    return words;
  }

  bool in_linux() const {
    return std::any_of(lines_.begin(), lines_.end(), [](const OwnersLine& line) {
      const auto words = words_of(line.linux);
      return std::any_of(words.begin(), words.end(), about_pages);
    });
  }

  Placement told(const Candidate& chosen, const Trial& trial) const {
    Placement placement{parameters(chosen), trial.proxmox_ve && !has_late(wanted_, nodes_), {}};
    const auto tell = [&](const char* code, Severity severity, const std::string& message, const std::string& remedy) {
      placement.findings.push_back({code, severity, "kernel command line", message, remedy});
    };
    const std::string by_hand =
        "Take the parameters of others about huge pages out of the kernel command line, or write pages = \"run-time\" "
        "under [host]";
    if (!trial.ours)
      tell("boot-pages-beaten", Severity::error,
           fmt::format("other parameters win over {}: the kernel would not reserve what is wanted; the others are {}",
                       fmt::join(chosen.words, " "), fmt::join(words_of_others(), " ")),
           by_hand);
    if (!trial.others)
      tell(
          "boot-pages-lost", Severity::error,
          fmt::format(
              "with {} in front, the kernel would not reserve any more what others have there: {}{}",
              fmt::join(chosen.words, " "), describe(trial.lost),
              trial.lost_default == 0 ? "" : ", with " + format_size(trial.lost_default) + " as the default page size"),
          by_hand);
    else if (chosen.repeats)
      tell("boot-pages-repeated", Severity::info,
           fmt::format("what others have there is repeated among hostsplit's parameters, because the kernel would not "
                       "read it behind them: {}",
                       fmt::join(pools_of_others(), " ")),
           "");
    if (!kept_.empty())
      tell("boot-pages-kept", Severity::info,
           fmt::format("others have {} there, where no VM of hostsplit.toml has any: the kernel takes one count of a "
                       "size, so hostsplit's parameters have these pages, too",
                       kept_),
           "");
    if (chosen.very_first)
      tell("grub-linux-first", Severity::info,
           in_linux()
               ? "GRUB_CMDLINE_LINUX has counts of huge pages, and the kernel reads it before "
                 "GRUB_CMDLINE_LINUX_DEFAULT: hostsplit's parameters go in front of it"
               : "other settings of GRUB come in front of what hostsplit adds to GRUB_CMDLINE_LINUX_DEFAULT: its "
                 "parameters go to the beginning of GRUB_CMDLINE_LINUX, which the kernel reads first",
           "");
    for (const auto& line : lines_)
      if (!line.not_understood.empty())
        tell("grub-not-understood", Severity::warning,
             fmt::format("what {} sets is not followed (only a shell knows it, it has a line break, or GRUB itself "
                         "reads something in it), so it is not known which kernel parameters come first",
                         fmt::join(line.not_understood, ", ")),
             "After hostsplit apply, look at the lines that begin with linux in /boot/grub/grub.cfg");
    return placement;
  }

  std::vector<Reservation> wanted_;  ///< and what others have on nodes without
  const std::map<int, NumaNode>& nodes_;
  const std::vector<OwnersLine>& lines_;
  const std::vector<KernelRules> rules_;
  std::set<Kib> sizes_;
  std::string kept_;  ///< what others have on nodes without, in words
};

}  // namespace

bool about_pages(std::string_view word) {
  for (const auto* key : {"hugepages=", "hugepagesz=", "default_hugepagesz=", "hugetlb_cma=", "hugetlb_cma_only="})
    if (word.starts_with(key)) return true;
  return writes_pages(word.substr(0, word.find('=')));
}

std::vector<KernelRules> rules_of_kernels(const Snapshot& snapshot) {
  std::vector<KernelRules> rules{kernel_rules(snapshot)};
  for (const auto& release : snapshot.boot.kernels) {
    KernelRules other = kernel_rules(snapshot, release);
    other.by_node = rules.front().by_node;  // an old kernel that nobody starts any more does not decide that
    if (std::none_of(rules.begin(), rules.end(),
                     [&](const KernelRules& each) { return each.noted_first == other.noted_first; }))
      rules.push_back(other);
  }
  return rules;
}

Placement place_pages(const std::vector<Reservation>& reserved, const Snapshot& snapshot,
                      const std::vector<OwnersLine>& lines) {
  return Placing(reserved, snapshot, lines).best();
}

std::vector<Finding> check_next_floor(const std::vector<OwnersLine>& lines, const std::vector<KernelParameter>& words,
                                      const Snapshot& snapshot, Kib keep_free) {
  for (const auto& line : lines) {
    if (!line.starts) continue;
    const auto nodes = nodes_beside_crash_kernel(snapshot, line.line());
    auto over = check_command_line(line.with(words), nodes, keep_free, kernel_rules(snapshot));
    for (auto& finding : over) {
      finding.message = "at the next boot " + finding.message;
      if (nodes != snapshot.nodes) finding.message += "; crashkernel= keeps more memory there than now";
    }
    if (!over.empty()) return over;
  }
  return {};
}

std::vector<Finding> check_next_ignored(const Snapshot& snapshot, const std::vector<OwnersLine>& lines) {
  std::vector<Finding> findings;
  const KernelRules rules = kernel_rules(snapshot);
  const auto now = check_ignored_parameters(snapshot.command_line, rules);
  for (const auto& line : lines) {
    if (!line.starts) continue;
    for (auto& finding : check_ignored_parameters(line.line(), rules)) {
      if (std::find(now.begin(), now.end(), finding) != now.end()) continue;
      finding.message = fmt::format("at the next boot {} (settings of {})", finding.message, line.loader);
      findings.push_back(std::move(finding));
    }
  }
  return findings;
}

std::vector<Finding> check_next_boot(const Snapshot& snapshot, const std::vector<OwnersLine>& lines,
                                     const std::vector<KernelParameter>& words,
                                     const std::vector<Reservation>& reserved) {
  std::vector<Finding> findings;
  const KernelRules rules = kernel_rules(snapshot);
  const auto ours = [&](Kib size) {
    return std::any_of(reserved.begin(), reserved.end(),
                       [&](const Reservation& item) { return item.page_size == size && item.pages != 0; });
  };
  for (const auto& line : lines) {
    if (!line.starts) continue;
    const auto next = read_huge_pages(line.with(words), rules).pages;
    for (const auto& now : read_huge_pages(snapshot.command_line, rules).pages) {
      if (ours(now.page_size)) continue;
      const auto later = std::find_if(next.begin(), next.end(),
                                      [&](const CommandLinePages& each) { return each.page_size == now.page_size; });
      const std::uint64_t pages = later == next.end() ? 0 : later->sum();
      if (pages >= now.sum()) continue;
      findings.push_back(
          {"boot-pages-gone", Severity::warning, "kernel command line",
           fmt::format("the running kernel was asked for {} pages of {}, and at the next boot it will be asked for {}: "
                       "the settings of {} do not have the parameter any more",
                       now.sum(), format_size(now.page_size), pages, line.loader),
           "If somebody needs these pages, set the parameter there again before the reboot; nothing of hostsplit has "
           "to change"});
    }
  }
  return findings;
}

}  // namespace hostsplit
