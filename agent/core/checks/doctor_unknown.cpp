#include <algorithm>

#include "core/checks/doctor_checks.hpp"

/// The third answer of doctor: what could not be looked at is neither fine nor a finding.
namespace hostsplit {
namespace {

using Reasons = std::vector<std::string>;

Reasons if_missing(bool missing, const char* reason) {
  return missing ? Reasons{reason} : Reasons{};
}

Reasons pve(const DoctorInput& in) {
  if (in.pve.silent) return {"/etc/pve does not answer, so nothing is known about VMs"};
  return if_missing(!in.pve.known, "/etc/pve is not there or empty, so nothing is known about VMs");
}

/// What is in use and could not be followed may be on a controller that a VM has or gets.
Reasons lifelines(const DoctorInput& in) {
  Reasons reasons = pve(in);
  for (const auto& use : in.snapshot.uses)
    if (use.lifeline && !use.unknown.empty()) reasons.push_back(use.name + ": " + use.unknown);
  if (in.snapshot.open_files_unread)
    reasons.emplace_back("only root can read what other processes have open (/proc/PID/fd)");
  return reasons;
}

Reasons cpu(const DoctorInput& in) {
  return if_missing(in.setup.cpu_flags.empty(), "/proc/cpuinfo shows no flags of the CPU");
}

Reasons kernel_parameters(const DoctorInput& in) {
  return if_missing(in.snapshot.command_line.empty(), "/proc/cmdline cannot be read");
}

Reasons modprobe(const DoctorInput& in) {
  return if_missing(!in.setup.modprobe_known, "/etc/modprobe.d is not there");
}

Reasons nodes(const DoctorInput& in) {
  return if_missing(in.snapshot.nodes.empty(), "/sys/devices/system/node shows no node");
}

Reasons remapping(const DoctorInput& in) {
  return if_missing(in.snapshot.iommu && !in.setup.remapping,
                    "/proc/interrupts shows no interrupt by message, so remapping cannot be told");
}

Reasons reset(const DoctorInput& in) {
  return if_missing(!in.setup.resets_known && !in.snapshot.controllers.empty(),
                    "no function shows reset_method: kernels before 5.15 have none, and it may not have been recorded");
}

Reasons thin(const DoctorInput& in) {
  Reasons reasons = if_missing(!in.setup.storages_known, "/etc/pve/storage.cfg cannot be read");
  for (const auto& pool : in.setup.thin_pools)
    if (pool.size == 0) reasons.push_back("the thin pool of storage " + pool.storage + " is not active");
  return reasons;
}

Reasons spare(const DoctorInput& in) {
  Reasons reasons = if_missing(!in.setup.storages_known, "/etc/pve/storage.cfg cannot be read");
  for (const auto& pool : in.setup.thin_pools)
    if (pool.disk_size == 0) reasons.push_back("storage " + pool.storage + " is not on exactly one disk");
  return reasons;
}

Reasons backup(const DoctorInput& in) {
  if (!in.pve.known) return pve(in);
  Reasons reasons = in.setup.jobs_known ? backups_of_pools(in) : Reasons{"/etc/pve/jobs.cfg cannot be read"};
  for (auto& reason : hidden_bases(in)) reasons.push_back(std::move(reason));
  return reasons;
}

constexpr struct {
  std::string_view check;
  Reasons (*reasons)(const DoctorInput&);
} all[] = {{"virtualization", cpu},
           {"remapping", remapping},
           {"numa", nodes},
           {"page-size", cpu},
           {"command-line", kernel_parameters},
           {"boot-pages", kernel_parameters},
           {"ids", modprobe},
           {"blacklist", modprobe},
           {"reset", reset},
           {"pools", nodes},
           {"guests", pve},
           {"host-pci", lifelines},
           {"groups", pve},
           {"hook", pve},
           {"backup", backup},
           {"thin-pool", thin},
           {"spare", spare}};

}  // namespace

std::vector<std::string> not_looked_at(std::string_view check, const DoctorInput& in) {
  for (const auto& each : all)
    if (each.check == check) return each.reasons(in);
  return {};
}

}  // namespace hostsplit
