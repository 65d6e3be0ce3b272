#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "core/base/names.hpp"
#include "core/boot/initramfs.hpp"
#include "support/fake_host.hpp"

/// What the machine boots with.
namespace hostsplit::testing {
namespace fs = std::filesystem;
namespace {

/// One file of a cpio archive of the "newc" form.
std::string entry(const std::string& name, const std::string& content) {
  std::string text = "070701";
  const auto size = static_cast<unsigned>(content.size()), name_size = static_cast<unsigned>(name.size() + 1);
  for (const unsigned field : {1u, 0100755u, 0u, 0u, 1u, 0u, size, 0u, 0u, 0u, 0u, name_size, 0u})
    text += fmt::format("{:08X}", field);
  const auto pad = [&text] { text.append((4 - text.size() % 4) % 4, '\0'); };
  text += name + '\0';
  pad();
  text += content;
  pad();
  return text;
}

}  // namespace

void FakeHost::add_initramfs_tools() {
  set_file("usr/sbin/update-initramfs", "#!/bin/sh\n");
  fs::create_directories(path("etc/initramfs-tools/hooks"));
  fs::create_directories(path("etc/initramfs-tools/scripts/init-top"));
  fs::create_directories(path("var/tmp"));
  auto release = file("proc/sys/kernel/osrelease");
  release.pop_back();
  add_kernel(release);
}

void FakeHost::add_grub(const std::string& words) {
  can_grub_write("ext2");
  set_file("usr/sbin/update-grub", "#!/bin/sh\n");
  set_file("etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"" + words + "\"\n");
  set_file("etc/grub.d/10_linux", "#!/bin/sh\necho \"  linux /vmlinuz $GRUB_CMDLINE_LINUX_DEFAULT\"\n");
  fs::permissions(path("etc/grub.d/10_linux"), fs::perms::owner_all);
  build_grub_config();
}

void FakeHost::can_grub_write(const std::string& file_system, const std::string& abstraction) {
  set_file("usr/bin/grub-probe",
           "#!/bin/sh\ncase $1 in *=fs) echo " + file_system + " ;; *) echo " + abstraction + " ;; esac\n");
  set_file("usr/bin/grub-editenv",
           "#!/bin/sh\n{ echo '# GRUB Environment Block'; printf '%0999d' 0 | tr 0 '#'; } >\"$1\"\n");
  for (const auto* tool : {"usr/bin/grub-probe", "usr/bin/grub-editenv"})
    fs::permissions(path(tool), fs::perms::owner_all);
}

void FakeHost::build_grub_config() {
  // Settings and scripts are run as the real program runs them, with /etc below this directory.
  const std::string command =
      "cd " + directory_ +
      " && mkdir -p boot/grub && (set -a; . etc/default/grub; for f in etc/default/grub.d/*.cfg; do "
      "[ ! -e $f ] || . ./$f; done; sh etc/grub.d/10_linux; [ ! -e etc/grub.d/42_hostsplit ] || "
      "sed 's|/etc/grub.d|" +
      directory_ + "/etc/grub.d|; s|/boot/|" + directory_ + "/boot/|g; s|/etc/kernel/|" + directory_ +
      "/etc/kernel/|' etc/grub.d/42_hostsplit | PATH=" + directory_ + "/usr/bin:$PATH sh) > boot/grub/grub.cfg";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("update-grub");
}

void FakeHost::add_kernel(const std::string& release) {
  set_file("lib/modules/" + release + "/modules.dep", "");
  build_image(release);
}

void FakeHost::build_image(const std::string& release) {
  std::string image = entry("kernel/x86/microcode", "microcode") + entry("TRAILER!!!", "") + std::string(512, '\0');
  std::string order = "/scripts/init-top/all_generic_ide \"$@\"\n";
  if (fs::exists(path(names::initramfs_script))) {
    image += entry("./scripts/init-top/hostsplit", file(names::initramfs_script));
    order += "/scripts/init-top/hostsplit \"$@\"\n";
  }
  image += entry("./scripts/init-top/ORDER", order + "/scripts/init-top/udev \"$@\"\n");
  if (fs::exists(path(names::initramfs_hook)) && fs::exists(path(names::boot_plan_file))) {
    const auto plan = image_plan(parse_boot_plan(file(names::boot_plan_file), "plan"));
    if (!plan.empty()) {
      image += entry("./etc/hostsplit/boot/plan", plan);
      image += entry("./usr/lib/modules/" + release + "/kernel/drivers/vfio/pci/vfio-pci.ko.xz", "module");
    }
  }
  if (fs::exists(path(names::modprobe_conf)))
    image += entry("./etc/modprobe.d/hostsplit.conf", file(names::modprobe_conf));
  set_file("boot/initrd.img-" + release, image + entry("TRAILER!!!", ""));
}

}  // namespace hostsplit::testing
