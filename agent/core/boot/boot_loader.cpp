#include "core/boot/boot_loader.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "boot_texts.hpp"
#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/boot_count.hpp"
#include "core/boot/cmdline_file.hpp"
#include "core/boot/grub_menu.hpp"
#include "core/boot/grub_settings.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/steps/files.hpp"

namespace hostsplit {
namespace {

std::string joined(const std::vector<KernelParameter>& words) {
  std::string text;
  for (const auto& each : words) text += (text.empty() ? "" : " ") + each.word;
  return text;
}

/// Where parameters go.
enum class Place { very_first, front, behind };

std::vector<KernelParameter> part(const std::vector<KernelParameter>& words, Place place) {
  std::vector<KernelParameter> some;
  std::copy_if(words.begin(), words.end(), std::back_inserter(some), [&](const KernelParameter& each) {
    return place == (!each.first ? Place::behind : each.very_first ? Place::very_first : Place::front);
  });
  return some;
}

std::string assignment(const std::string& name, const std::string& before, const std::string& behind) {
  return name + "=\"" + before + (before.empty() ? "" : " ") + "$" + name + (behind.empty() ? "" : " ") + behind +
         "\"\n";
}

/// What stands behind "--" is not for the kernel, and GRUB does not give it what stands in a comment: where the owner's
/// line has that, all parameters go in front.
std::vector<KernelParameter> before_end(const std::vector<SettingsFile>& files, std::vector<KernelParameter> words) {
  const GrubSettings owners = read_grub_settings(with_file(files, {names::grub_words, ""}));
  const std::string all = owners.written();
  const auto end = read_as_grub(all).end;
  const bool in_linux = has_word(owners.linux, "--") || end < owners.linux.size();
  if (has_word(owners.line(), "--") || end < all.size())
    for (auto& each : words) {
      each.first = true;
      each.very_first = each.very_first || in_linux;
    }
  return words;
}

std::string grub_words_file(const std::vector<SettingsFile>& files, const std::vector<KernelParameter>& wanted) {
  const auto words = before_end(files, wanted);
  const std::string very_first = joined(part(words, Place::very_first));
  std::string text =
      "# What hostsplit needs of the kernel. Written by `hostsplit apply`, removed by `hostsplit undo`.\n";
  if (!very_first.empty()) text += assignment("GRUB_CMDLINE_LINUX", very_first, "");
  return text + assignment("GRUB_CMDLINE_LINUX_DEFAULT", joined(part(words, Place::front)),
                           joined(part(words, Place::behind)));
}

void replace_mark(std::string& text, const std::string& name, const std::string& value) {
  const std::string mark = "@" + name + "@";
  if (const auto at = text.find(mark); at != std::string::npos) text.replace(at, mark.size(), value);
}

std::string grub_entry_file(const std::vector<SettingsFile>& files, const std::vector<KernelParameter>& wanted) {
  const auto words = before_end(files, wanted);
  std::string text(texts::grub_entry);
  replace_mark(text, "WORDS", joined(part(words, Place::front)));
  replace_mark(text, "BEHIND", joined(part(words, Place::behind)));
  replace_mark(text, "FIRST", joined(part(words, Place::very_first)));
  return text;
}

/// What boot-entries is told: parameters in front, then those behind.
std::vector<std::string> entry_words(const PutIn& ours) {
  std::vector<std::string> words = ours.front;
  if (!ours.behind.empty()) words.push_back("--");
  words.insert(words.end(), ours.behind.begin(), ours.behind.end());
  return words;
}

std::string kernel_hook_file(const PutIn& ours) {
  std::string text(texts::kernel_hook);
  replace_mark(text, "WORDS", fmt::format("{}", fmt::join(entry_words(ours), " ")));
  return text;
}

std::string reason_of(const std::vector<KernelParameter>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    text += (i == 0 ? "" : " ") + words[i].word;
    const bool more = i + 1 < words.size() && words[i + 1].reason == words[i].reason;
    if (!more) text += ": " + words[i].reason + (i + 1 < words.size() ? ";" : "");
  }
  return text;
}

std::vector<std::string> entries_command(const PutIn& ours, bool wanted) {
  if (!wanted) return {names::boot_entries, "remove"};
  std::vector<std::string> command{names::boot_entries, "write"};
  const auto words = entry_words(ours);
  command.insert(command.end(), words.begin(), words.end());
  return command;
}

/// What the composed settings come to, for a look into the menu that was made of them.
std::optional<MenuLines> menu_lines(const Snapshot& snapshot, const std::vector<KernelParameter>& words) {
  const auto& files = snapshot.boot.grub_settings;
  const auto line = [&](const std::string& content) {
    return read_grub_settings(with_file(files, {names::grub_words, content}));
  };
  const GrubSettings owners = line("");
  if (files.empty() || words.empty() || !owners.not_understood.empty()) return {};
  return MenuLines{snapshot.kernel, line(grub_words_file(files, words)).line(), owners.line()};
}

/// What no entry may have once hostsplit's files are gone: what the owner's own settings do not have.
std::vector<std::string> absent_afterwards(const Snapshot& snapshot) {
  const auto& files = snapshot.boot.grub_settings;
  const std::string owners = read_grub_settings(with_file(files, {names::grub_words, ""})).line();
  std::vector<std::string> absent;
  if (!has_word(owners, off_word)) absent.emplace_back(off_word);
  std::string parameters;
  for (const auto& file : files)
    if (file.path == names::grub_words && is_ours(file.content)) {
      const std::string ours = read_grub_settings({file}).line();
      for (const auto word : words_of(ours))
        if (!has_word(owners, word)) parameters.append(parameters.empty() ? "" : " ").append(word);
    }
  if (!parameters.empty()) absent.push_back(std::move(parameters));
  return absent;
}

Step refresh_step(const Snapshot& snapshot, const std::vector<KernelParameter>& words, const PutIn& ours, bool wanted,
                  const std::string& stamp) {
  RefreshBootLoader refresh;
  refresh.program = snapshot.boot.proxmox_boot ? "proxmox-boot-tool refresh" : "update-grub";
  refresh.stamp = stamp;
  // What lies in /boot is not what starts the host where proxmox-boot-tool has partitions for that.
  if (snapshot.boot.proxmox_boot)
    refresh.entries = entries_command(ours, wanted);
  else
    refresh.menu = names::grub_config, refresh.lines = menu_lines(snapshot, words);
  if (wanted) {
    refresh.present = {std::string(off_word)};
    for (const auto& each : words) refresh.present.push_back(each.word);
  } else {
    refresh.absent = absent_afterwards(snapshot);
  }
  return {"refresh boot loader", refresh,
          wanted ? "it adds a menu entry without hostsplit" +
                       std::string(words.empty() ? "" : ", and the kernel parameters")
                 : "the menu had nothing of hostsplit before"};
}

/// True when hostsplit has put this word into the boot loader.
bool is_put(const Snapshot& snapshot, std::string_view word) {
  const auto& files = snapshot.boot.files;
  const auto ours = files.find(names::grub_words), cmdline = files.find(names::kernel_cmdline);
  return (ours != files.end() && ours->second.content.find(word) != std::string::npos) ||
         (!snapshot.boot.grub && cmdline != files.end() && has_word(cmdline->second.content, word));
}

}  // namespace

