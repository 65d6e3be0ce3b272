#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "core/steps/step.hpp"
#include "host/effects/effects.hpp"
#include "host/system/root.hpp"

namespace hostsplit {

/// Room that is needed on the file system of a directory.
struct SpaceNeeded {
  std::string directory;  ///< below the root
  std::uint64_t bytes = 0;
  std::string what;  ///< it is needed for: "rebuild the initramfs"
};

/// Bytes that are free on the file system of a directory. \throws Error.
std::uint64_t free_space(const Root& root, const std::string& directory);

/// A new image is written beside the old one, from a tree that is several times as large as both.
/// \throws Error when the image is gone.
std::vector<SpaceNeeded> space_for_image(const Root& root, const std::string& kernel);

/// \throws Error naming the file system, what is free there and what is needed.
void require_room(const Root& root, const std::vector<SpaceNeeded>& needed);

/// To be called before the first of these steps: that each file system they write to has room, the partitions that
/// start the host among them, so that none fails when others are done. \throws Error.
void require_space(const Root& root, Effects& effects, const std::vector<Step>& steps);

}  // namespace hostsplit
