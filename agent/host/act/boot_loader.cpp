#include "host/act/boot_loader.hpp"

#include <algorithm>
#include <sstream>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/grub_menu.hpp"
#include "core/boot/huge_page_parameters.hpp"
#include "core/boot/kernel_parameters.hpp"

namespace hostsplit {
namespace {

/// It asks every disk and every kernel, and with proxmox-boot-tool writes to EFI partitions.
constexpr std::chrono::minutes refresh_deadline{5};

/// As GRUB reads them: a kernel does not get what stands in a comment.
std::vector<std::string> kernel_lines(const std::string& config) {
  std::vector<std::string> found;
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);)
    if (const auto words = words_of(line); !words.empty() && words.front() == "linux")
      found.emplace_back(given_by_grub(line));
  return found;
}

/// An entry that would reserve other pages than was planned starts a host that was not planned.
void verify_pages(const Root& root, const RefreshBootLoader& wanted, const std::string& config) {
  const KernelRules rules = kernel_rules(std::string_view(wanted.lines->kernel));
  for (const auto& line : kernel_lines(config)) {
    const bool ours = std::all_of(wanted.present.begin(), wanted.present.end(),
                                  [&](const std::string& word) { return word == off_word || has_word(line, word); });
    // Where the owner's own settings have it, too, it does not tell the entries apart.
    const bool off = has_word(line, off_word) && !(ours && has_word(wanted.lines->without, off_word));
    if (!off && (!ours || has_word(line, "single"))) continue;
    const auto found = read_huge_pages(line, rules).pages,
               right = read_huge_pages(off ? wanted.lines->without : wanted.lines->with, rules).pages;
    if (found != right)
      throw Error(
          "refresh", root.display(wanted.menu),
          "an entry would reserve " + describe(found) + " and not " + describe(right),
          "See what else sets kernel parameters in /etc/default/grub.d and /etc/grub.d, then run hostsplit apply.");
  }
}

/// True when some entry gives that word to its kernel, or all of several words.
bool entry_has(const std::string& config, const std::string& wanted) {
  const auto lines = kernel_lines(config);
  const auto words = words_of(wanted);
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return std::all_of(words.begin(), words.end(), [&](auto word) { return has_word(line, word); });
  });
}

void verify(const Root& root, const RefreshBootLoader& wanted) {
  const std::string config = root.read_file(wanted.menu).value_or("");
  const std::string remedy =
      "See what else sets GRUB_CMDLINE_LINUX_DEFAULT in /etc/default/grub.d, and run update-grub.";
  for (const auto& word : wanted.present)
    if (!entry_has(config, word)) throw Error("refresh", root.display(wanted.menu), "no entry has " + word, remedy);
  for (const auto& word : wanted.absent)
    if (entry_has(config, word))
      throw Error("refresh", root.display(wanted.menu), "an entry still has " + word, remedy);
  if (wanted.lines) verify_pages(root, wanted, config);
}

}  // namespace

namespace {

/// grub-mkconfig names each script of /etc/grub.d in front of what it wrote, and behind.
bool is_whole(const std::string& config) {
  const auto end = config.find_last_not_of(" \n");
  if (end == std::string::npos) return false;
  const auto line = config.rfind('\n', end);
  return std::string_view(config).substr(line == std::string::npos ? 0 : line + 1).starts_with("### END ");
}

}  // namespace

void refresh_boot_loader(const Root& root, Effects& effects, const RefreshBootLoader& wanted) {
  const std::string config = wanted.menu, kept = config + ".hostsplit-previous";
  const bool keep = !config.empty() && root.exists(config);
  // One that was killed while the menu was written has left its first part; the whole one lies beside it.
  if (keep && root.exists(kept) && !is_whole(root.read_file(config).value_or(""))) effects.rename_file(kept, config);
  if (keep) effects.copy_file(config, kept);
  try {
    const auto command = words_of(wanted.program);
    effects.run({command.begin(), command.end()}, refresh_deadline);
    if (!wanted.entries.empty()) effects.run(wanted.entries, refresh_deadline);
    if (keep) effects.flush(config);
    if (!config.empty()) effects.read_back(config, [&] { verify(root, wanted); });
  } catch (const Error&) {
    if (keep) effects.rename_file(kept, config);
    throw;
  }
  if (keep) effects.remove_file(kept);
  if (!wanted.present.empty()) return;
  for (const auto* count : names::boot_count_files)
    if (root.exists(count)) effects.remove_file(count);
}

}  // namespace hostsplit
