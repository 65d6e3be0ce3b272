#include "core/boot/boot_count.hpp"

#include <fmt/format.h>

#include "core/base/names.hpp"
#include "core/base/text.hpp"

namespace hostsplit {
namespace {

constexpr std::string_view header = "# GRUB Environment Block\n", variable = "hostsplit_boots=";
constexpr std::size_t block_size = 1024;

/// What counts, by where the count is.
std::string_view boot_loader(const BootCount& count) {
  return count.path.starts_with("run/") ? "systemd-boot" : "GRUB";
}

}  // namespace

std::string boots_begun(std::string_view block) {
  if (!block.starts_with(header)) return {};
  while (!block.empty())
    if (const auto line = cut(block, '\n'); line.starts_with(variable))
      return std::string(line.substr(variable.size()));
  return {};
}

std::string no_boots_begun() {
  std::string block(header);
  block.resize(block_size, '#');
  return block;
}

bool gave_up(const Snapshot& snapshot) {
  return snapshot.boot.count && snapshot.boot.count->begun == boots_given_up;
}

std::vector<Step> start_again_steps(const Snapshot& snapshot) {
  if (!gave_up(snapshot)) return {};
  const std::string& path = snapshot.boot.count->path;
  return {{"start again", WriteFile{path, no_boots_begun(), 0644, true},
           fmt::format("{} has given up starting the host with hostsplit; from the next boot on it tries again",
                       boot_loader(*snapshot.boot.count))}};
}

std::vector<Finding> boot_count_findings(const Snapshot& snapshot) {
  if (!gave_up(snapshot)) return {};
  const std::string loader(boot_loader(*snapshot.boot.count));
  return {{"boot-loader-gave-up", Severity::error, loader,
           fmt::format("two boots in a row were not found healthy, so {} starts the host without hostsplit", loader),
           "Find out why (journalctl --list-boots, journalctl -b -1; was memory taken out?), then run hostsplit apply "
           "and reboot"}};
}

std::vector<Finding> check_boot_count(const Snapshot& snapshot) {
  const auto& boot = snapshot.boot;
  const bool entry = boot.files.contains(names::grub_entry) || boot.files.contains(names::kernel_postinst_hook);
  if (!entry || boot.count) return {};
  if (boot.proxmox_boot)
    return {{"boot-loader-cannot-count", Severity::info, "boot loader",
             "boots are counted where systemd-boot starts the newest kernel, not by GRUB of proxmox-boot-tool and not "
             "with another default entry (proxmox-boot-tool kernel pin, bootctl set-default); so a host that does not "
             "come up is not started without hostsplit by itself",
             "When it does not come up, choose the entry \"without hostsplit\" in the boot menu"}};
  return {
      {"boot-loader-cannot-count", Severity::info, "boot loader",
       "GRUB cannot write to the file system of /boot/grub, and no EFI system partition is mounted at /boot/efi, so "
       "a host that does not come up is not started without hostsplit by itself",
       "Mount the EFI system partition at /boot/efi, then run hostsplit undo and hostsplit apply; or choose the entry "
       "\"without hostsplit\" in the boot menu when it is needed"}};
}

}  // namespace hostsplit