bool maybe_systemd_boot(const BootTools& boot) {
  return boot.proxmox_boot && boot.efi;
}

std::vector<KernelParameter> iommu_words(const Snapshot& snapshot) {
  constexpr std::string_view word = "intel_iommu=on";
  const auto given = words_of(snapshot.command_line);
  const bool said =
      !iommu_off_parameter(snapshot).empty() ||
      std::any_of(given.begin(), given.end(), [](const auto& w) { return w.starts_with("intel_iommu="); });
  const bool needed = snapshot.boot.dmar && !snapshot.iommu && !said;
  if (!is_put(snapshot, word) && !needed) return {};
  return {{std::string(word), "the firmware offers an IOMMU and this kernel leaves it off by itself"}};
}

std::vector<KernelParameter> wanted_words(const Snapshot& snapshot, const Config& config) {
  constexpr std::string_view word = "iommu=pt";
  auto words = iommu_words(snapshot);
  if (config.iommu_passthrough && (is_put(snapshot, word) || !has_word(snapshot.command_line, word)))
    words.push_back({std::string(word), "the configuration lets the host's own devices bypass the IOMMU"});
  return words;
}

std::vector<std::string> waiting_words(const Snapshot& snapshot, const std::vector<KernelParameter>& words) {
  std::vector<std::string> waiting;
  for (const auto& each : words)
    if (!has_word(snapshot.command_line, each.word)) waiting.push_back(each.word);
  return waiting;
}

std::string OwnersLine::line() const {
  return loader == "GRUB" ? GrubSettings{linux, rest}.line() : rest;
}

std::string OwnersLine::with(const std::vector<KernelParameter>& words) const {
  if (loader != "GRUB") return with_ours(rest, put_in_for(rest, words));
  return read_grub_settings(with_file(files, {names::grub_words, grub_words_file(files, words)})).line();
}

