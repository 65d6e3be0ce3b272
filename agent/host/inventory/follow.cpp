#include "host/inventory/follow.hpp"

#include <algorithm>

#include "core/boot/kernel_parameters.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

/// Deeper than any real stack of mappings: a loop in a recorded tree.
constexpr int most_layers = 16;

/// With native multipath a namespace is below a virtual subsystem; the controllers beside it lead to hardware
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

/// "traddr=10.0.0.5,trsvcid=4420" of a controller of NVMe over a fabric.
std::string fabric_address(const Root& root, const std::string& path) {
  const auto mark = path.find("/nvme-fabrics/ctl/");
  if (mark == std::string::npos) return {};
  const auto controller = path.substr(0, path.find('/', mark + 18));
  const auto text = root.read(controller + "/address", 256).value_or("");
  for (const auto part : split(text, ','))
    if (part.starts_with("traddr=")) return std::string(part.substr(7));
  return "?";
}

/// Where disks come from over the network without any address: USB/IP, and ATA over Ethernet.
bool of_the_network(const std::string& path, const std::string& name) {
  constexpr const char* names[] = {"nbd", "rbd", "drbd", "etherd!", "rnbd"};
  return path.find("/vhci_hcd") != std::string::npos ||
         std::any_of(std::begin(names), std::end(names), [&](const char* each) { return name.starts_with(each); });
}

template <std::size_t count>
bool one_of(const std::string& name, const char* const (&names)[count]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

constexpr const char* network_types[] = {"nfs",         "nfs4",      "cifs",         "smb3",           "ceph",
                                         "afs",         "lustre",    "fuse.sshfs",   "fuse.ceph",      "fuse.glusterfs",
                                         "fuse.rclone", "fuse.s3fs", "fuse.davfs",   "fuse.curlftpfs", "fuse.mfs",
                                         "beegfs",      "orangefs",  "fuse.juicefs", "fuse.ceph-fuse"};
constexpr const char* device_less[] = {
    "proc", "sysfs", "tmpfs", "devtmpfs", "devpts", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs", "pstore",
    "bpf", "efivarfs", "autofs", "mqueue", "hugetlbfs", "configfs", "fusectl", "ramfs", "rootfs", "rpc_pipefs",
    "binfmt_misc", "nsfs", "selinuxfs", "nfsd", "resctrl", "functionfs", "smackfs", "devfs", "usbfs", "fuse.lxcfs",
    "sockfs", "fuse.portal", "fuse.gvfsd-fuse", "fuse.snapfuse", "fuse.vmware-vmblock", "cpuset", "openpromfs",
    "pipefs", "aio", "binder",
    // Over other mounts, which are followed themselves.
    "fuse.mergerfs", "fuse.bindfs", "fuse.unionfs", "fuse.unionfs-fuse", "fuse.encfs", "fuse.gocryptfs", "fuse.cryfs",
    "fuse.fuse-overlayfs", "ecryptfs", "shiftfs", "aufs"};

/// The first monitor in "10.0.0.2:6789,10.0.0.3:6789 name=admin ..." of a disk of Ceph; all are in its public network
/// (Documentation/ABI/testing/sysfs-bus-rbd). Empty where it does not show.
std::string rbd_monitor(const Root& root, const std::string& name) {
  if (!name.starts_with("rbd")) return {};
  const auto number = name.substr(3, name.find_first_not_of("0123456789", 3) - 3);
  const auto text = root.read("sys/bus/rbd/devices/" + number + "/config_info", 4096).value_or("");
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  return text.substr(0, text.find_first_of(":, "));
}

/// The server in "10.0.0.5:/export", "[fd00::5]:/export", "user@nas:/x", "//nas/share", "10.0.0.5:6789,...:/",
/// "10.0.0.5@tcp:/work".
std::string server_of(const Mount& mount) {
  for (const auto* key : {"addr", "ip"})
    if (const auto address = mount.option(key); !address.empty()) return address;
  // The first of the monitors of Ceph, "10.0.0.5:6789/10.0.0.6:6789" (mount.ceph(8)): all are in its public network.
  if (auto monitor = mount.option("mon_addr"); !monitor.empty()) {
    monitor = monitor.substr(0, monitor.find('/'));
    if (monitor.starts_with('[')) return monitor.substr(1, monitor.find(']') - 1);
    return monitor.substr(0, monitor.find(':'));
  }
  std::string source = mount.source;
  if (source.starts_with("//")) return source.substr(2, source.find('/', 2) - 2);
  if (mount.type == "lustre") return source.substr(0, source.find_first_of("@:,"));  // and its network behind it
  if (const auto at = source.find('@'); at != std::string::npos && at < source.find('/')) source.erase(0, at + 1);
  if (source.starts_with('[')) return source.substr(1, source.find(']') - 1);
  return source.substr(0, source.find_first_of(":,"));
}

}  // namespace

