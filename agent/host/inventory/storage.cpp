#include <algorithm>
#include <set>
#include <tuple>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

/// Disks the host stands on: mounts, swap, volume managers, ZFS.
namespace hostsplit::inventory_parts {
namespace {

/// A block device that lies on hardware, and the function that carries it.
struct Leaf {
  std::string device;  ///< "nvme0n1p3"
  PciAddress function;
  auto operator<=>(const Leaf&) const = default;
};

class Storage {
 public:
  Storage(const Root& root, Snapshot& snapshot) : root_(root), snapshot_(snapshot) {}

  void read() {
    mounts();
    btrfs_members();
    swaps();
    volume_managers();
    boot_partitions();
    zfs();
  }

 private:
  void mounts();
  void btrfs_members();
  void swaps();
  void volume_managers();
  void boot_partitions();
  void zfs();

  std::optional<std::string> path_of(const std::string& block) const;
  std::set<Leaf> leaves(const std::string& device_path, int depth = 0) const;
  void add(UseKind kind, const std::string& name, const std::string& device_path);

  const Root& root_;
  Snapshot& snapshot_;
  std::set<std::tuple<UseKind, std::string, Leaf>> known_;
};

/// With native multipath a namespace hangs below a virtual subsystem; the controllers beside it lead to PCI
/// (drivers/nvme/host/multipath.c).
std::vector<std::string> nvme_paths(const Root& root, const std::string& path) {
  std::vector<std::string> paths;
  const auto mark = path.find("/nvme-subsystem/");
  if (mark == std::string::npos) return paths;
  const auto subsystem = path.substr(0, path.find('/', mark + 16));
  for (const auto& name : root.list(subsystem)) {
    if (!name.starts_with("nvme") || name.find_first_not_of("0123456789", 4) != std::string::npos) continue;
    if (const auto target = root.resolve(subsystem + "/" + name)) paths.push_back(*target);
  }
  return paths;
}

std::set<Leaf> Storage::leaves(const std::string& device_path, int depth) const {
  const std::string name(last_component(device_path));
  if (const auto function = nearest_function(device_path)) return {{name, *function}};
  std::set<Leaf> found;
  for (const auto& path : nvme_paths(root_, device_path))
    if (const auto function = nearest_function(path)) found.insert({name, *function});
  // Deeper than any real stack of mappings: a loop in a recorded tree.
  if (depth > 16) return found;
  for (const auto& slave : root_.list(device_path + "/slaves"))
    if (const auto path = path_of(slave)) found.merge(leaves(*path, depth + 1));
  return found;
}

/// \param block  kernel name ("sda2") or a path below /dev, links included
std::optional<std::string> Storage::path_of(const std::string& block) const {
  std::string name = block;
  if (block.starts_with("/dev/")) {
    const auto target = root_.link_name(block.substr(1));
    name = target ? *target : block.substr(5);
  }
  if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  return device_path(root_, "sys/class/block/" + name);
}

void Storage::add(UseKind kind, const std::string& name, const std::string& device_path) {
  for (const auto& leaf : leaves(device_path)) {
    if (!known_.insert({kind, name, leaf}).second) continue;
    snapshot_.uses.push_back({kind, name, leaf.device, leaf.function, true});
  }
}

/// mountinfo escapes blanks and backslashes as octal (Documentation/filesystems/proc.rst, 3.5).
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto code = text[i] == '\\' ? to_number<unsigned>(text.substr(i + 1, 3), 8) : std::nullopt;
    if (code && i + 3 < text.size() && *code < 256) {
      plain += static_cast<char>(*code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

/// mountinfo rather than mounts: it names devices by number, which holds for /dev/root and /dev/mapper too. That of
/// process 1, because ours may be a private view.
void Storage::mounts() {
  auto text = root_.read("proc/1/mountinfo");
  if (!text) text = root_.read("proc/self/mountinfo");
  if (!text) return report_missing(snapshot_, "proc/1/mountinfo", "mounted disks are unknown");
  std::set<std::string_view> seen;  // bind mounts repeat a device; its first mount point stands for all
  for (const auto line : split(*text, '\n')) {
    const auto fields = words_of(line);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 7 || fields.end() - dash < 3) continue;
    const auto number = fields[2];
    const std::string source = unescape(dash[2]);
    // Major 0: no block device. btrfs has such numbers and names one of its devices as source.
    const bool anonymous = number.starts_with("0:");
    if (anonymous && !source.starts_with("/dev/")) continue;
    if (!seen.insert(number).second) continue;
    const auto path = anonymous ? path_of(source) : device_path(root_, "sys/dev/block/" + std::string(number));
    if (path) add(UseKind::mount, unescape(fields[4]), *path);
  }
}

/// A mounted btrfs names only one of its devices in mountinfo.
void Storage::btrfs_members() {
  for (const auto& id : root_.list("sys/fs/btrfs")) {
    const std::string members = "sys/fs/btrfs/" + id + "/devices";
    for (const auto& block : root_.list(members))
      if (const auto path = path_of(block)) add(UseKind::mount, "btrfs " + id, *path);
  }
}

void Storage::swaps() {
  const auto text = root_.read("proc/swaps").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    // A swap file lies on a mount that is already known.
    if (fields.size() < 2 || fields[1] != "partition") continue;
    const std::string device = unescape(fields[0]);
    if (const auto path = path_of(device)) add(UseKind::swap, device, *path);
  }
}

/// Active mappings and arrays, mounted or not: the volumes of VMs lie on them.
void Storage::volume_managers() {
  for (const auto& block : root_.list("sys/block")) {
    const bool mapper = block.starts_with("dm-"), array = block.starts_with("md");
    if (!mapper && !array) continue;
    const auto path = path_of(block);
    if (!path) continue;
    for (const auto& leaf : leaves(*path)) {
      // One entry for all the volumes of a physical volume.
      const auto name = mapper ? "/dev/" + leaf.device : block;
      const auto kind = mapper ? UseKind::lvm : UseKind::md;
      if (known_.insert({kind, name, leaf}).second)
        snapshot_.uses.push_back({kind, name, leaf.device, leaf.function, true});
    }
  }
}

/// EFI partitions that proxmox-boot-tool writes kernels to; they are not mounted.
void Storage::boot_partitions() {
  const auto text = root_.read("etc/kernel/proxmox-boot-uuids").value_or("");
  for (const auto line : split(text, '\n')) {
    const auto fields = words_of(line);
    if (fields.empty() || fields[0].find('/') != std::string_view::npos) continue;
    const std::string uuid(fields[0]);
    if (const auto path = path_of("/dev/disk/by-uuid/" + uuid)) add(UseKind::mount, "boot partition " + uuid, *path);
  }
}

/// The kernel says which pools are imported, udev which devices are members.
void Storage::zfs() {
  std::string pools;
  for (const auto& name : root_.list("proc/spl/kstat/zfs"))
    if (root_.exists("proc/spl/kstat/zfs/" + name + "/state")) pools += (pools.empty() ? "" : ", ") + name;
  if (pools.empty()) return;
  bool found = false;
  for (const auto& number : root_.list("sys/dev/block")) {
    const auto properties = root_.read("run/udev/data/b" + number, 1 << 16);
    if (!properties || value_of(*properties, "E:ID_FS_TYPE") != "zfs_member") continue;
    const auto path = device_path(root_, "sys/dev/block/" + number);
    if (!path) continue;
    add(UseKind::zfs, pools, *path);
    found = true;
  }
  if (!found) report_missing(snapshot_, "run/udev/data", "the disks of the ZFS pools " + pools + " are unknown");
}

}  // namespace

void read_storage_uses(const Root& root, Snapshot& snapshot) {
  Storage(root, snapshot).read();
}

}  // namespace hostsplit::inventory_parts
