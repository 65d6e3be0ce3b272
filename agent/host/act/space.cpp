#include "host/act/space.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <chrono>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "host/system/unique_fd.hpp"

namespace hostsplit {
namespace {

constexpr std::uint64_t mib = 1 << 20;
/// Text files of hostsplit, their temporary copies and the directories they are in.
constexpr std::uint64_t for_files = mib;
/// What a file system keeps for itself when something grows.
constexpr std::uint64_t slack = 8 * mib;
/// Partitions are mounted and looked into.
constexpr std::chrono::minutes look_deadline{2};

std::string image_of(const std::string& kernel) {
  return "boot/initrd.img-" + kernel;
}

std::uint64_t size_of(const Root& root, const std::string& path) {
  struct stat now {};
  if (fstatat(root.descriptor(), path.c_str(), &now, 0) != 0) throw Error("look at", root.display(path), "it is gone");
  return static_cast<std::uint64_t>(now.st_size);
}

/// The directory itself, or the nearest above it that is there.
std::string existing(const Root& root, std::string directory) {
  while (!directory.empty() && !root.exists(directory)) {
    const auto slash = directory.rfind('/');
    directory = slash == std::string::npos ? std::string() : directory.substr(0, slash);
  }
  return directory.empty() ? "." : directory;
}

/// What one step writes, beyond the record of the baseline.
struct Needs {
  const Root& root;
  std::vector<SpaceNeeded>& needed;
  std::uint64_t& on_partitions;

  void operator()(const WriteFile& a) const { file(a.path, a.content.size()); }
  void operator()(const EditLine& a) const { file(a.puts.path, a.after.size()); }
  void operator()(const RebuildInitramfs& a) const {
    for (auto& each : space_for_image(root, a.kernel)) needed.push_back(std::move(each));
    // Copied over the old one by the hook of proxmox-boot-tool: there it may grow.
    on_partitions = std::max(on_partitions, slack) + size_of(root, image_of(a.kernel)) / 4;
  }
  void operator()(const RefreshBootLoader& a) const {
    if (!a.entries.empty()) on_partitions = std::max(on_partitions, mib);
    if (a.menu.empty() || !root.exists(a.menu)) return;
    // The new menu and a copy of the old one, while both are there.
    const auto directory = a.menu.substr(0, a.menu.rfind('/'));
    needed.push_back({directory, 3 * size_of(root, a.menu) + for_files, "refresh the boot menu"});
  }
  template <typename Other>
  void operator()(const Other&) const {}

  void file(const std::string& path, std::uint64_t size) const {
    needed.push_back({existing(root, path.substr(0, path.rfind('/'))), 2 * size + for_files, "write /" + path});
  }
};

}  // namespace

std::vector<SpaceNeeded> space_for_image(const Root& root, const std::string& kernel) {
  const std::uint64_t size = size_of(root, image_of(kernel));
  constexpr std::uint64_t unpacked = 4;
  return {{"boot", size + size / 4 + slack, "rebuild the initramfs"},
          {"var/tmp", size * unpacked + slack, "rebuild the initramfs"}};
}

std::uint64_t free_space(const Root& root, const std::string& directory) {
  const UniqueFd fd(openat(root.descriptor(), directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct statvfs found {};
  if (fd.get() < 0 || fstatvfs(fd.get(), &found) != 0)
    throw Error("look at", root.display(directory), "it cannot be read");
  return std::uint64_t{found.f_bavail} * found.f_frsize;
}

void require_room(const Root& root, const std::vector<SpaceNeeded>& needed) {
  for (const auto& each : needed) {
    const std::uint64_t there = free_space(root, each.directory);
    if (there >= each.bytes) continue;
    throw Error(each.what + " in", root.display(each.directory),
                fmt::format("{} MiB are free and {} MiB are needed", there / mib, each.bytes / mib + 1),
                each.directory.starts_with("boot") ? "Remove old kernels (apt autoremove --purge) or other files there."
                                                   : "Remove files there.");
  }
}

void require_space(const Root& root, Effects& effects, const std::vector<Step>& steps) {
  if (steps.empty()) return;
  std::uint64_t on_partitions = 0;
  std::vector<SpaceNeeded> needed{
      {existing(root, "var/lib/hostsplit"), for_files, "write the record of what was before"}};
  for (const auto& step : steps) std::visit(Needs{root, needed, on_partitions}, step.action);
  require_room(root, needed);
  const bool partitions = !root.read("etc/kernel/proxmox-boot-uuids").value_or("").empty();
  if (partitions && on_partitions != 0)
    effects.require({names::boot_entries, "check", std::to_string(on_partitions / 1024)}, look_deadline);
}

}  // namespace hostsplit
