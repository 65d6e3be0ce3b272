#include "core/boot_rung.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "boot_texts.hpp"
#include "core/names.hpp"

namespace hostsplit {
namespace {

constexpr unsigned executable = 0755;

/// FNV-1a, 64 bits (draft-eastlake-fnv): stable over processes and versions, which std::hash is not.
std::uint64_t fnv1a(std::string_view text, std::uint64_t hash) {
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3ULL;
  return hash;
}

Step write_step(const std::string& path, std::string_view content, unsigned mode, std::string reason) {
  return {"write " + path, WriteFile{path, std::string(content), mode}, std::move(reason)};
}

/// Nothing, if the file is as wanted.
void want_file(const Snapshot& snapshot, const std::string& path, std::string_view content, const std::string& reason,
               std::vector<Step>& steps) {
  const auto now = snapshot.boot.files.find(path);
  if (now != snapshot.boot.files.end() && now->second == FileNow{std::string(content), executable}) return;
  steps.push_back(write_step(path, content, executable, reason));
}

/// Back to how it was before hostsplit; nothing, if hostsplit never touched it.
void restore_file(const Snapshot& snapshot, const Baseline& baseline, const std::string& path,
                  std::vector<Step>& steps) {
  const FileBefore* before = baseline.file(path);
  if (!before) return;
  const auto now = snapshot.boot.files.find(path);
  const bool there = now != snapshot.boot.files.end();
  if (!before->file && there)
    steps.push_back({"remove " + path, RemoveFile{path}, "it was not there before hostsplit"});
  if (before->file && (!there || now->second != *before->file))
    steps.push_back(write_step(path, before->file->content, before->file->mode, "it was like this before hostsplit"));
}

std::vector<Step> image_steps(const Snapshot& snapshot, const Baseline& baseline, const std::string& plan) {
  const std::string stamp = plan.empty() ? "" : image_stamp(plan);
  const std::string reason =
      plan.empty() ? "no function is to be taken at boot any more"
                   : "so that vfio-pci has the functions before the host's driver is loaded at boot";
  std::vector<Step> steps;
  for (const auto& kernel : snapshot.boot.kernels) {
    const ImageTouched* touched = baseline.image(kernel);
    if (plan.empty() ? !touched : touched && touched->stamp == stamp) continue;
    steps.push_back({"rebuild " + kernel, RebuildInitramfs{kernel, plan, stamp}, reason});
  }
  return steps;
}

std::optional<Finding> why_not_early(const Snapshot& snapshot, const BootPlan& target) {
  if (!snapshot.boot.initramfs_tools || snapshot.boot.kernels.empty())
    return Finding{"boot-rung-missing", Severity::warning, "initramfs",
                   snapshot.boot.initramfs_tools
                       ? "there is no initramfs image in /boot, so nothing can be enforced before drivers are loaded"
                       : "this host has no initramfs-tools, so nothing can be enforced before drivers are loaded: the "
                         "service moves the controllers after the host's driver had them",
                   "Install initramfs-tools, or write boot = \"service\" under [enforce] to leave it to the service"};
  const bool builtin = snapshot.builtin_modules.count("xhci_pci") != 0;
  const bool wanted = std::any_of(target.claims.begin(), target.claims.end(), [](const Claim& claim) {
    return controller_kind(claim.function.pci_class) == ControllerKind::xhci;
  });
  if (builtin && wanted)
    return Finding{"xhci-builtin", Severity::info, "kernel " + snapshot.kernel,
                   "xhci is built in, so it has every controller before anything else can run; the service moves them "
                   "when it starts",
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

std::string image_stamp(const std::string& image_plan) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const auto& part : {texts::initramfs_hook, texts::initramfs_script, std::string_view(image_plan)}) {
    hash = fnv1a(part, hash);
    hash = fnv1a(std::string_view("\0", 1), hash);
  }
  return fmt::format("{:016x}", hash);
}

std::string initramfs_script() {
  return std::string(texts::initramfs_script);
}

const std::vector<std::string>& foreign_files() {
  static const std::vector<std::string> paths{names::initramfs_hook, names::initramfs_script};
  return paths;
}

bool is_foreign(const std::string& path) {
  for (const auto* own : {"etc/hostsplit/", "var/lib/hostsplit/", "run/hostsplit/"})
    if (path.starts_with(own)) return false;
  return true;
}

BootRung boot_rung(const Snapshot& snapshot, const BootPlan& target, BootPolicy policy, const Baseline& baseline) {
  BootRung rung;
  const bool asked = policy == BootPolicy::initramfs && !target.claims.empty();
  if (asked)
    if (auto finding = why_not_early(snapshot, target)) rung.findings.push_back(std::move(*finding));
  const bool wanted = asked && snapshot.boot.initramfs_tools && !snapshot.boot.kernels.empty();
  if (wanted) {
    want_file(snapshot, names::initramfs_hook, texts::initramfs_hook,
              "it puts the plan and vfio-pci into the initramfs", rung.files);
    want_file(snapshot, names::initramfs_script, texts::initramfs_script,
              "it gives the functions to vfio-pci before udev starts in the initramfs", rung.files);
  } else {
    restore_file(snapshot, baseline, names::initramfs_script, rung.files);
    restore_file(snapshot, baseline, names::initramfs_hook, rung.files);
  }
  rung.images = image_steps(snapshot, baseline, wanted ? image_plan(target) : std::string());
  return rung;
}

}  // namespace hostsplit
