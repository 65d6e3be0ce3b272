#include "core/planner/recognise.hpp"

#include <algorithm>

#include "core/base/names.hpp"
#include "core/base/text.hpp"
#include "core/boot/cmdline_file.hpp"
#include "core/memory/pools.hpp"
#include "core/planner/vm_steps.hpp"
#include "core/steps/files.hpp"

namespace hostsplit {
namespace {

bool is_ours_at(const Snapshot& snapshot, const std::string& path) {
  const auto file = snapshot.boot.files.find(path);
  return file != snapshot.boot.files.end() && is_ours(file->second.content);
}

bool any_ours(const Snapshot& snapshot, std::initializer_list<const char*> paths) {
  return std::any_of(paths.begin(), paths.end(), [&](const char* path) { return is_ours_at(snapshot, path); });
}

void add_files(const Snapshot& snapshot, Baseline& baseline) {
  for (const auto& path : foreign_files()) {
    if (!is_ours_at(snapshot, path) || baseline.file(path)) continue;
    baseline.files.push_back({path, std::nullopt});
    note_written(baseline.files.back(), snapshot.boot.files.at(path).content);
  }
}

/// What hostsplit put into /etc/kernel/cmdline stands in its kernel hook as well.
void add_edits(const Snapshot& snapshot, Baseline& baseline) {
  if (baseline.file(names::kernel_cmdline) || !baseline.edits_of(names::kernel_cmdline).empty()) return;
  for (const auto* hook : {names::kernel_postinst_hook, names::kernel_postrm_hook})
    if (is_ours_at(snapshot, hook)) {
      PutIn put_in = put_in_by_hook(snapshot.boot.files.at(hook).content);
      if (!put_in.nothing()) baseline.edits.push_back(std::move(put_in));
      return;
    }
}

void add_loader(const Snapshot& snapshot, Baseline& baseline) {
  const bool touched =
      snapshot.boot.menu_has_ours || any_ours(snapshot, {names::grub_words, names::grub_entry,
                                                         names::kernel_postinst_hook, names::kernel_postrm_hook});
  if (touched && !baseline.loader) baseline.loader = LoaderTouched{};
}

/// Which images carry something only a look into them shows; the step that rebuilds one looks first.
void add_images(const Snapshot& snapshot, Baseline& baseline) {
  for (const auto& kernel : snapshot.boot.kernels)
    if (!baseline.image(kernel)) baseline.images.push_back({kernel, "", ""});
}

void add_applied(const Snapshot& snapshot, const BootPlan& applied, Baseline& baseline) {
  for (const auto& claim : present_claims(applied, snapshot))
    if (!baseline.binding(claim.function))
      baseline.bindings.push_back({claim.function, claim.address, "", std::nullopt, true});
  for (const auto& item : applied.reservations) {
    std::uint64_t others = 0;
    for (const auto& [vm, pages] : item.others) others += pages;
    if (!baseline.pool(item.node, item.page_size)) baseline.pools.push_back({item.node, item.page_size, others});
  }
}

}  // namespace

bool is_touched(const Snapshot& snapshot, const std::optional<BootPlan>& applied) {
  const auto& paths = foreign_files();
  return applied || snapshot.boot.menu_has_ours ||
         std::any_of(paths.begin(), paths.end(), [&](const auto& path) { return is_ours_at(snapshot, path); });
}

Baseline recognised(Baseline baseline, const Snapshot& snapshot, const std::optional<BootPlan>& applied, bool lost,
                    const PveConfigs* pve) {
  add_files(snapshot, baseline);
  add_edits(snapshot, baseline);
  add_loader(snapshot, baseline);
  if (!lost) return baseline;
  baseline.after_loss = true;
  if ((applied && !applied->claims.empty()) || any_ours(snapshot, {names::initramfs_hook, names::initramfs_script}))
    add_images(snapshot, baseline);
  if (applied) {
    add_applied(snapshot, *applied, baseline);
    if (!baseline.loader) baseline.loader = LoaderTouched{};  // whatever became of the files, the menu is made anew
  }
  if (pve) recognise_hooks(*pve, baseline);
  return baseline;
}

void note_present(const BootPlan& target, const Snapshot& snapshot, Baseline& baseline) {
  for (const auto& claim : present_claims(target, snapshot)) {
    const PciFunction& function = *snapshot.function(claim.address);
    if (function.driver == names::vfio_driver && !baseline.binding(claim.function))
      baseline.bindings.push_back({claim.function, claim.address, function.driver, function.driver_override});
  }
  for (const auto& item : target.reservations) {
    const PagePool* pool = pool_of(snapshot.nodes, {item.node, item.page_size});
    if (pool && !baseline.pool(item.node, item.page_size))
      baseline.pools.push_back({item.node, item.page_size, persistent(*pool)});
  }
}

}  // namespace hostsplit
