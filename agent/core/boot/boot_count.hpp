#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/machine/snapshot.hpp"
#include "core/steps/step.hpp"

namespace hostsplit {

/// What the boot loader counts before any program of the host runs: boots that were begun. The daemon sets the count
/// back when the host is healthy; after two that were not, the boot loader starts the entry without hostsplit by
/// itself, and does so until `apply` is run. Where there is a count: config/grub/42_hostsplit,
/// config/systemd-boot/boot-entries. core/boot/boot_health.hpp counts the boots that get as far as hostsplit's own
/// units.

inline constexpr std::string_view boots_given_up = "given-up";

/// The count in a file of GRUB, or in the note about systemd-boot, which is like it ("Environment block" in its manual:
/// lines `name=value`, filled up with `#`). \return "" when nothing is counted, or when it is not such a file
std::string boots_begun(std::string_view block);
/// Such a file of 1024 bytes in which nothing is counted.
std::string no_boots_begun();

bool gave_up(const Snapshot& snapshot);
/// The step by which `apply` has hostsplit started again; none when the boot loader has not given up.
std::vector<Step> start_again_steps(const Snapshot& snapshot);
/// `boot-loader-gave-up`, for every verb.
std::vector<Finding> boot_count_findings(const Snapshot& snapshot);
/// `boot-loader-cannot-count`: the menu has an entry without hostsplit which nobody starts by itself.
std::vector<Finding> check_boot_count(const Snapshot& snapshot);

}  // namespace hostsplit
