#include "core/boot/initramfs.hpp"

#include <fmt/format.h>

#include <fmt/ranges.h>
#include <algorithm>
#include <set>

#include "boot_texts.hpp"
#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/boot_count.hpp"
#include "core/boot/boot_loader.hpp"
#include "core/boot/modprobe_conf.hpp"
#include "core/steps/files.hpp"

namespace hostsplit {
namespace {

constexpr unsigned executable = 0755;

std::vector<Step> image_steps(const Snapshot& snapshot, const Baseline& baseline, const std::string& plan,
                              const std::string& modprobe) {
  const std::string stamp = plan.empty() ? "" : image_stamp(plan, modprobe);
  const std::string reason = plan.empty()
                                 ? "no function is to be taken at boot any more"
                                 : "so that vfio-pci has the functions before the host's driver is loaded at boot";
  std::vector<Step> steps;
  for (const auto& kernel : snapshot.boot.kernels) {
    const ImageTouched* touched = baseline.image(kernel);
    const bool as_wanted = touched && touched->stamp == stamp && !gave_up(snapshot);
    if (plan.empty() ? !touched : as_wanted) continue;
    // Of the running kernel it is known that the host comes up with it.
    const bool entry = snapshot.boot.proxmox_boot ? maybe_systemd_boot(snapshot.boot) : snapshot.boot.grub;
    const bool keep = entry && kernel == snapshot.kernel && !plan.empty();
    steps.push_back({"rebuild " + kernel, RebuildInitramfs{kernel, plan, stamp, modprobe, keep}, reason});
  }
  return steps;
}

std::optional<Finding> why_not_early(const Snapshot& snapshot, const BootPlan& target) {
  if (!snapshot.boot.initramfs_tools || snapshot.boot.kernels.empty())
    return Finding{"boot-rung-missing", Severity::warning, "initramfs",
                   snapshot.boot.dracut
                       ? "the images of this host are made by dracut, for which there is no script: nothing can be "
                         "enforced before drivers are loaded, and the service moves the controllers after the host's "
                         "driver had them"
                   : snapshot.boot.initramfs_tools
                       ? "there is no initramfs image in /boot, so nothing can be enforced before drivers are loaded"
                       : "this host has no initramfs-tools, so nothing can be enforced before drivers are loaded: the "
                         "service moves the controllers after the host's driver had them",
                   "Install initramfs-tools, or write boot = \"service\" under [enforce] to leave it to the service"};
  std::set<std::string> builtin;
  for (const auto& claim : target.claims)
    if (const auto kind = controller_kind(claim.function.pci_class))
      for (auto& module : builtin_drivers(snapshot, *kind)) builtin.insert(std::move(module));
  if (!builtin.empty())
    return Finding{
        builtin.count("xhci_pci") ? "xhci-builtin" : "driver-builtin", Severity::info, "kernel " + snapshot.kernel,
        fmt::format("{} {} built in, so the host's driver has every such controller before anything else can "
                    "run; the service moves them when it starts",
                    fmt::join(builtin, ", "), builtin.size() == 1 ? "is" : "are"),
        ""};
  return std::nullopt;
}

}  // namespace

std::string image_plan(const BootPlan& plan) {
  if (plan.claims.empty()) return {};
  std::vector<std::string> lines;
  for (const auto& claim : plan.claims) {
    const auto& [root, chain, ids, pci_class] = claim.function;
    lines.push_back(fmt::format("bind root={} chain={} ids={} subsystem={} class={} vm={}\n", root, to_string(chain),
                                id_pair(ids.vendor, ids.device), id_pair(ids.subsystem_vendor, ids.subsystem_device),
                                class_text(pci_class), claim.vm));
  }
  std::sort(lines.begin(), lines.end());
  std::string text = "version 1\n";
  for (const auto& line : lines) text += line;
  return text;
}

std::string image_stamp(const std::string& image_plan, const std::string& modprobe) {
  std::vector<std::string_view> all{texts::initramfs_hook, texts::initramfs_script, image_plan};
  if (!modprobe.empty()) all.push_back(modprobe);
  return stamp_of(all);
}

std::string initramfs_script() {
  return std::string(texts::initramfs_script);
}

BootRung boot_rung(const Snapshot& snapshot, const BootPlan& target, BootPolicy policy, const Baseline& baseline,
                   const std::string& modprobe) {
  BootRung rung;
  const bool asked = policy == BootPolicy::initramfs && !target.claims.empty();
  if (asked)
    if (auto finding = why_not_early(snapshot, target)) rung.findings.push_back(std::move(*finding));
  const bool wanted = asked && snapshot.boot.initramfs_tools && !snapshot.boot.kernels.empty();
  rung.wanted = wanted;
  if (wanted) {
    want_file(snapshot, names::initramfs_hook, {std::string(texts::initramfs_hook), executable},
              "it puts the plan and vfio-pci into the initramfs", rung.files);
    want_file(snapshot, names::initramfs_script, {std::string(texts::initramfs_script), executable},
              "it gives the functions to vfio-pci before udev starts in the initramfs", rung.files);
  } else {
    restore_file(snapshot, baseline, names::initramfs_script, rung.files);
    restore_file(snapshot, baseline, names::initramfs_hook, rung.files);
  }
  rung.images =
      image_steps(snapshot, baseline, wanted ? image_plan(target) : std::string(), wanted ? modprobe : std::string());
  return rung;
}

}  // namespace hostsplit