bool needs_no_device(const Mount& mount) {
  // pmxcfs mounts itself as plain fuse. An AppImage mounts the file it is, which the process that does so has open.
  return one_of(mount.type, device_less) || (mount.type == "fuse" && mount.point == "/etc/pve") ||
         (mount.type.starts_with("fuse.") && mount.type.ends_with(".AppImage"));
}

void Followed::merge(Followed other) {
  leaves.merge(other.leaves);
  if (other.unknown.empty()) return;
  if (unknown.empty()) unknown = std::move(other.unknown);
  where = std::max(where, other.where);
}

Follower::Follower(const Root& root)
    : root_(root),
      network_(root),
      mounts_(read_mounts(root)),
      pools_(read_zfs_pools(root)) {
  std::set<PciAddress> found;
  for (const auto& block : root.list("sys/class/block"))
    if (const auto path = device_path(root, "sys/class/block/" + block))
      if (const auto function = nearest_function(*path)) found.insert(*function);
  carriers_.assign(found.begin(), found.end());
}

std::optional<std::string> find_block(const Root& root, const std::string& block) {
  std::string name = block;
  if (block.starts_with("/dev/")) {
    const auto target = root.link_name(block.substr(1));
    name = target ? *target : block.substr(5);
  }
  if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  return device_path(root, "sys/class/block/" + name);
}

std::optional<std::string> Follower::path_of(const std::string& block) const {
  return find_block(root_, block);
}

Followed Follower::device(const std::string& path, int depth) const {
  const std::string name(last_component(path));
  if (depth > most_layers) return {{}, "its layers lead in a circle"};
  if (const auto function = nearest_function(path)) return {{{name, {*function}, {}}}, {}};
  Followed found;
  if (const auto paths = nvme_paths(root_, path); !paths.empty()) {
    Leaf all{name, {}, {}};
    for (const auto& each : paths) {
      if (const auto function = nearest_function(each)) all.functions.push_back(*function);
      if (const auto address = fabric_address(root_, each); !address.empty())
        found.merge(remote(name, "NVMe", network_.reach(address)));
    }
    if (!all.functions.empty()) found.leaves.insert(std::move(all));
    return found;
  }
  if (const auto address = fabric_address(root_, path); !address.empty())
    return remote(name, "NVMe", network_.reach(address));
  if (path.find("/session") != std::string::npos) return iscsi(path, name);
  if (path.find("/virtual/net/") != std::string::npos) return over_interface(path, name);
  if (of_the_network(path, name) || path.find("/virtual/") != std::string::npos)
    return virtual_device(path, name, depth);
  return {{{name, {}, {}}}, {}};
}

Followed Follower::virtual_device(const std::string& path, const std::string& name, int depth) const {
  Followed found;
  const auto slaves = root_.list(path + "/slaves");
  for (const auto& slave : slaves) {
    if (const auto lower = path_of(slave))
      found.merge(device(*lower, depth + 1));
    else
      found.merge({{}, slave + " below it is not there"});
  }
  if (!slaves.empty()) return found;
  if (name.starts_with("loop") && !root_.exists(path + "/partition") && name.find('p', 4) == std::string::npos)
    return loop(path, name, depth);
  if (name.starts_with("zd")) return volume(name);
  if (const auto monitor = rbd_monitor(root_, name); !monitor.empty())
    return remote(name, "Ceph", network_.reach(monitor));
  if (of_the_network(path, name))
    return remote(name, "network block device",
                  network_.anywhere("which server has this network block device is not known"));
  if (name.starts_with("zram") || name.starts_with("ram")) return zram(path, name, depth);
  // A partition of such a device: the device itself has the layers.
  const auto parent = path.substr(0, path.rfind('/'));
  if (root_.exists(path + "/partition") || (root_.exists(parent + "/dev") && last_component(parent) != "block"))
    return device(parent, depth + 1);
  if (name.starts_with("dm-") || name.starts_with("md")) return {{}, "no device is shown below " + name};
  return {{}, "it is of a kind that is not known (" + name + ")", Followed::Where::plugged};
}

/// Compressed memory, which may write what is cold to a disk (Documentation/admin-guide/blockdev/zram.rst).
Followed Follower::zram(const std::string& path, const std::string& name, int depth) const {
  const auto backing = root_.read(path + "/backing_dev", 256).value_or("none");
  if (backing == "none") return {};
  if (const auto lower = path_of(backing)) return device(*lower, depth + 1);
  return {{}, backing + ", which " + name + " writes to, is not there"};
}

