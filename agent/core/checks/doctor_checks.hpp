#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/checks/doctor.hpp"

namespace hostsplit {

/// Checks of `doctor` that have files of their own. Nobody else includes this.
using Findings = std::vector<Finding>;

/// "/etc/modprobe.d/vfio.conf:3"
std::string place(const SetupLine& line);

// doctor_modules.cpp
Findings check_modules_load(const DoctorInput& in);
Findings check_ids(const DoctorInput& in);
Findings check_blacklist(const DoctorInput& in);

// doctor_hardware.cpp
Findings check_reset(const DoctorInput& in);
Findings check_display(const DoctorInput& in);

// doctor_guests.cpp
Findings check_guests(const DoctorInput& in);
Findings check_host_pci(const DoctorInput& in);
Findings check_taken_along(const DoctorInput& in);
Findings check_hookscript(const DoctorInput& in);
Findings check_backup(const DoctorInput& in);
/// VMs that only a job for a pool may take: who is in a pool is not read.
std::vector<std::string> backups_of_pools(const DoctorInput& in);
/// Why a VM that no job takes may have a template or a backup to start again from all the same.
std::vector<std::string> hidden_bases(const DoctorInput& in);
Findings check_thin_pools(const DoctorInput& in);
Findings check_spare(const DoctorInput& in);

/// What a check could not look at, and why; by the name of the check.
std::vector<std::string> not_looked_at(std::string_view check, const DoctorInput& in);

}  // namespace hostsplit
