#include "core/boot/boot_loader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "boot_texts.hpp"
#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "core/steps/files.hpp"

namespace hostsplit {
namespace {

std::string joined(const std::vector<KernelParameter>& words) {
  std::string text;
  for (const auto& each : words) text += (text.empty() ? "" : " ") + each.word;
  return text;
}

/// Words that go before, or behind, what others wrote.
std::vector<KernelParameter> part(const std::vector<KernelParameter>& words, bool first) {
  std::vector<KernelParameter> some;
  std::copy_if(words.begin(), words.end(), std::back_inserter(some),
               [&](const auto& each) { return each.first == first; });
  return some;
}

std::string grub_words_file(const std::vector<KernelParameter>& words) {
  const std::string before = joined(part(words, true)), behind = joined(part(words, false));
  return "# What hostsplit needs of the kernel. Written by `hostsplit apply`, removed by `hostsplit undo`.\n"
         "GRUB_CMDLINE_LINUX_DEFAULT=\"" +
         before + (before.empty() ? "" : " ") + "$GRUB_CMDLINE_LINUX_DEFAULT" + (behind.empty() ? "" : " ") + behind +
         "\"\n";
}

std::string with_words_at_mark(std::string_view before, const std::vector<KernelParameter>& words) {
  std::string text(before);
  const std::string mark =
      "@"
      "WORDS@";
  text.replace(text.find(mark), mark.size(), joined(words));
  return text;
}

/// What the running kernel was given, without what the boot loader adds by itself.
std::string running_line(const Snapshot& snapshot) {
  std::string line;
  for (const auto& word : words_of(snapshot.command_line))
    if (!word.starts_with("BOOT_IMAGE=") && !word.starts_with("initrd=") && word != off_word)
      line.append(line.empty() ? "" : " ").append(word);
  return line;
}

std::string kernel_cmdline(const Snapshot& snapshot, const Baseline& baseline,
                           const std::vector<KernelParameter>& words) {
  const FileBefore* before = baseline.file(names::kernel_cmdline);
  const auto now = snapshot.boot.files.find(names::kernel_cmdline);
  // Always from how it was before, so that words which are not wanted any more go away.
  if (before && before->file) return with_words(before->file->content, words);
  if (!before && now != snapshot.boot.files.end()) return with_words(now->second.content, words);
  return with_words(running_line(snapshot), words);
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

std::vector<std::string> entries_command(const std::vector<KernelParameter>& words, bool wanted) {
  if (!wanted) return {names::boot_entries, "remove"};
  std::vector<std::string> command{names::boot_entries, "write"};
  for (const auto& each : words) command.push_back(each.word);
  return command;
}

Step refresh_step(const Snapshot& snapshot, const std::vector<KernelParameter>& words, bool wanted,
                  const std::string& stamp) {
  RefreshBootLoader refresh;
  refresh.program = snapshot.boot.proxmox_boot ? "proxmox-boot-tool refresh" : "update-grub";
  refresh.stamp = stamp;
  // What lies in /boot is not what starts the host where proxmox-boot-tool has partitions for that.
  if (snapshot.boot.proxmox_boot)
    refresh.entries = entries_command(words, wanted);
  else
    refresh.menu = names::grub_config;
  if (wanted) {
    refresh.present = {std::string(off_word)};
    for (const auto& each : words) refresh.present.push_back(each.word);
  } else {
    refresh.absent = {std::string(off_word)};
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

std::string with_words(const std::string& line, const std::vector<KernelParameter>& words) {
  std::string text = line.substr(0, line.find('\n'));
  for (const auto& each : part(words, false))
    if (!has_word(text, each.word)) text += (text.empty() ? "" : " ") + each.word;
  const std::string before = joined(part(words, true));
  if (!before.empty() && text != before && !text.starts_with(before + " "))
    text = before + (text.empty() ? "" : " ") + text;
  return text + "\n";
}

std::vector<std::string> waiting_words(const Snapshot& snapshot, const std::vector<KernelParameter>& words) {
  std::vector<std::string> waiting;
  for (const auto& each : words)
    if (!has_word(snapshot.command_line, each.word)) waiting.push_back(each.word);
  return waiting;
}

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
  file(names::grub_words, grub && !words.empty(), grub_words_file(words), 0644, reason_of(words));
  file(names::grub_entry, grub, with_words_at_mark(texts::grub_entry, words), 0755,
       "the menu gets an entry that boots without hostsplit");
  const bool line = systemd_boot && !words.empty();
  file(names::kernel_cmdline, line, line ? kernel_cmdline(snapshot, baseline, words) : "", 0644, reason_of(words));
  for (const auto* hook : {names::kernel_postinst_hook, names::kernel_postrm_hook})
    file(hook, systemd_boot, with_words_at_mark(texts::kernel_hook, words), 0755,
         "the entry that boots without hostsplit goes with its kernel");
  const std::string stamp = wanted ? stamp_of({all}) : "";
  if (wanted ? !(baseline.loader && baseline.loader->stamp == stamp) : baseline.loader.has_value())
    if (known) steps.refresh.push_back(refresh_step(snapshot, words, wanted, stamp));
  return steps;
}

}  // namespace hostsplit
