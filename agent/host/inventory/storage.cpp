#include <algorithm>
#include <set>
#include <tuple>

#include "core/boot/kernel_parameters.hpp"
#include "core/machine/use_via.hpp"
#include "host/inventory/crypttab.hpp"
#include "host/inventory/follow.hpp"
#include "host/inventory/open_mappings.hpp"
#include "host/inventory/parts.hpp"
#include "host/inventory/sleeping_devices.hpp"

/// Disks somebody depends on: mounts of all namespaces, swap, volume managers, pools, and file systems that are mounted
/// where no table shows it.
namespace hostsplit::inventory_parts {
namespace {

/// What the machine boots from, as mount points.
bool boots_from(const std::string& point) {
  static const std::set<std::string> points{"/", "/boot", "/boot/efi", "/boot/firmware", "/efi", "/usr", "/etc"};
  return points.contains(point);
}

class Storage {
 public:
  Storage(const Root& root, Snapshot& snapshot) : root_(root), snapshot_(snapshot), follow_(root), sleeping_(root) {}

  void read() {
    mounts();
    several_devices();
    swaps();
    volume_managers();
    idle_members();
    loops();
    boot_partitions();
    boot_mounts();
    exports();
    zfs();
    mounted_unseen();
    journals();
    read_keys(root_, follow_, snapshot_);
  }

 private:
  void mounts();
  void nobody_looked();
  void add_mount(const Mount& mount);
  void several_devices();
  void swaps();
  void volume_managers();
  void loops();
  void boot_partitions();
  void idle_members();
  void boot_mounts();
  void boot_waits_for(const FstabEntry& entry, Followed followed);
  void boot_may_wait_for(const FstabEntry& entry);
  void boot_binds(const std::vector<FstabEntry>& fstab);
  Followed below(const std::string& device);
  void boot_automounts(const std::set<std::string>& followed);
  void journals();
  bool boots_without_journal_of_its_own(const std::vector<std::string>& journals) const;
  void maybe_journal(const std::string& block, const Followed& followed);
  void exports();
  void add_export(const std::string& name, const std::string& file);
  void zfs();
  void mounted_unseen();

  void add(UseKind kind, const std::string& name, const Followed& followed, bool root = false);
  void add_leaf(UseKind kind, const std::string& name, const Leaf& leaf, bool root);

  const Root& root_;
  Snapshot& snapshot_;
  Follower follow_;
  SleepingDevices sleeping_;
  std::set<std::tuple<UseKind, std::string, Leaf>> known_;
  std::set<std::string> mounted_;                  ///< numbers and sources that were seen
  std::set<Leaf> root_leaves_;                     ///< what `/` lies on
  std::set<Leaf> told_;                            ///< members of btrfs and bcachefs that a mount point was told of
  std::map<Leaf, std::vector<OpenMapping>> open_;  ///< while volume_managers() adds them
};

void Storage::add_leaf(UseKind kind, const std::string& name, const Leaf& leaf, bool root) {
  // What no PCI function carries cannot be given away.
  if (leaf.functions.empty() || !known_.insert({kind, name, leaf}).second) return;
  HostUse use{kind, name, leaf.device, leaf.functions, true, root};
  use.via = leaf.via;
  if (const auto open = open_.find(leaf); kind == UseKind::lvm && open != open_.end()) use.open = open->second;
  snapshot_.uses.push_back(std::move(use));
}

void Storage::add(UseKind kind, const std::string& name, const Followed& followed, bool root) {
  for (const auto& leaf : followed.leaves) add_leaf(kind, name, leaf, root);
  auto functions = possible_carriers(root_, snapshot_, follow_, followed);
  if (!functions) return;
  const auto device = followed.leaves.empty() ? name : followed.leaves.begin()->device;
  HostUse use{kind, name, device, std::move(*functions), true, root};
  use.unknown = followed.unknown;
  snapshot_.uses.push_back(std::move(use));
}

void Storage::add_mount(const Mount& mount) {
  // Bind mounts repeat a device; its first mount point stands for all. Datasets of a pool are told with the pool.
  const bool dataset = mount.type == "zfs";
  const bool root = mount.owner.empty() && boots_from(mount.point);
  if (dataset && !root) return;
  if (!mounted_.insert(mount.anonymous() ? mount.type + " " + mount.source : mount.number).second) return;
  const Followed followed = follow_.mount(mount);
  if (root && mount.point == "/") root_leaves_ = followed.leaves;
  if (mount.type == "btrfs" || mount.type == "bcachefs") told_.insert(followed.leaves.begin(), followed.leaves.end());
  const auto name = mount.owner.empty() ? mount.point : mount.point + " of " + mount.owner;
  // The layers of an overlay are mounts of their own, unless the host itself runs on one.
  if (mount.type == "overlay" && !root) return;
  add(UseKind::mount, name, followed, root);
}

/// Every disk may be mounted.
void Storage::nobody_looked() {
  report_missing(snapshot_, "proc/1/mountinfo", "mounted disks are unknown");
  add(UseKind::mount, "a disk", {{}, "/proc/1/mountinfo cannot be read"});
}

/// By number rather than by source, which holds for /dev/root and /dev/mapper too.
void Storage::mounts() {
  if (!root_.exists("proc/1/mountinfo") && !root_.exists("proc/self/mountinfo")) return nobody_looked();
  for (const bool boot : {true, false})
    for (const auto& mount : follow_.mounts()) {
      if ((mount.owner.empty() && boots_from(mount.point)) != boot) continue;
      if (mount.anonymous() && needs_no_device(mount)) continue;
      add_mount(mount);
    }
}

/// All devices of a mounted file system, wherever it is mounted. Where a mount point stands for all of them, it is
/// enough, also to give them up.
void Storage::several_devices() {
  for (const auto& [place, type] : {std::pair{"sys/fs/btrfs", "btrfs "}, {"sys/fs/bcachefs", "bcachefs "}})
    for (const auto& id : root_.list(place)) {
      const std::string directory = std::string(place) + "/" + id;
      if (!root_.exists(directory + "/devices") && !root_.exists(directory + "/dev-0")) continue;
      const Followed found = follow_.members(directory);
      const bool told = std::includes(told_.begin(), told_.end(), found.leaves.begin(), found.leaves.end());
      if (!told || !found.unknown.empty()) add(UseKind::mount, type + id, found);
    }
}

void Storage::swaps() {
  const auto text = root_.read("proc/swaps").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.size() < 2 || fields[0] == "Filename") continue;
    const std::string device = unescape(fields[0]);
    if (fields[1] == "file") {
      add(UseKind::swap, device, follow_.file(device));
    } else if (const auto path = follow_.path_of(device)) {
      add(UseKind::swap, device, follow_.device(*path));
    } else {
      add(UseKind::swap, device, {{}, device + " is not there", Followed::Where::anywhere});
    }
  }
}

