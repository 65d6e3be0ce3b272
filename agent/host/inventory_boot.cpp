#include <string_view>

#include "core/boot_rung.hpp"
#include "host/inventory_parts.hpp"

/// What the machine boots with: kernels with their initramfs, and the files hostsplit may have a hand in.
namespace hostsplit::inventory_parts {

void read_boot_tools(const Root& root, Snapshot& snapshot) {
  auto& boot = snapshot.boot;
  boot.initramfs_tools = root.exists("usr/sbin/update-initramfs") && root.exists("etc/initramfs-tools/hooks");
  constexpr std::string_view image = "initrd.img-";
  for (const auto& name : root.list("boot")) {
    // Copies and half-written images lie beside the real ones; only those have modules of the same name.
    if (!name.starts_with(image) || name.size() == image.size()) continue;
    auto kernel = name.substr(image.size());
    if (root.exists("lib/modules/" + kernel + "/modules.dep")) boot.kernels.push_back(std::move(kernel));
  }
  for (const auto& path : foreign_files())
    if (const auto content = root.read_file(path)) boot.files[path] = {*content, root.mode(path).value_or(0644)};
}

}  // namespace hostsplit::inventory_parts