/// FCoE: .../net/eth0.100/ctlr_0/host7/rport-7:0-0/target7:0:0/7:0:0:1/block/sdb (drivers/scsi/fcoe/fcoe_sysfs.c).
Followed Follower::over_interface(const std::string& path, const std::string& name) const {
  constexpr std::string_view mark = "/virtual/net/";
  const auto begin = path.find(mark) + mark.size();
  const auto interface = path.substr(begin, path.find('/', begin) - begin);
  Reach reach{{interface}, {}, {}};
  for (const auto& part : network_.with_lowers(interface))
    if (const auto function = network_.function_of(part)) reach.functions.push_back(*function);
  if (reach.functions.empty()) reach = network_.anywhere(interface + " shows no hardware");
  return remote(name, "FCoE", reach);
}

/// After a lazy unmount the path is one inside of a mount nobody sees any more: then it leads nowhere.
Followed Follower::loop(const std::string& path, const std::string& name, int depth) const {
  const auto backing = root_.read(path + "/loop/backing_file", 4096).value_or("");
  if (backing.empty()) return {};
  if (backing.starts_with("/dev/"))
    if (const auto lower = path_of(backing)) return device(*lower, depth + 1);
  const Mount* below = mount_of(mounts_, backing);
  if (!below || (below->point == "/" && !root_.exists(backing.substr(1))))
    return {{}, "the file " + backing + " of " + name + " is on no mount that is seen"};
  return mount(*below, depth + 1);
}

/// By the links that udev makes: "zd16", and its partitions, "zd16p1" (60-zvol.rules).
const std::map<std::string, std::string>& Follower::pools_of_volumes() const {
  if (pools_of_volumes_) return *pools_of_volumes_;
  auto& found = pools_of_volumes_.emplace();
  for (const auto& pool : pools_) {
    std::vector<std::string> directories{"dev/zvol/" + pool.name};
    while (!directories.empty()) {
      const auto directory = directories.back();
      directories.pop_back();
      for (const auto& entry : root_.list(directory)) {
        const auto link = root_.link_name(directory + "/" + entry);
        if (link)
          found.emplace(*link, pool.name);
        else
          directories.push_back(directory + "/" + entry);
      }
    }
  }
  return found;
}

Followed Follower::volume(const std::string& name) const {
  const auto& known = pools_of_volumes();
  if (const auto at = known.find(name); at != known.end()) return pool(at->second);
  Followed all;
  for (const auto& pool : pools_) all.merge(this->pool(pool.name));
  if (pools_.size() != 1) all.unknown = "which pool has the volume " + name + " is not known";
  return all;
}

Followed Follower::pool(const std::string& name) const {
  Followed found;
  for (const auto& pool : pools_) {
    if (pool.name != name) continue;
    for (const auto& member : pool.members) found.merge(device(member));
    found.merge({{}, pool.unknown});
    return found;
  }
  return {{}, "the pool " + name + " is not known to the kernel"};
}

Followed Follower::remote(const std::string& device, const std::string& how, const Reach& reach) const {
  if (!reach.unknown.empty()) return {{{device, {}, how}}, reach.unknown, Followed::Where::network};
  std::string over;
  for (const auto& interface : reach.interfaces) over += (over.empty() ? " over " : ", ") + interface;
  return {{{device, reach.functions, how + over}}, {}};
}

/// .../host6/session1/target6:0:0/6:0:0:1/block/sdb; the connection knows the portal
/// (drivers/scsi/scsi_transport_iscsi.c).
Followed Follower::iscsi(const std::string& path, const std::string& name) const {
  const auto mark = path.find("/session") + 8;
  const auto session = path.substr(mark, path.find('/', mark) - mark);
  Followed found;
  for (const auto& connection : root_.list("sys/class/iscsi_connection")) {
    if (!connection.starts_with("connection" + session + ":")) continue;
    const std::string directory = "sys/class/iscsi_connection/" + connection;
    auto address = root_.read(directory + "/address", 256).value_or("");
    if (address.empty()) address = root_.read(directory + "/persistent_address", 256).value_or("");
    if (!address.empty()) found.merge(remote(name, "iSCSI at " + address, network_.reach(address)));
  }
  if (found.leaves.empty() && found.unknown.empty())
    return remote(name, "iSCSI", network_.anywhere("the portal of its iSCSI session is not known"));
  return found;
}

Followed Follower::file(const std::string& path, int depth) const {
  const Mount* below = mount_of(mounts_, path);
  return below ? mount(*below, depth + 1) : Followed{{}, path + " is on no mount that is seen"};
}

