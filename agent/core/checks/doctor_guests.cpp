#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/checks/doctor_checks.hpp"
#include "core/checks/host_pci.hpp"
#include "core/checks/pve_lint.hpp"
#include "core/memory/pools.hpp"
#include "core/usb/guards.hpp"
#include "core/usb/guest_takes.hpp"

/// What doctor says about guests of Proxmox VE.
namespace hostsplit {
Findings check_guests(const DoctorInput& in) {
  if (!in.config) return in.pve.findings;
  const auto reserved = with_others(wanted_pages(*in.config), *in.config, in.snapshot, in.applied);
  return lint_pve(in.pve, *in.config, in.snapshot, reserved);
}

namespace {

/// By the configuration, and when the plan was applied.
std::vector<std::string> given_up_by_wish(const DoctorInput& in) {
  auto names = in.applied ? in.applied->may_lose : std::vector<std::string>{};
  if (in.config)
    for (const auto& name : in.config->may_lose) names.push_back(name.text);
  return names;
}

}  // namespace

Findings check_host_pci(const DoctorInput& in) {
  return lint_host_pci({in.pve, in.snapshot, in.claims, in.applied, given_up_by_wish(in)});
}

namespace {

/// By function, what the host must not lose and does when all of these leave.
std::map<PciAddress, std::string> lost_with(const DoctorInput& in, int vm, const std::set<PciAddress>& group) {
  Departure departure{group};
  for (const auto& address : group) departure.to[address] = vm;
  departure.may_lose = given_up_by_wish(in);
  std::map<PciAddress, std::string> lost;
  for (const auto& finding : losses(in.snapshot, departure))
    if (const auto at = parse_pci_address(finding.subject); at && finding.severity == Severity::error)
      lost.try_emplace(*at, finding.message);
  for (const auto& address : group)
    if (const HostUse* use = lost.count(address) ? nullptr : lifeline_on(in.snapshot, address); use && use->guest != vm)
      lost[address] = use_text(*use);
  return lost;
}

/// All that the VM's lines, mappings followed, and its args name to be its own.
std::set<PciAddress> named_by_vm(const DoctorInput& in, const PveVm& vm) {
  auto named = named_by(line_of_arguments(vm.args), in.pve, in.snapshot);
  for (const auto& line : vm.host_pci)
    if (binds_to_vfio(line)) named.merge(named_by(line, in.pve, in.snapshot));
  return named;
}

/// Proxmox VE gives every other member of a group to vfio-pci as well, without asking (PVE::SysFSTools). What is named
/// is no surprise: it is told only where it is lost with the others and would not be alone, which no line shows.
void taken_along(const DoctorInput& in, const PveVm& vm, const PciFunction& function, const std::set<PciAddress>& named,
                 Findings& findings) {
  std::set<PciAddress> along;
  for (const auto& address : taken_along_with(function, in.snapshot))
    if (!leaves_group_viable(in.snapshot.function(address)->driver)) along.insert(address);
  auto group = along;
  if (!is_vfio_driver(function.driver)) group.insert(function.address);
  const auto lost = lost_with(in, vm.id, group);
  for (const auto& address : along) {
    const auto why = lost.find(address);
    const bool error = why != lost.end();
    if (named.count(address) && (!error || lost_with(in, vm.id, {address}).count(address))) continue;
    findings.push_back({"pve-takes-along", error ? Severity::error : Severity::warning, fmt::format("VM {}", vm.id),
                        fmt::format("its start takes {} from {} too, which shares group {} with {}{}",
                                    to_string(address), in.snapshot.function(address)->driver, *function.group,
                                    to_string(function.address), error ? "; " + why->second : ""),
                        error ? "Take that hostpci line out of the VM" : "See that the host can do without it"});
  }
}

}  // namespace

Findings check_taken_along(const DoctorInput& in) {
  Findings findings;
  for (const auto& [id, now] : in.pve.vms) {
    const PveVm& vm = *in.pve.next_start(id);
    if (vm.is_template) continue;
    const auto named = named_by_vm(in, vm);
    std::set<int> seen;
    for (const auto& line : vm.host_pci) {
      if (!binds_to_vfio(line)) continue;
      for (const auto& address : named_by(line, in.pve, in.snapshot)) {
        const PciFunction& function = *in.snapshot.function(address);
        if (function.group && seen.insert(*function.group).second) taken_along(in, vm, function, named, findings);
      }
    }
  }
  return findings;
}

Findings check_hookscript(const DoctorInput& in) {
  Findings findings;
  if (!in.config || !in.pve.known) return findings;
  for (const auto& [id, wish] : in.config->vms)
    if (const PveVm* vm = in.pve.next_start(id); vm && vm->hookscript.find("hostsplit") == std::string::npos)
      findings.push_back({"pve-no-hook", Severity::info, fmt::format("VM {}", id),
                          "nothing holds its start back when its controllers or pages are not ready",
                          fmt::format("cp /usr/share/hostsplit/hostsplit-hook /var/lib/vz/snippets/ && qm set {} "
                                      "--hookscript local:snippets/hostsplit-hook",
                                      id)});
  return findings;
}

namespace {

using Takes = BackupJob::Takes;

bool backed_up(const std::vector<BackupJob>& jobs, int vm) {
  return std::any_of(jobs.begin(), jobs.end(), [&](const BackupJob& job) {
    return job.takes != Takes::pool && (job.takes == Takes::all_but) != job.guests.contains(vm);
  });
}

bool any_of_a_pool(const std::vector<BackupJob>& jobs) {
  return std::any_of(jobs.begin(), jobs.end(), [](const BackupJob& job) { return job.takes == Takes::pool; });
}

bool on_storage(const std::string& disk, const PveStorage& storage) {
  return disk.starts_with(storage.id + ":");
}

bool is_base_image(const std::string& disk) {
  return disk.find(":base-") != std::string::npos || disk.find("/base-") != std::string::npos;
}

/// A disk of a linked clone names its template's: "tank:base-100-disk-0/vm-101-disk-0",
/// "local:100/base-100-disk-0.qcow2/101/vm-101-disk-0.qcow2". Not on every storage: hides_template().
bool has_base(const PveVm& vm) {
  return std::any_of(vm.disks.begin(), vm.disks.end(), [](const auto& disk) { return is_base_image(disk.second); });
}

/// Whether the VM may be a linked clone that does not say so: LVM-thin and Btrfs name a clone as any other volume
/// (PVE::Storage::LvmThinPlugin and BTRFSPlugin, clone_image), and a clone is where its template is.
bool hides_template(const PveConfigs& pve, const PveVm& vm, const PveStorage& storage) {
  if (storage.type != "lvmthin" && storage.type != "btrfs") return false;
  const auto there = [&](const auto& disk) { return on_storage(disk.second, storage); };
  return std::any_of(vm.disks.begin(), vm.disks.end(), there) &&
         std::any_of(pve.vms.begin(), pve.vms.end(), [&](const auto& other) {
           const auto& disks = other.second.disks;
           return other.second.is_template && std::any_of(disks.begin(), disks.end(), there);
         });
}

bool no_job_takes(const DoctorInput& in, int vm) {
  return !backed_up(in.setup.backup_jobs, vm) && !any_of_a_pool(in.setup.backup_jobs);
}

/// Of a VM that no job takes; empty when it has a base, or certainly none.
std::vector<std::string> hidden_bases_of(const DoctorInput& in, const PveVm& vm) {
  std::vector<std::string> reasons;
  if (has_base(vm) || in.setup.dumped.count(vm.id)) return reasons;
  for (const auto& storage : in.pve.storages)
    if (hides_template(in.pve, vm, storage))
      reasons.push_back(fmt::format("whether VM {} is a linked clone of a template: volumes of storage {} do not tell",
                                    vm.id, storage.id));
  for (const auto& storage : in.setup.unread_backups)
    reasons.push_back(fmt::format("whether VM {} has a backup in {}", vm.id, storage));
  return reasons;
}

}  // namespace

std::vector<std::string> backups_of_pools(const DoctorInput& in) {
  std::vector<std::string> reasons;
  if (!in.config || !any_of_a_pool(in.setup.backup_jobs)) return reasons;
  for (const auto& [id, wish] : in.config->vms)
    if (in.pve.vm(id) && !backed_up(in.setup.backup_jobs, id))
      reasons.push_back(fmt::format("whether VM {} is in the pool that a backup job takes", id));
  return reasons;
}

std::vector<std::string> hidden_bases(const DoctorInput& in) {
  std::vector<std::string> reasons;
  if (!in.config) return reasons;
  for (const auto& [id, wish] : in.config->vms)
    if (const PveVm* vm = in.pve.vm(id); vm && no_job_takes(in, id))
      for (auto& reason : hidden_bases_of(in, *vm)) reasons.push_back(std::move(reason));
  return reasons;
}

Findings check_backup(const DoctorInput& in) {
  Findings findings;
  if (!in.config || !in.pve.known) return findings;
  for (const auto& [id, wish] : in.config->vms) {
    const PveVm* vm = in.pve.vm(id);
    if (!vm || !no_job_takes(in, id)) continue;
    findings.push_back({"pve-no-backup", Severity::info, fmt::format("VM {}", id), "no backup job takes it",
                        "In the web interface: Datacenter, Backup, Add; or once: vzdump " + std::to_string(id)});
    if (!has_base(*vm) && !in.setup.dumped.count(id) && hidden_bases_of(in, *vm).empty())
      findings.push_back({"pve-no-base", Severity::info, fmt::format("VM {}", id),
                          "there is neither a template it was made from nor a backup to start again from",
                          fmt::format("Once it is set up, keep a base: vzdump {} --mode stop; or clone it and turn the "
                                      "copy into a template: qm clone {} <new id> --full, qm template <new id>",
                                      id, id)});
  }
  return findings;
}

namespace {

/// "local-lvm:vm-101-disk-0,iothread=1,size=64G" -> 64 GiB.
Kib disk_size(const std::string& disk) {
  const auto at = disk.find("size=");
  if (at == std::string::npos) return 0;
  std::string text = disk.substr(at + 5, disk.find(',', at) - at - 5);
  if (text.empty()) return 0;
  const char unit = text.back();
  return parse_size(text.substr(0, text.size() - 1) + (unit == 'T'   ? "TiB"
                                                       : unit == 'G' ? "GiB"
                                                       : unit == 'M' ? "MiB"
                                                                     : "KiB"))
      .value_or(0);
}

}  // namespace

Findings check_thin_pools(const DoctorInput& in) {
  Findings findings;
  for (const auto& pool : in.setup.thin_pools) {
    Kib promised = 0;
    for (const auto& [id, vm] : in.pve.vms)
      for (const auto& [key, disk] : vm.disks)
        if (disk.starts_with(pool.storage + ":")) promised += disk_size(disk);
    if (pool.size == 0 || promised <= pool.size) continue;
    findings.push_back(
        {"thin-pool-promised", Severity::warning, "storage " + pool.storage,
         fmt::format("disks of {} GiB are promised from a thin pool of {} GiB; when it is full, every VM on it "
                     "stops",
                     promised / kib_per_gib, pool.size / kib_per_gib),
         "Enlarge the pool (lvextend), remove disks or snapshots, and watch it: lvs"});
  }
  return findings;
}

/// The controller of a disk needs free blocks to write fast, and a full pool stops every VM on it.
Findings check_spare(const DoctorInput& in) {
  constexpr Kib parts = 100, wanted = 15;
  Findings findings;
  for (const auto& pool : in.setup.thin_pools) {
    if (pool.disk_size == 0 || pool.spare >= pool.disk_size / parts * wanted) continue;
    findings.push_back(
        {"thin-pool-no-spare", Severity::info, "storage " + pool.storage,
         fmt::format(
             "only {} % of {} ({} of {} GiB) are in no partition and no volume; about {} % are advised as spare "
             "area of the disk and to grow the pool into",
             pool.spare * parts / pool.disk_size, pool.disk, pool.spare / kib_per_gib, pool.disk_size / kib_per_gib,
             wanted),
         "A thin pool cannot shrink: leave the space when it is made anew (installer option maxvz, or lvcreate with a "
         "smaller -L), after moving its volumes away"});
  }
  return findings;
}

}  // namespace hostsplit
