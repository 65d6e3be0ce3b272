#include "host/inventory/backups.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "core/base/names.hpp"
#include "core/base/number.hpp"
#include "core/base/text.hpp"
#include "core/boot/kernel_parameters.hpp"
#include "formats/proxmox/section_config.hpp"
#include "host/inventory/mounts.hpp"
#include "host/inventory/proxmox.hpp"

namespace hostsplit {
namespace {

/// "101,102", also with blanks and semicolons.
std::set<int> listed_ids(std::string text) {
  std::set<int> ids;
  for (char& c : text)
    if (c == ',' || c == ';') c = ' ';
  for (const auto word : words_of(text))
    if (const auto id = parse_number<int>(word)) ids.insert(*id);
  return ids;
}

/// PVE::VZDump, verify_vzdump_parameters and get_included_guests: a job with `node` runs on that node alone, and
/// `exclude` means all others.
void read_jobs(const Root& root, HostSetup& setup) {
  setup.jobs_known =
      root.exists("etc/pve/jobs.cfg") || root.exists("etc/pve/storage.cfg") || root.exists("etc/pve/.members");
  const auto text = root.read("etc/pve/jobs.cfg").value_or("");
  const auto here = pve_node_name(root);
  for (const auto& [type, id, properties] : parse_pve_sections(text)) {
    const auto enabled = properties.find("enabled");
    if (type != "vzdump" || (enabled != properties.end() && enabled->second == "0")) continue;
    const auto all = properties.find("all"), ids = properties.find("vmid"), pool = properties.find("pool");
    const auto except = properties.find("exclude"), node = properties.find("node"), none = properties.end();
    if (node != none && !here.empty() && node->second != here) continue;
    using Takes = BackupJob::Takes;
    if (pool != none)
      setup.backup_jobs.push_back({Takes::pool, {}});
    else if (ids != none)
      setup.backup_jobs.push_back({Takes::listed, listed_ids(ids->second)});
    else if (except != none || (all != none && all->second == "1"))
      setup.backup_jobs.push_back({Takes::all_but, except == none ? std::set<int>() : listed_ids(except->second)});
  }
}

/// "vzdump-qemu-101-2026_01_31-01_00_00.vma.zst"
void list_dumps(const Root& root, const std::string& directory, HostSetup& setup) {
  constexpr std::string_view prefix = "vzdump-qemu-";
  for (const auto& file : root.list(directory)) {
    if (!file.starts_with(prefix)) continue;
    const auto rest = std::string_view(file).substr(prefix.size());
    if (const auto id = parse_number<int>(rest.substr(0, rest.find('-')))) setup.dumped.insert(*id);
  }
}

/// What a path lies on cannot hang: a device of this machine, or one of these, which have numbers of their own.
bool on_this_machine(const std::vector<inventory_parts::Mount>& mounts, const std::string& path) {
  const auto* mount = inventory_parts::mount_of(mounts, path);
  if (!mount || !mount->anonymous()) return true;
  constexpr const char* local[] = {"zfs", "btrfs", "bcachefs", "overlay", "tmpfs", "ramfs", "rootfs"};
  return std::find(std::begin(local), std::end(local), mount->type) != std::end(local);
}

/// Why nobody can tell what backups the storage has; empty when they can be listed.
std::string hides_backups(const Root& root, const PveStorage& storage) {
  if (storage.type == "pbs") return "a Proxmox Backup Server shows its backups to its clients alone";
  if (storage.path.empty()) return "it is on the network";
  const auto mounts = inventory_parts::read_mounts(root);
  const std::string path = "/" + storage.path;
  const auto waits = [&](const std::string& point) { return !inventory_parts::is_mounted(mounts, point); };
  if (!storage.mount_point.empty() && waits(storage.mount_point)) return "nothing is mounted at " + storage.mount_point;
  for (const auto& entry : inventory_parts::read_fstab(root)) {
    const bool below = entry.point == path || path.starts_with(entry.point + "/");
    if (below && entry.point.size() > 1 && waits(entry.point)) return "nothing is mounted at " + entry.point;
  }
  if (!on_this_machine(mounts, path)) return "it is on the network, or on a file system that may not answer";
  return root.exists(storage.path) ? "" : path + " is not there";
}

/// Backups in all storages of this node that may have them, and where Proxmox VE keeps them without a storage. Like
/// hook_path(), only file systems of this machine are looked at.
void read_dumps(const Root& root, HostSetup& setup) {
  const std::string usual = "var/lib/vz";
  list_dumps(root, usual + "/dump", setup);
  const auto text = root.read(names::storages_file).value_or("");
  for (const auto& storage : parse_pve_storages(text, pve_node_name(root))) {
    const bool has = storage.type == "pbs" ? storage.content != "none" : holds(storage, "backup");
    const bool listed = storage.path == usual && storage.backups == "dump";
    if (!has || !storage.here || listed) continue;
    const auto why = hides_backups(root, storage);
    if (why.empty())
      list_dumps(root, storage.path + "/" + storage.backups, setup);
    else
      setup.unread_backups.push_back(storage.id + ": " + why);
  }
}

}  // namespace

void read_backups(const Root& root, HostSetup& setup) {
  read_jobs(root, setup);
  read_dumps(root, setup);
}

}  // namespace hostsplit