Followed Follower::mount(const Mount& mount, int depth) const {
  if (depth > most_layers) return {{}, "its layers lead in a circle"};
  if (!mount.anonymous()) {
    const auto path = device_path(root_, "sys/dev/block/" + mount.number);
    if (!path)
      return {{}, "its device " + mount.number + " (" + mount.source + ") is not there", Followed::Where::anywhere};
    // A file system over several devices may be mounted by the number of one of them.
    Followed found = device(*path, depth + 1);
    if (mount.type == "bcachefs") found.merge(several_devices(mount));
    // The log and the real-time part of XFS; the kernel shows them here alone (fs/xfs/xfs_super.c).
    for (const auto* key : {"logdev", "rtdev"}) {
      const auto other = mount.type == "xfs" ? mount.option(key) : std::string();
      if (other.empty()) continue;
      const auto lower = path_of(other);
      found.merge(lower ? device(*lower, depth + 1)
                        : Followed{{}, other + ", its " + key + ", is not there", Followed::Where::anywhere});
    }
    return found;
  }
  if (mount.type == "zfs") return pool(mount.source.substr(0, mount.source.find('/')));
  // cvmfs mounts itself as plain fuse.
  if (one_of(mount.type, network_types) || (mount.type == "fuse" && mount.source == "cvmfs2"))
    return remote_mount(mount);
  if (mount.type == "overlay") return layers(mount, depth);
  if (mount.source.starts_with("/dev/") && mount.source != "/dev/fuse") return several_devices(mount);
  if (mount.type == "9p" && mount.option("trans") == "tcp") return remote_mount(mount);
  if (mount.type == "virtiofs" || mount.type == "9p") return {};
  if (needs_no_device(mount)) return {};
  // A phone by MTP, a share by a program of its own: anything.
  return {{}, "file systems of type " + mount.type + " are not known", Followed::Where::plugged};
}

Followed Follower::remote_mount(const Mount& mount) const {
  return remote(mount.source, mount.type, network_.reach(server_of(mount)));
}

/// btrfs and bcachefs: the source names one device or several, the kernel knows all.
Followed Follower::several_devices(const Mount& mount) const {
  Followed found;
  std::vector<std::string> named;
  for (const auto part : split(mount.source, ':')) named.emplace_back(part);
  std::set<std::string> blocks;
  for (const auto& name : named) {
    const auto path = path_of(name);
    if (!path) {
      found.merge({{}, name + " is not there", Followed::Where::anywhere});
      continue;
    }
    blocks.emplace(last_component(*path));
    found.merge(device(*path));
  }
  for (const auto* place : {"sys/fs/btrfs/", "sys/fs/bcachefs/"})
    for (const auto& id : root_.list(std::string(place).substr(0, std::string(place).size() - 1))) {
      Followed all = members(place + id);
      const bool same = std::any_of(all.leaves.begin(), all.leaves.end(),
                                    [&](const Leaf& leaf) { return found.leaves.contains(leaf); });
      if (same) found.merge(std::move(all));
    }
  return found;
}

Followed Follower::members(const std::string& directory) const {
  Followed found;
  std::size_t seen = 0;
  // fs/btrfs/sysfs.c: devices/<block>, devinfo/<number>/missing.
  for (const auto& block : root_.list(directory + "/devices")) {
    ++seen;
    if (const auto path = path_of(block))
      found.merge(device(*path));
    else
      found.merge({{}, block + " is not there"});
  }
  const auto known = root_.list(directory + "/devinfo").size();
  if (known > seen && seen != 0)
    found.merge({{}, "only " + std::to_string(seen) + " of its " + std::to_string(known) + " devices were found"});
  // fs/bcachefs/sysfs.c: dev-<number>/block.
  for (const auto& entry : root_.list(directory)) {
    if (!entry.starts_with("dev-")) continue;
    const auto block = root_.link_name(directory + "/" + entry + "/block");
    const auto path = block ? path_of(*block) : std::nullopt;
    if (path)
      found.merge(device(*path));
    else
      found.merge({{}, "its device " + entry + " was not found"});
  }
  return found;
}

Followed Follower::layers(const Mount& mount, int depth) const {
  Followed found;
  for (const auto* key : {"lowerdir", "upperdir", "workdir", "lowerdir+", "datadir+"}) {
    const auto value = mount.option(key);
    for (const auto layer : split(value, ':')) {
      const Mount* below = mount_of(mounts_, std::string(layer));
      if (below && below->number != mount.number) found.merge(this->mount(*below, depth + 1));
    }
  }
  return found;
}

}  // namespace hostsplit::inventory_parts