std::vector<OwnersLine> owners_lines(const Snapshot& snapshot, const Baseline& baseline) {
  std::vector<OwnersLine> lines;
  if (snapshot.boot.grub && !snapshot.boot.grub_settings.empty()) {
    auto files = with_file(snapshot.boot.grub_settings, {names::grub_words, ""});
    auto settings = read_grub_settings(files);
    lines.push_back({"GRUB", std::move(settings.linux), std::move(settings.linux_default),
                     std::move(settings.not_understood), std::move(files)});
  }
  if (maybe_systemd_boot(snapshot.boot))
    lines.push_back({"systemd-boot", "", read_cmdline_file(snapshot, baseline).owners_line});
  if (lines.size() < 2) return lines;
  lines.front().starts = !started_by_systemd_boot(snapshot);
  lines.back().starts = !started_by_grub(snapshot);
  return lines;
}

namespace {

void add_change(const Snapshot& snapshot, LineChange change, BootLoaderSteps& steps) {
  const KernelRules rules = kernel_rules(snapshot);
  change.pages_before = read_huge_pages(change.before, rules).pages;
  change.pages_after = read_huge_pages(change.after, rules).pages;
  // COMMAND_LINE_SIZE of x86 is 2048, and what is behind gets lost; GRUB adds BOOT_IMAGE=, root= and ro, the entry
  // without hostsplit one parameter.
  constexpr std::size_t longest = 2047 - 160;
  if (change.after.size() > longest && change.after.size() > change.before.size())
    steps.findings.push_back(
        {"boot-line-too-long", Severity::error, "kernel command line",
         fmt::format(
             "with hostsplit's parameters it would have {} characters, and the kernel reads 2047 with those that "
             "the boot loader adds: the last would be lost",
             change.after.size()),
         "Take out what is not needed any more, or write pages = \"run-time\" under [host]"});
  steps.lines.push_back(std::move(change));
}

/// Adds the step that brings parameters into /etc/kernel/cmdline, or out of it.
class CmdlineStep {
 public:
  CmdlineStep(const Snapshot& snapshot, const Baseline& baseline, BootLoaderSteps& steps)
      : snapshot_(snapshot),
        before_(baseline.file(names::kernel_cmdline)),
        file_(read_cmdline_file(snapshot, baseline)),
        steps_(steps) {}

  /// What it puts there.
  PutIn put_in(const std::vector<KernelParameter>& words) {
    PutIn ours = put_in_for(file_.owners_line, words);
    if (words.empty()) return take_out(), ours;
    auto against = check_cmdline(file_);
    const bool refused = !against.empty();
    for (auto& finding : against) steps_.findings.push_back(std::move(finding));
    if (!refused) edit(ours, with_first_line(content(), with_ours(file_.owners_line, ours)), reason_of(words));
    return ours;
  }

 private:
  std::string content() const { return file_.now ? file_.now->content : std::string(); }

  void take_out() {
    if (!file_.left.empty())
      steps_.findings.push_back(
          {"kernel-cmdline-left", Severity::warning, std::string("/") + names::kernel_cmdline,
           fmt::format("line 1 was changed where hostsplit's kernel parameters stand, so {} cannot be taken out",
                       fmt::join(file_.left, " ")),
           "Remove them by hand, then run proxmox-boot-tool refresh"});
    if (!file_.now || file_.ours.nothing() || !file_.left.empty()) return;
    if (before_ && !before_->file && file_.owners_line == running_line(snapshot_, file_.ours)) {
      steps_.files.push_back({std::string("remove ") + names::kernel_cmdline, RemoveFile{names::kernel_cmdline},
                              "it was not there before hostsplit"});
      return add_line("");
    }
    edit({names::kernel_cmdline, {}, {}}, without(), "only hostsplit needed them");
  }

  /// Older versions dropped the lines behind the first.
  std::string without() const {
    const std::string now = with_first_line(content(), file_.owners_line);
    const bool alone = now.find('\n') + 1 == now.size();
    const bool same = before_ && before_->file && first_line(before_->file->content) == file_.owners_line;
    return alone && same ? before_->file->content : now;
  }

  void edit(const PutIn& ours, const std::string& after, const std::string& reason) {
    if (file_.now && after == content()) return;
    steps_.files.push_back({std::string("edit ") + names::kernel_cmdline,
                            EditLine{ours, content(), after, !file_.now, file_.now ? file_.now->mode : 0644}, reason});
    add_line(first_line(after));
  }

  void add_line(const std::string& after) {
    add_change(snapshot_, {"systemd-boot", first_line(content()), after, file_.owners_line}, steps_);
  }

