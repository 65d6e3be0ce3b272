#include "host/inventory/backups.hpp"

#include <optional>
#include <set>
#include <string_view>
#include <vector>

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

/// The VM an archive is of: "vzdump-qemu-101-2026_01_31-01_00_00.vma.zst". What lies beside it, and stays of a backup
/// that failed, is none: ".log", ".notes", ".vma.dat". (PVE::Storage, BACKUP_EXT_RE_2)
std::optional<int> archived_vm(std::string_view file) {
  constexpr std::string_view prefix = "vzdump-qemu-";
  if (!file.starts_with(prefix)) return {};
  file.remove_prefix(prefix.size());
  const auto id = parse_number<int>(cut(file, '-'));
  if (file.ends_with(".tgz")) return id;
  for (const std::string_view compression : {"", ".gz", ".lzo", ".zst", ".bz2"})
    for (const std::string format : {".vma", ".tar"})
      if (file.ends_with(format + std::string(compression))) return id;
  return {};
}

void list_dumps(const Root& root, const std::string& directory, HostSetup& setup) {
  for (const auto& file : root.list(directory))
    if (const auto id = archived_vm(file)) setup.dumped.insert(*id);
}

constexpr auto usual_home = "var/lib/vz";

std::string backup_place(const PveStorage& storage) {
  return storage.path + "/" + storage.backups;
}

/// What says where backups are not to be looked for; read once for all storages.
struct Mounting {
  std::vector<inventory_parts::Mount> mounts;
  std::vector<inventory_parts::FstabEntry> fstab;
};

/// Why nobody can tell what backups the storage has; empty when they can be listed.
std::string hides_backups(const Root& root, const PveStorage& storage, const Mounting& now) {
  if (storage.type == "pbs") return "a Proxmox Backup Server shows its backups to its clients alone";
  if (storage.path.empty()) return "it is on the network";
  const std::string place = "/" + backup_place(storage);
  const auto waits = [&](const std::string& point) { return !inventory_parts::is_mounted(now.mounts, point); };
  if (!storage.mount_point.empty() && waits(storage.mount_point)) return "nothing is mounted at " + storage.mount_point;
  for (const auto& entry : now.fstab) {
    const bool below = entry.point == place || place.starts_with(entry.point + "/");
    if (below && entry.point.size() > 1 && waits(entry.point)) return "nothing is mounted at " + entry.point;
  }
  if (!inventory_parts::on_this_machine(root, now.mounts, backup_place(storage)))
    return "it is on the network, or on a file system that may not answer";
  // Proxmox VE makes the usual one when it is used.
  return storage.path == usual_home || root.exists(storage.path) ? "" : "/" + storage.path + " is not there";
}

/// Backups in all storages of this node that may have them, and where Proxmox VE keeps them without a storage. Only
/// file systems of this machine are looked at, as where read_pve() looks for the hook.
void read_dumps(const Root& root, HostSetup& setup) {
  const Mounting now{inventory_parts::read_own_mounts(root), inventory_parts::read_fstab(root)};
  const auto look = [&](const PveStorage& storage, const std::string& name) {
    const auto why = hides_backups(root, storage, now);
    if (why.empty())
      list_dumps(root, backup_place(storage), setup);
    else
      setup.unread_backups.push_back(name + ": " + why);
  };
  const PveStorage usual{"", "dir", usual_home, "backup"};
  bool named = false;
  const auto text = root.read(names::storages_file).value_or("");
  for (const auto& storage : parse_pve_storages(text, pve_node_name(root))) {
    const bool has = storage.type == "pbs" ? storage.content != "none" : holds(storage, "backup");
    if (!has || !storage.here) continue;
    named = named || backup_place(storage) == backup_place(usual);
    look(storage, "storage " + storage.id);
  }
  if (!named) look(usual, "/" + backup_place(usual));
}

}  // namespace

void read_backups(const Root& root, HostSetup& setup) {
  read_jobs(root, setup);
  read_dumps(root, setup);
}

}  // namespace hostsplit
