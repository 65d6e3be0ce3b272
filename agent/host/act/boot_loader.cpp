#include "host/act/boot_loader.hpp"

#include <sstream>

#include "core/base/error.hpp"
#include "core/boot/kernel_parameters.hpp"

namespace hostsplit {
namespace {

/// It asks every disk and every kernel, and with proxmox-boot-tool writes to EFI partitions.
constexpr std::chrono::minutes refresh_deadline{5};

/// True when some entry gives that word to its kernel.
bool entry_has(const std::string& config, const std::string& wanted) {
  std::istringstream lines(config);
  for (std::string line; std::getline(lines, line);) {
    const auto words = words_of(line);
    if (!words.empty() && words.front() == "linux" && has_word(line, wanted)) return true;
  }
  return false;
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
}

}  // namespace

void refresh_boot_loader(const Root& root, Effects& effects, const RefreshBootLoader& wanted) {
  const std::string config = wanted.menu, kept = config + ".hostsplit-previous";
  const bool keep = !config.empty() && root.exists(config);
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
}

}  // namespace hostsplit