  const Snapshot& snapshot_;
  const FileBefore* before_;
  const CmdlineFile file_;
  BootLoaderSteps& steps_;
};

/// The file behind hostsplit's own that sets a variable anew, so that parameters of hostsplit get lost.
std::optional<Finding> overridden(const Snapshot& snapshot, const std::vector<KernelParameter>& words) {
  const auto& settings_files = snapshot.boot.grub_settings;
  const auto files = with_file(settings_files, {names::grub_words, grub_words_file(settings_files, words)});
  const std::string all = read_grub_settings(files).line();
  if (std::all_of(words.begin(), words.end(), [&](const KernelParameter& each) { return has_word(all, each.word); }))
    return {};
  std::vector<SettingsFile> so_far;
  std::vector<std::string> there;
  for (const auto& file : files) {
    so_far.push_back(file);
    const GrubSettings settings = read_grub_settings(so_far);
    if (!settings.not_understood.empty()) return {};
    std::vector<std::string> lost;
    for (const auto& word : there)
      if (!has_word(settings.line(), word)) lost.push_back(word);
    if (!lost.empty())
      return Finding{"grub-overridden", Severity::error, "/" + file.path,
                     fmt::format("it sets a variable anew that hostsplit adds to, so the kernel would not get {}",
                                 fmt::join(lost, " ")),
                     "Let it add to what is there, as in GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT "
                     "quiet\", or move the setting to /etc/default/grub"};
    if (file.path == names::grub_words)
      for (const auto& each : words) there.push_back(each.word);
  }
  return {};
}

void add_grub_line(const Snapshot& snapshot, const std::string& words_file, BootLoaderSteps& steps) {
  const auto& files = snapshot.boot.grub_settings;
  if (files.empty()) return;
  const auto line = [&](const std::string& content) {
    return read_grub_settings(with_file(files, {names::grub_words, content})).line();
  };
  const std::string before = read_grub_settings(files).line(), after = line(words_file);
  if (before != after) add_change(snapshot, {"GRUB", before, after, line("")}, steps);
}

}  // namespace

BootLoaderSteps boot_loader_steps(const Snapshot& snapshot, const std::vector<KernelParameter>& words, bool entry,
                                  const Baseline& baseline) {
  BootLoaderSteps steps;
  const auto& boot = snapshot.boot;
  const bool known = boot.grub || boot.proxmox_boot;
  if (!words.empty() && !known)
    steps.findings.push_back({"boot-loader-unknown", Severity::warning, "boot loader",
                              "neither GRUB nor proxmox-boot-tool is here, so the kernel command line stays as it is",
                              "Add by hand, in the boot loader of this machine: " + joined(words)});
  const bool wanted = known && (entry || !words.empty());
  const bool grub = wanted && boot.grub, systemd_boot = wanted && maybe_systemd_boot(boot);
  std::string all;
  const auto file = [&](const char* path, bool want, const std::string& content, unsigned mode,
                        const std::string& why) {
    if (!want) return restore_file(snapshot, baseline, path, steps.files);
    want_file(snapshot, path, {content, mode}, why, steps.files);
    all += content;
  };
  const std::string words_file = grub && !words.empty() ? grub_words_file(boot.grub_settings, words) : "";
  file(names::grub_words, !words_file.empty(), words_file, 0644, reason_of(words));
  file(names::grub_entry, grub, grub_entry_file(boot.grub_settings, words), 0755,
       "the menu gets an entry that boots without hostsplit");
  if (boot.grub) add_grub_line(snapshot, words_file, steps);
  if (grub && !words.empty())
    for (auto& finding : check_menu_line(read_grub_settings(with_file(boot.grub_settings, {names::grub_words, ""}))))
      steps.findings.push_back(std::move(finding));
  if (grub && !words.empty() && !boot.grub_settings.empty())
    if (auto against = overridden(snapshot, words)) steps.findings.push_back(std::move(*against));
  const PutIn ours =
      CmdlineStep(snapshot, baseline, steps).put_in(systemd_boot ? words : std::vector<KernelParameter>());
  if (systemd_boot) all += fmt::format("{}", fmt::join(entry_words(ours), " "));
  for (const auto* hook : {names::kernel_postinst_hook, names::kernel_postrm_hook})
    file(hook, systemd_boot, kernel_hook_file(ours), 0755,
         "the entry that boots without hostsplit goes with its kernel");
  const std::string stamp = wanted ? stamp_of({all}) : "";
  const bool as_wanted = wanted ? baseline.loader && baseline.loader->stamp == stamp && !gave_up(snapshot)
                                : !baseline.loader && steps.files.empty();
  if (!as_wanted && grub)
    for (auto& finding : check_line_ends(boot.grub_settings, !boot.proxmox_boot))
      steps.findings.push_back(std::move(finding));
  if (!as_wanted)
    if (known) steps.refresh.push_back(refresh_step(snapshot, words, ours, wanted, stamp));
  return steps;
}

}  // namespace hostsplit
