#include "core/boot/cmdline_file.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/grub_settings.hpp"
#include "core/boot/huge_page_parameters.hpp"

namespace hostsplit {
namespace {

using Words = std::vector<std::string>;

Words copied(std::string_view line) {
  Words words;
  for (const auto word : words_of(line)) words.emplace_back(word);
  return words;
}

/// Takes [begin, end) out together with the blank that parted it from the rest: the one in front, as with_ours() adds
/// it.
std::string cut_out(std::string_view line, std::size_t begin, std::size_t end) {
  if (begin > 0)
    --begin;
  else if (end < line.size())
    ++end;
  return std::string(line.substr(0, begin)) + std::string(line.substr(end));
}

bool is_word_at(std::string_view line, std::size_t at, std::size_t size) {
  const auto blank = [&](std::size_t i) { return line[i] == ' ' || line[i] == '\t'; };
  return (at == 0 || blank(at - 1)) && (at + size == line.size() || blank(at + size));
}

std::size_t find_words(std::string_view line, std::string_view words) {
  auto at = line.find(words);
  while (at != std::string_view::npos && !is_word_at(line, at, words.size())) at = line.find(words, at + 1);
  return at;
}

std::size_t find_last_word(std::string_view line, std::string_view word) {
  auto at = line.rfind(word);
  while (at != std::string_view::npos && !is_word_at(line, at, word.size()))
    at = at == 0 ? std::string_view::npos : line.rfind(word, at - 1);
  return at;
}

/// Parameters somebody types in the boot menu to rescue a host: systemd(1), kernel-command-line(7), bootup of Debian,
/// initramfs-tools(7), the scripts of zfs-initramfs.
bool is_for_one_boot(std::string_view word) {
  constexpr std::string_view whole[] = {"single",   "emergency", "rescue",    "recovery", "s",         "S",
                                        "1",        "2",         "3",         "5",        "-s",        "-b",
                                        "break",    "fastboot",  "forcefsck", "fsckfix",  "nomodeset", "rd.break",
                                        "rd.shell", "acpi=off",  "noapic",    "nolapic",  "nosmp",     "noinitrd",
                                        "memtest",  "zfsforce",  "zfs_force", "debug"};
  constexpr std::string_view begins[] = {"systemd.unit=",
                                         "init=",
                                         "break=",
                                         "rdinit=",
                                         "systemd.mask=",
                                         "systemd.wants=",
                                         "rd.break=",
                                         "systemd.debug",
                                         "systemd.run=",
                                         "systemd.log_level=debug",
                                         "fsck.mode=force",
                                         "hostsplit=",
                                         "zfsforce=",
                                         "zfs_force=",
                                         "zfs.force=",
                                         "rollback=",
                                         "maxcpus=",
                                         "nr_cpus=",
                                         "mem=",
                                         "memtest=",
                                         "debug=",
                                         "rd.shell=",
                                         "modprobe.blacklist=",
                                         "module_blacklist=",
                                         "rd.emergency="};
  return std::find(std::begin(whole), std::end(whole), word) != std::end(whole) ||
         std::any_of(std::begin(begins), std::end(begins), [&](auto prefix) { return word.starts_with(prefix); });
}

bool any_begins(std::string_view line, std::string_view begin) {
  const auto words = words_of(line);
  return std::any_of(words.begin(), words.end(), [&](auto word) { return word.starts_with(begin); });
}

/// Initramfs scripts look at each word, the kernel takes quotes away first.
bool names_root(const std::string& line) {
  const auto arguments = kernel_arguments(line);
  return any_begins(line, "root=") ||
         std::any_of(arguments.begin(), arguments.end(), [](const Argument& each) { return each.name == "root"; });
}

/// Page parameters at the beginning of a line in the form in which hostsplit writes them. For what was put in before
/// hostsplit remembered it.
Words leading_page_words(const Words& words) {
  Words ours;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool size = words[i] == "hugepagesz=1G" || words[i] == "hugepagesz=2M";
    const bool count = !ours.empty() && words[i].starts_with("hugepages=");
    if (!size && !count && !words[i].starts_with("hugetlb_cma=")) break;
    ours.push_back(words[i]);
  }
  return ours;
}

/// From a record of an older version, which has only how the file was.
PutIn inferred(const std::string& before, const std::string& now) {
  PutIn ours{names::kernel_cmdline, {}, {}};
  const Words words = copied(now), old = copied(before);
  ours.front = leading_page_words(words);
  if (!ours.front.empty() &&
      std::equal(ours.front.begin(), ours.front.end(), old.begin(),
                 old.begin() + static_cast<std::ptrdiff_t>(std::min(old.size(), ours.front.size()))))
    ours.front.clear();
  for (const auto* word : {"intel_iommu=on", "iommu=pt"})
    if (has_word(now, word) && !has_word(before, word)) ours.behind.emplace_back(word);
  return ours;
}

}  // namespace