/// Active mappings and arrays, mounted or not: the volumes of VMs are on them.
void Storage::volume_managers() {
  ManagedDevices managed;
  for (const auto& block : root_.list("sys/block")) {
    const bool mapper = block.starts_with("dm-");
    const bool array = block.starts_with("md") || block.starts_with("bcache") || block.starts_with("drbd");
    const auto path = mapper || array ? follow_.path_of(block) : std::nullopt;
    // Without anything below it there is nothing to lose, as for an array that is not running.
    if (!path || (root_.list(*path + "/slaves").empty() && !block.starts_with("drbd"))) continue;
    managed.emplace_back(*path, follow_.device(*path));
  }
  open_ = open_mappings(root_, follow_, managed, root_leaves_);
  for (auto& [path, followed] : managed) {
    const std::string block(last_component(path));
    const bool mapper = block.starts_with("dm-");
    // One entry for all the volumes of a physical volume.
    for (const auto& leaf : followed.leaves)
      add_leaf(mapper ? UseKind::lvm : UseKind::md, mapper ? "/dev/" + leaf.device : block, leaf, false);
    followed.leaves.clear();
    const auto name = mapper ? root_.read(path + "/dm/name", 256).value_or(block) : block;
    add(mapper ? UseKind::lvm : UseKind::md, name, followed);
  }
  open_.clear();
}

/// Physical volumes of groups in use that no active volume is on: without one its group is incomplete, and neither
/// activated at boot nor changed (69-dm-lvm.rules, vgchange(8)).
void Storage::idle_members() {
  for (const auto& group : active_groups(root_))
    for (const auto& path : sleeping_.noted_volumes(group))
      for (const auto& leaf : follow_.device(path).leaves)
        if (!known_.contains({UseKind::lvm, "/dev/" + leaf.device, leaf}))
          add_leaf(UseKind::lvm, "the volume group " + group, leaf, false);
}

/// Files in use as disks; also where the file system they are on was unmounted lazily.
void Storage::loops() {
  for (const auto& block : root_.list("sys/block")) {
    if (!block.starts_with("loop")) continue;
    const auto path = follow_.path_of(block);
    if (path && root_.exists(*path + "/loop/backing_file")) add(UseKind::mount, "/dev/" + block, follow_.device(*path));
  }
}

/// EFI partitions that proxmox-boot-tool writes kernels to; they are not mounted. One that no disk here has is left of
/// a disk that is gone.
void Storage::boot_partitions() {
  const auto text = root_.read("etc/kernel/proxmox-boot-uuids").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.empty() || fields[0].find('/') != std::string_view::npos) continue;
    const std::string uuid(fields[0]);
    if (const auto path = follow_.path_of("/dev/disk/by-uuid/" + uuid))
      add(UseKind::mount, "boot partition " + uuid, follow_.device(*path), true);
  }
}

