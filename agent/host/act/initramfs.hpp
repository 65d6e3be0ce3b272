#pragma once
#include <string>

#include "core/steps/step.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Why an image is not as wanted; empty when it is: script, plan and vfio-pci are in it, and the script runs before
/// udev. With an empty plan: neither script nor plan is in it.
/// \throws Error when the image cannot be read.
std::string image_difference(const Root& root, const RebuildInitramfs& wanted);

/// Brings one image to what is wanted: looks into it, checks that there is room, keeps the old one, runs
/// update-initramfs (whose exit code says little: update-initramfs(8)), looks into the new one, and puts the old one
/// back if that is not as wanted. Takes about a minute.
/// \return what was done in words, empty when an image was built.
/// \throws Error when it could not be brought there; the old image is then in its place.
std::string rebuild_initramfs(const Root& root, Effects& effects, const RebuildInitramfs& wanted);

}  // namespace hostsplit
