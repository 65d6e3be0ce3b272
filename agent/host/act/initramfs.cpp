#include "host/act/initramfs.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <sstream>

#include "core/base/error.hpp"
#include "core/base/names.hpp"
#include "core/boot/initramfs.hpp"
#include "core/boot/modprobe_conf.hpp"
#include "host/act/image_archive.hpp"
#include "host/act/space.hpp"

namespace hostsplit {
namespace {

/// Slow disks, many modules, a busy machine: it has an end, that is all.
constexpr std::chrono::minutes build_deadline{20};

constexpr auto script_in_image = "scripts/init-top/hostsplit";
constexpr auto order_in_image = "scripts/init-top/ORDER";

std::string image_path(const std::string& kernel) {
  return "boot/initrd.img-" + kernel;
}
/// GRUB and proxmox-boot-tool look for exact names: this one is nobody's.
constexpr std::string_view kept_suffix = ".hostsplit-previous";
std::string kept_path(const std::string& kernel) {
  return image_path(kernel).append(kept_suffix);
}

/// What the menu entry without hostsplit starts with (config/grub/42_hostsplit): the image as it was before hostsplit.
std::string off_path(const std::string& kernel) {
  return image_path(kernel) + ".hostsplit-off";
}

/// Line of ORDER that starts a script; 0 when none does.
std::size_t position(const std::string& order, const std::string& script) {
  std::istringstream lines(order);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with("/scripts/init-top/" + script + " ")) return number;
  }
  return 0;
}

bool has_vfio(const Root& root, const ImageContent& image, const std::string& kernel) {
  const auto named = [](const std::string& name) { return name.find("/vfio-pci.ko") != std::string::npos; };
  if (std::any_of(image.names.begin(), image.names.end(), named)) return true;
  return root.read("lib/modules/" + kernel + "/modules.builtin").value_or("").find("/vfio-pci.ko") != std::string::npos;
}

std::string difference(const Root& root, const ImageContent& image, const RebuildInitramfs& wanted) {
  const auto content = [&](const std::string& name) {
    const auto found = image.content.find(name);
    return found == image.content.end() ? std::string() : found->second;
  };
  const std::string script = content(script_in_image), plan = content(names::boot_plan_file);
  const std::string modprobe = content(names::modprobe_conf);
  // A file of that name may have stood there before hostsplit.
  const bool of_rung = is_modprobe_conf(modprobe);
  if (wanted.plan.empty()) return script.empty() && plan.empty() && !of_rung ? "" : "hostsplit is still in it";
  if (script != initramfs_script()) return script.empty() ? "the script is not in it" : "an older script is in it";
  if (plan != wanted.plan) return plan.empty() ? "the plan is not in it" : "another plan is in it";
  if (wanted.modprobe.empty() ? of_rung : modprobe != wanted.modprobe)
    return "modprobe.d/hostsplit.conf in it is not the one of the rung";
  if (!has_vfio(root, image, wanted.kernel)) return "the module vfio-pci is not in it";
  const std::string order = content(order_in_image);
  const auto ours = position(order, "hostsplit"), udev = position(order, "udev");
  if (ours == 0) return "the script is in it, but is not run";
  if (udev != 0 && udev < ours) return "the script runs after udev, which is too late";
  return "";
}

/// What cannot be read, because somebody else has put it together in another way, is not as wanted.
bool is_as_wanted(const Root& root, const RebuildInitramfs& wanted) {
  try {
    return image_difference(root, wanted).empty();
  } catch (const Error&) {
    return false;
  }
}

void verify(const Root& root, const RebuildInitramfs& wanted) {
  const std::string wrong = image_difference(root, wanted);
  if (!wrong.empty())
    throw Error("rebuild", root.display(image_path(wanted.kernel)),
                "update-initramfs ended without an error, but " + wrong,
                "Check whether update_initramfs=no is set in /etc/initramfs-tools/update-initramfs.conf, and whether "
                "/boot is mounted writable.");
}

bool knows_hostsplit(const Root& root, const std::string& image) {
  const auto content = read_image(root, image, {script_in_image, names::boot_plan_file}).content;
  return content.contains(script_in_image) || content.contains(names::boot_plan_file);
}

/// There has to be room for a new kernel and its image afterwards.
bool has_room_to_keep(const Root& root, const std::string& image) {
  struct stat now {};
  constexpr std::uint64_t kernel = 32 << 20;
  return fstatat(root.descriptor(), image.c_str(), &now, 0) == 0 &&
         free_space(root, "boot") >= 2 * static_cast<std::uint64_t>(now.st_size) + kernel;
}

/// \param kept  the image that was replaced
void keep_image_without(const Root& root, Effects& effects, const RebuildInitramfs& wanted, const std::string& kept) {
  const std::string off = off_path(wanted.kernel);
  bool keep = false;
  effects.read_back(kept, [&] {
    keep = wanted.keep_without && !root.exists(off) && !knows_hostsplit(root, kept) && has_room_to_keep(root, kept);
  });
  if (keep)
    effects.rename_file(kept, off);
  else
    effects.remove_file(kept);
}

void forget_image_without(const Root& root, Effects& effects, const RebuildInitramfs& wanted) {
  if (const auto off = off_path(wanted.kernel); wanted.plan.empty() && root.exists(off)) effects.remove_file(off);
}

}  // namespace

std::string image_difference(const Root& root, const RebuildInitramfs& wanted) {
  const ImageContent image = read_image(root, image_path(wanted.kernel),
                                        {script_in_image, order_in_image, names::boot_plan_file, names::modprobe_conf});
  return difference(root, image, wanted);
}

namespace {

/// Copies whose image is gone: whoever made them was killed, and the kernel has been removed since.
void remove_orphans(const Root& root, Effects& effects) {
  for (const auto& name : root.list("boot"))
    if (name.starts_with("initrd.img-") && name.ends_with(kept_suffix) &&
        !root.exists("boot/" + name.substr(0, name.size() - kept_suffix.size())))
      effects.remove_file("boot/" + name);
}

}  // namespace

std::string rebuild_initramfs(const Root& root, Effects& effects, const RebuildInitramfs& wanted) {
  const std::string image = image_path(wanted.kernel), kept = kept_path(wanted.kernel);
  bool as_wanted = false;
  effects.read_back(image, [&] { as_wanted = is_as_wanted(root, wanted); });
  forget_image_without(root, effects, wanted);
  remove_orphans(root, effects);
  if (as_wanted) {
    if (root.exists(kept)) effects.remove_file(kept);  // left by one that was killed
    return "it was as wanted already";
  }
  require_room(root, space_for_image(root, wanted.kernel));
  effects.keep_file(image, kept);
  try {
    effects.run({"update-initramfs", "-u", "-k", wanted.kernel}, build_deadline);
    effects.flush(image);
    effects.read_back(image, [&] { verify(root, wanted); });
  } catch (const Error&) {
    effects.rename_file(kept, image);
    throw;
  }
  keep_image_without(root, effects, wanted, kept);
  return {};
}

}  // namespace hostsplit