/// A device, or what it is on while it is not there.
Followed Storage::below(const std::string& device) {
  Followed found;
  for (const auto& path : sleeping_.below(device)) found.merge(follow_.device(path));
  return found;
}

/// What the boot needs all the same (fstab(5)): the EFI partition, mounted only while it is written to, and whatever
/// the boot stops without (systemd.mount(5)), also where it is mounted now and may be given up.
void Storage::boot_mounts() {
  std::set<std::string> found;
  const auto fstab = read_fstab(root_);
  for (const auto& entry : fstab) {
    const bool boots = boots_from(entry.point);
    if (boots ? is_mounted(follow_.mounts(), entry.point) : !entry.waits) continue;
    Followed followed = below(entry.device);
    if (!boots && followed.leaves.empty() && followed.unknown.empty()) boot_may_wait_for(entry);
    if (!boots) {
      boot_waits_for(entry, std::move(followed));
    } else if (!followed.leaves.empty() || !followed.unknown.empty()) {
      add(UseKind::mount, entry.point, followed, true);
      found.insert(entry.point);
    }
  }
  boot_binds(fstab);
  boot_automounts(found);
}

void Storage::boot_waits_for(const FstabEntry& entry, Followed followed) {
  std::set<Leaf> leaves;
  for (auto leaf : followed.leaves) {
    leaf.via = entry.of_unit ? by_mount_unit : by_fstab;
    leaves.insert(std::move(leaf));
  }
  followed.leaves = std::move(leaves);
  add(UseKind::mount, entry.point, followed);
}

/// Its device is nowhere: it may be in what the boot opens and what is closed now.
void Storage::boot_may_wait_for(const FstabEntry& entry) {
  if (is_mounted(follow_.mounts(), entry.point)) return;
  HostUse use{UseKind::mount, entry.point, entry.device, {}, true};
  for (const auto& path : sleeping_.closed_at_boot())
    for (const auto& leaf : follow_.device(path).leaves)
      use.functions.insert(use.functions.end(), leaf.functions.begin(), leaf.functions.end());
  use.unknown = "the boot mounts " + entry.device + " there, which may be in a mapping of /etc/crypttab that is closed";
  if (!use.functions.empty()) snapshot_.uses.push_back(std::move(use));
}

/// A directory in a second place: without what it is on, the boot stops there.
void Storage::boot_binds(const std::vector<FstabEntry>& fstab) {
  for (const auto& bind : read_bind_mounts(root_)) {
    if (!bind.waits || boots_from(bind.point)) continue;
    const Mount* mounted = mount_of(follow_.mounts(), bind.device);
    std::size_t longest = mounted && mounted->type != "autofs" ? mounted->point.size() : 0;
    std::string device;
    for (const auto& entry : fstab) {
      const bool on = bind.device == entry.point || bind.device.starts_with(entry.point + "/");
      if (!on || entry.point.size() <= longest || entry.point == "/") continue;
      longest = entry.point.size();
      device = entry.device;
    }
    if (!device.empty())
      boot_waits_for(bind, below(device));
    else if (mounted && mounted->point != "/" && mounted->type != "autofs" && !needs_no_device(*mounted))
      boot_waits_for(bind, follow_.mount(*mounted));
  }
}

/// What the machine boots from, mounted only when it is used, and nothing says from what.
void Storage::boot_automounts(const std::set<std::string>& followed) {
  for (const auto& mount : follow_.mounts()) {
    if (mount.type != "autofs" || !mount.owner.empty() || !boots_from(mount.point)) continue;
    if (!is_mounted(follow_.mounts(), mount.point) && !followed.contains(mount.point))
      add(UseKind::mount, mount.point, {{}, "it is mounted when it is used, and its device was not found"}, true);
  }
}

/// Whether the journal of something the machine boots from is on a disk of its own: then it is not among these.
bool Storage::boots_without_journal_of_its_own(const std::vector<std::string>& journals) const {
  for (const auto& mount : follow_.mounts()) {
    if (!mount.owner.empty() || !boots_from(mount.point) || !mount.type.starts_with("ext") || mount.anonymous())
      continue;
    const auto path = device_path(root_, "sys/dev/block/" + mount.number);
    const auto inside = path ? std::string(last_component(*path)) + "-" : std::string();
    if (std::none_of(journals.begin(), journals.end(), [&](const auto& name) { return name.starts_with(inside); }))
      return true;
  }
  return false;
}

