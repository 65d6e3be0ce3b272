#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "core/planner/plan.hpp"

namespace hostsplit {

/// Where or when a step takes effect: the sections a person reads a plan in.
enum class Section { now, next_boot, proxmox };
Section section_of(const Step& step);

/// True for a step that writes or removes a whole file, which are counted only; what is edited in a file of others is
/// always shown.
bool is_file_step(const Step& step);

/// "write 3 files, remove 1 file"; empty for neither.
std::string files_text(std::size_t written, std::size_t removed);

/// The findings about what is to be changed in Proxmox VE by hand, and the others.
struct PartedFindings {
  std::vector<Finding> proxmox, others;
};
PartedFindings parted(const std::vector<Finding>& findings);

}  // namespace hostsplit