bool started_by_grub(const Snapshot& snapshot) {
  return snapshot.boot.grub && any_begins(snapshot.command_line, "BOOT_IMAGE=");
}

bool started_by_systemd_boot(const Snapshot& snapshot) {
  return snapshot.boot.proxmox_boot && any_begins(snapshot.command_line, "initrd=\\") &&
         !any_begins(snapshot.command_line, "BOOT_IMAGE=");
}

PutIn put_in_for(const std::string& owners_line, const std::vector<KernelParameter>& words) {
  PutIn ours{names::kernel_cmdline, {}, {}};
  for (const auto& each : words) {
    if (each.first)
      ours.front.push_back(each.word);
    else if (!has_word(owners_line, each.word))
      ours.behind.push_back(each.word);
  }
  return ours;
}

PutIn put_in_by_hook(std::string_view hook) {
  PutIn ours{names::kernel_cmdline, {}, {}};
  const std::string command = std::string(names::boot_entries) + " write ";
  const auto at = hook.find(command);
  if (at == std::string_view::npos) return ours;
  auto rest = hook.substr(at + command.size());
  bool behind = false;
  for (const auto word : words_of(cut(rest, '\n'))) {
    if (word == "--")
      behind = true;
    else
      (behind ? ours.behind : ours.front).emplace_back(word);
  }
  return ours;
}

WithoutOurs without_ours(std::string_view line, const PutIn& ours) {
  WithoutOurs rest{std::string(line), {}};
  for (auto word = ours.behind.rbegin(); word != ours.behind.rend(); ++word)
    if (const auto at = find_last_word(rest.line, *word); at != std::string::npos)
      rest.line = cut_out(rest.line, at, at + word->size());
  if (ours.front.empty()) return rest;
  const std::string front = joined(ours.front);
  if (const auto at = find_words(rest.line, front); at != std::string::npos) {
    rest.line = cut_out(rest.line, at, at + front.size());
    return rest;
  }
  for (const auto& word : ours.front)
    if (has_word(rest.line, word)) rest.left.push_back(word);
  return rest;
}

std::string with_ours(std::string_view owners_line, const PutIn& ours) {
  std::string line = joined(ours.front);
  const auto add = [&](std::string_view text) {
    if (!text.empty()) line.append(line.empty() ? "" : " ").append(text);
  };
  // What stands behind "--" is not for the kernel.
  const auto end = ours.behind.empty() ? std::string_view::npos : find_words(owners_line, "--");
  if (end == std::string_view::npos) {
    add(owners_line);
    add(joined(ours.behind));
  } else {
    add(owners_line.substr(0, end == 0 ? 0 : end - 1));
    add(joined(ours.behind));
    line += (end == 0 ? " " : std::string(1, owners_line[end - 1])) + std::string(owners_line.substr(end));
  }
  return line;
}

std::string first_line(std::string_view content) {
  return std::string(content.substr(0, content.find('\n')));
}

std::string with_first_line(std::string_view content, const std::string& line) {
  const auto end = content.find('\n');
  return line + (end == std::string_view::npos ? "\n" : std::string(content.substr(end)));
}

std::string running_line(const Snapshot& snapshot, const PutIn& ours) {
  const std::string own = without_ours(trimmed(first_line(snapshot.command_line)), ours).line;
  const bool grub = started_by_grub(snapshot);
  const std::string settings =
      grub ? read_grub_settings(with_file(snapshot.boot.grub_settings, {names::grub_words, ""})).line() : std::string();
  std::string line;
  for (const auto& word : words_of(own)) {
    if (word.starts_with("BOOT_IMAGE=") || word.starts_with("initrd=") || word == off_word) continue;
    if (grub && is_for_one_boot(word) && !has_word(settings, word)) continue;
    line.append(line.empty() ? "" : " ").append(word);
  }
  return line;
}

