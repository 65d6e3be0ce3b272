#include <algorithm>
#include <string_view>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/boot_count.hpp"
#include "core/memory/page_source.hpp"
#include "core/steps/files.hpp"
#include "host/inventory/parts.hpp"

/// What the machine boots with: kernels with their initramfs, and the files hostsplit may have a hand in.
namespace hostsplit::inventory_parts {
namespace {

/// Byte for byte, because it is compared with what is wanted. What cannot be read counts as not there.
std::optional<std::string> exact_content(const Root& root, const std::string& path) {
  try {
    return root.read_file(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

/// "CODE ADDRESS: detail", or "ADDRESS detail" of a script before there were codes.
EarlyLeft parse_left(std::string_view text) {
  const auto first = text.substr(0, text.find(' '));
  if (parse_pci_address(first) || first == "the") return {{}, {}, std::string(text)};
  text.remove_prefix(std::min(first.size() + 1, text.size()));
  const auto colon = text.find(": ");
  if (colon == std::string_view::npos) return {std::string(first), std::string(text), {}};
  return {std::string(first), std::string(text.substr(0, colon)), std::string(text.substr(colon + 2))};
}

/// Each line is a word and what belongs to it; written by config/initramfs/init-top.
std::optional<EarlyNotes> read_early_notes(const Root& root) {
  const auto text = root.read(names::early_notes_file);
  if (!text) return std::nullopt;
  EarlyNotes notes;
  notes.plan = exact_content(root, names::early_plan_file).value_or("");
  for (const auto line : split(*text, '\n')) {
    const auto blank = line.find(' ');
    const auto word = line.substr(0, blank);
    const auto rest = blank == std::string_view::npos ? std::string_view() : line.substr(blank + 1);
    if (word == "off") notes.off = true;
    if (word == "bound") notes.bound.emplace_back(rest.substr(0, rest.find(' ')));
    if (word == "left") notes.left.push_back(parse_left(rest));
    if (word == "took") notes.took_ms = to_number<unsigned>(rest);
  }
  return notes;
}

/// Each line is an address and a driver. Whoever looked later saw more: coldplug may have gone on between the two.
void read_first_look(const Root& root, const char* file, std::map<PciAddress, std::string>& drivers) {
  const auto text = root.read(file).value_or("");
  for (const auto line : split(text, '\n')) {
    const auto blank = std::min(line.find(' '), line.size());
    const auto address = parse_pci_address(line.substr(0, blank));
    if (!address) continue;
    const auto driver = line.substr(std::min(blank + 1, line.size()));
    auto& known = drivers[*address];
    if (known.empty() || known == names::vfio_driver) known = driver;
  }
}

void read_grub_settings(const Root& root, BootTools& boot) {
  const auto add = [&](const std::string& path) {
    if (auto content = exact_content(root, path)) boot.grub_settings.push_back({path, std::move(*content)});
  };
  const std::string directory = "etc/default/grub.d";
  add("etc/default/grub");
  auto names = root.list(directory);
  std::sort(names.begin(), names.end());
  for (const auto& name : names)
    if (is_visible(name, ".cfg")) add(directory + "/" + name);
}

/// 42_hostsplit keeps one of them at most, and none where boot-entries has a note.
std::optional<BootCount> read_count(const Root& root) {
  for (const auto* path : names::boot_count_files)
    if (const auto block = exact_content(root, path)) return BootCount{path, boots_begun(*block)};
  return std::nullopt;
}

}  // namespace

bool uses_initramfs_tools(const Root& root) {
  return root.exists("usr/sbin/update-initramfs") && root.exists("etc/initramfs-tools/hooks");
}

bool uses_dracut(const Root& root) {
  return !uses_initramfs_tools(root) && (root.exists("usr/bin/dracut") || root.exists("usr/sbin/dracut"));
}

void read_boot_tools(const Root& root, Snapshot& snapshot) {
  auto& boot = snapshot.boot;
  boot.initramfs_tools = uses_initramfs_tools(root);
  boot.dracut = uses_dracut(root);
  boot.grub = root.exists("usr/sbin/update-grub") && root.exists("etc/default/grub");
  boot.proxmox_boot = !root.read("etc/kernel/proxmox-boot-uuids").value_or("").empty();
  if (boot.grub) read_grub_settings(root, boot);
  boot.count = read_count(root);
  // What lies in /boot is not what starts the host where proxmox-boot-tool has partitions for that.
  if (boot.grub && !boot.proxmox_boot)
    boot.menu_has_ours =
        exact_content(root, names::grub_config).value_or("").find("without hostsplit:") != std::string::npos;
  boot.efi = root.exists("sys/firmware/efi");
  boot.dmar = root.exists("sys/firmware/acpi/tables/DMAR");
  boot.early = read_early_notes(root);
  // Not /boot/config-<release>: that is a quarter of a megabyte at every look.
  boot.build = parse_kernel_build(root.read("proc/meminfo").value_or(""));
  for (const auto* file : {names::first_look_early, names::first_look_service})
    read_first_look(root, file, boot.first_drivers);
  constexpr std::string_view image = "initrd.img-";
  for (const auto& name : root.list("boot")) {
    // Copies and half-written images lie beside the real ones; only those have modules of the same name.
    if (!name.starts_with(image) || name.size() == image.size()) continue;
    auto kernel = name.substr(image.size());
    if (root.exists("lib/modules/" + kernel + "/modules.dep")) boot.kernels.push_back(std::move(kernel));
  }
  auto paths = foreign_files();
  paths.emplace_back(names::config_file);
  for (const auto& path : paths)
    if (const auto content = exact_content(root, path)) boot.files[path] = {*content, root.mode(path).value_or(0644)};
}

}  // namespace hostsplit::inventory_parts
