#pragma once
#include <string>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/state/baseline.hpp"
#include "core/state/boot_plan.hpp"
#include "core/state/config.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// The rung `boot`: a script in the initramfs that gives functions to vfio-pci before udev is started there.
struct BootRung {
  std::vector<Step> files;   ///< hook and script; or what stood there before
  std::vector<Step> images;  ///< one per initramfs image that is not as wanted
  std::vector<Finding> findings;
  bool wanted = false;  ///< early boot is to act
};

/// Steps from what is there to what `target` wants. Without claims, with another policy or without initramfs-tools
/// nothing of hostsplit is to remain: the steps then lead back to the baseline.
/// \param modprobe  what the images are to carry as modprobe.d/hostsplit.conf; empty: nothing
BootRung boot_rung(const Snapshot& snapshot, const BootPlan& target, BootPolicy policy, const Baseline& baseline,
                   const std::string& modprobe);

/// The plan as the hook puts it into an image: what identifies functions, and nothing that moves between boots, so
/// that a card more or a label renamed does not need a new image. Empty when there are no claims.
std::string image_plan(const BootPlan& plan);

/// Identifies what goes into an image: script, hook, plan, and modprobe.d/hostsplit.conf where there is one. 16 hex
/// digits; against accidents, not against malice.
std::string image_stamp(const std::string& image_plan, const std::string& modprobe);

/// The script as it must be in an image.
std::string initramfs_script();

}  // namespace hostsplit