CmdlineFile read_cmdline_file(const Snapshot& snapshot, const Baseline& baseline) {
  CmdlineFile file;
  const auto found = snapshot.boot.files.find(names::kernel_cmdline);
  const FileBefore* before = baseline.file(names::kernel_cmdline);
  file.ours.path = names::kernel_cmdline;
  file.by_grub = started_by_grub(snapshot);
  auto edits = baseline.edits_of(names::kernel_cmdline);
  if (found == snapshot.boot.files.end()) {
    file.owners_line = running_line(snapshot, edits.empty() ? file.ours : edits.back());
    return file;
  }
  file.now = found->second;
  const std::string line = first_line(file.now->content);
  if (edits.empty() && before)
    edits.push_back(inferred(before->file ? first_line(before->file->content) : std::string(), line));
  file.owners_line = line;
  // An edit is remembered before it is made: the last one that is in the line is the one that was.
  for (auto edit = edits.rbegin(); edit != edits.rend(); ++edit) {
    const WithoutOurs rest = without_ours(line, *edit);
    if (edit == edits.rbegin() || rest.left.empty()) {
      file.left = rest.left;
      file.owners_line = rest.line;
      file.ours = *edit;
    }
    if (rest.left.empty() && rest.line != line) break;
  }
  if (file.owners_line == line) file.ours = {names::kernel_cmdline, {}, {}};
  return file;
}

std::vector<Finding> check_cmdline(const CmdlineFile& file) {
  std::vector<Finding> findings;
  const std::string where = fmt::format("/{}", names::kernel_cmdline);
  const auto refuse = [&](const std::string& message, const std::string& remedy) {
    findings.push_back({"kernel-cmdline-refused", Severity::error, where, message, remedy});
  };
  const auto words = words_of(file.owners_line);
  if (!file.left.empty())
    refuse(fmt::format("line 1 was changed where hostsplit's kernel parameters stand; of them {} are left",
                       fmt::join(file.left, " ")),
           fmt::format("Take {} out of {}, and what was put between them; then run hostsplit apply again",
                       fmt::join(file.left, " "), where));
  else if (file.now && trimmed(file.owners_line).starts_with('#'))
    refuse(
        "line 1 is a comment, and proxmox-boot-tool takes the first line for the kernel command line: kernel "
        "parameters would be swallowed by it",
        "Remove the comment, so that the line with root= is the first; then run hostsplit apply again");
  else if (file.owners_line.starts_with("\xEF\xBB\xBF"))
    refuse(
        "line 1 begins with a byte order mark, as some editors write it: it is invisible, and the first parameter is "
        "another one with it",
        fmt::format("sed -i '1s/^\\xef\\xbb\\xbf//' {}; then run hostsplit apply again", where));
  else if (file.owners_line.find('\r') != std::string::npos)
    refuse(
        "line 1 has a carriage return, as Windows ends lines with: systemd-boot would drop every kernel parameter "
        "behind it",
        fmt::format("sed -i 's/\\r//g' {}; then run hostsplit apply again", where));
  else if (!names_root(file.owners_line))
    refuse(file.now ? "line 1 has no root=, so the host would not find its root file system"
                    : "it does not exist, and the line of the running kernel has no root=",
           fmt::format("Write the kernel command line, with root=, into line 1 of {}; then run hostsplit apply again",
                       where));
  if (file.now || file.by_grub || !findings.empty()) return findings;
  std::string once, rest;
  for (const auto word : words) {
    auto& text = is_for_one_boot(word) ? once : rest;
    text.append(text.empty() ? "" : " ").append(word);
  }
  if (!once.empty())
    refuse(fmt::format("it does not exist, and the line of the running kernel has parameters that were meant for one "
                       "boot: {}",
                       once),
           fmt::format("Reboot without them, or write the line that is to stay yourself: echo '{}' > {}", rest, where));
  return findings;
}

}  // namespace hostsplit