/// Journals on disks of their own, which the kernel holds without a link. Those of ext4 in use are in /proc/fs/jbd2 by
/// the name of the disk; a journal inside of the file system has the number of its inode behind it
/// (fs/jbd2/journal.c). That of XFS is among the options of a mount.
void Storage::journals() {
  const auto journals = root_.list("proc/fs/jbd2");
  const bool root = boots_without_journal_of_its_own(journals);
  for (const auto& name : journals)
    if (const auto path = follow_.path_of(name))
      add(UseKind::lvm, "the journal on " + name, follow_.device(*path), root);
  for (const auto& number : root_.list("sys/dev/block")) {
    const auto properties = root_.read("run/udev/data/b" + number, 1 << 16).value_or("");
    const auto type = value_of(properties, "E:ID_FS_TYPE");
    const bool journal = type == "xfs_external_log" || (type == "jbd" && journals.empty());
    const auto path = journal ? device_path(root_, "sys/dev/block/" + number) : std::nullopt;
    if (path) maybe_journal(std::string(last_component(*path)), follow_.device(*path));
  }
}

/// By its content one, and whether a file system uses it is not known.
void Storage::maybe_journal(const std::string& block, const Followed& followed) {
  for (const auto& leaf : followed.leaves) {
    const bool told = std::any_of(snapshot_.uses.begin(), snapshot_.uses.end(), [&](const HostUse& use) {
      return use.kind == UseKind::mount && use.device == leaf.device;
    });
    if (told || leaf.functions.empty()) continue;
    HostUse use{UseKind::lvm, "the journal on " + block, leaf.device, leaf.functions, true};
    use.unknown = "which file system has its journal there is not known";
    snapshot_.uses.push_back(std::move(use));
  }
}

/// Disks the kernel itself serves to others: no process has them open (Documentation/target, nvmet configfs, SCST).
void Storage::exports() {
  const std::string target = "sys/kernel/config/target/core", nvmet = "sys/kernel/config/nvmet/subsystems",
                    scst = "sys/kernel/scst_tgt/devices";
  for (const auto& plugin : root_.list(target))
    for (const auto& name : root_.list(target + "/" + plugin))
      add_export("LIO target " + name,
                 root_.read(target + "/" + plugin + "/" + name + "/udev_path", 4096).value_or(""));
  for (const auto& subsystem : root_.list(nvmet)) {
    const std::string spaces = nvmet + "/" + subsystem + "/namespaces";
    for (const auto& number : root_.list(spaces))
      add_export("NVMe target " + subsystem, root_.read(spaces + "/" + number + "/device_path", 4096).value_or(""));
  }
  // A second line, "[key]", says that it was changed from the default (SCST: scst_sysfs.c).
  for (const auto& name : root_.list(scst)) {
    const auto file = root_.read(scst + "/" + name + "/filename", 4096).value_or("");
    add_export("SCST device " + name, file.substr(0, file.find('\n')));
  }
}

void Storage::add_export(const std::string& name, const std::string& file) {
  if (!file.starts_with('/')) return;
  if (!file.starts_with("/dev/")) return add(UseKind::process, name, follow_.file(file));
  const auto path = follow_.path_of(file);
  add(UseKind::process, name, path ? follow_.device(*path) : Followed{{}, file + " is not there"});
}

void Storage::zfs() {
  for (const auto& pool : follow_.pools()) {
    const Followed followed = follow_.pool(pool.name);
    const bool root =
        !root_leaves_.empty() && std::all_of(root_leaves_.begin(), root_leaves_.end(),
                                             [&](const Leaf& leaf) { return followed.leaves.contains(leaf); });
    if (pool.members.empty())
      report_missing(snapshot_, "run/udev/data", "the disks of the ZFS pool " + pool.name + " are unknown");
    add(UseKind::zfs, pool.name, followed, root);
  }
}

/// A directory of its own in /sys/fs shows that a file system is alive, even when no mount table has it any more: after
/// a lazy unmount, with files still open (fs/ext4/sysfs.c, fs/xfs/xfs_sysfs.c, fs/f2fs/sysfs.c).
void Storage::mounted_unseen() {
  for (const auto* place : {"sys/fs/ext4", "sys/fs/xfs", "sys/fs/f2fs", "sys/fs/nilfs2", "proc/fs/ntfs3"})
    for (const auto& block : root_.list(place)) {
      const auto path = follow_.path_of(block);
      const auto number = path ? root_.read(*path + "/dev", 64) : std::nullopt;
      if (number && !mounted_.contains(*number))
        add(UseKind::mount, "/dev/" + block + " (in no mount table)", follow_.device(*path));
    }
}

}  // namespace

void read_storage_uses(const Root& root, Snapshot& snapshot) {
  Storage(root, snapshot).read();
}

}  // namespace hostsplit::inventory_parts
