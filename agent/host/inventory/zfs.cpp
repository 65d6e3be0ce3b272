#include "host/inventory/zfs.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "core/boot/kernel_parameters.hpp"
#include "core/machine/nvlist.hpp"
#include "core/machine/use_via.hpp"
#include "host/inventory/parts.hpp"

namespace hostsplit::inventory_parts {
namespace {

/// Paths of the members of each pool, as the cache has them.
std::map<std::string, std::set<std::string>> cached_members(const Root& root) {
  std::map<std::string, std::set<std::string>> pools;
  std::optional<std::string> data;
  try {
    data = root.read_file("etc/zfs/zpool.cache");
  } catch (const std::exception&) {
    return pools;
  }
  if (!data) return pools;
  std::string pool;
  each_nvlist_string(*data, [&](const std::string& key, const std::string& value) {
    if (key == "name") pool = value;
    if (key == "path" && !pool.empty()) pools[pool].insert(value);
  });
  return pools;
}

struct Labelled {
  std::string path, label;
  std::string guid;      ///< of the pool it is of, by its label (libblkid, superblocks/zfs.c); empty: it says none
  bool by_type = false;  ///< nothing but the type of the partition says that it may be a member
};

/// A partition of the type zpool and the installer of Proxmox VE give to members; a record says "zfs" for it.
bool made_for_zfs(std::string_view properties) {
  const auto type = value_of(properties, "E:ID_PART_ENTRY_TYPE");
  return type == zfs_partition_type || type == "zfs";
}

/// Block devices udev calls members, or may call so (libblkid: BLKID_PROBE_AMBIVAL).
std::vector<Labelled> labelled_members(const Root& root) {
  std::vector<Labelled> members;
  for (const auto& number : root.list("sys/dev/block")) {
    const auto properties = root.read("run/udev/data/b" + number, 1 << 16);
    if (!properties) continue;
    const bool certain = value_of(*properties, "E:ID_FS_TYPE") == "zfs_member";
    const bool maybe = value_of(*properties, "E:ID_FS_AMBIVALENT").find("zfs_member") != std::string_view::npos;
    const bool by_type =
        !certain && !maybe && value_of(*properties, "E:ID_FS_TYPE").empty() && made_for_zfs(*properties);
    const auto path = certain || maybe || by_type ? device_path(root, "sys/dev/block/" + number) : std::nullopt;
    if (!path) continue;
    Labelled member{*path, {}, {}, by_type};
    if (certain) {
      member.label = value_of(*properties, "E:ID_FS_LABEL");
      member.guid = value_of(*properties, "E:ID_FS_UUID");
    }
    members.push_back(std::move(member));
  }
  return members;
}

std::optional<std::string> block_path(const Root& root, const std::string& device) {
  if (!device.starts_with("/dev/")) return std::nullopt;
  const auto target = root.link_name(device.substr(1));
  const auto name = target ? *target : device.substr(5);
  if (name.empty() || name.find('/') != std::string::npos) return std::nullopt;
  return device_path(root, "sys/class/block/" + name);
}

/// GUID of the pool that is imported: of the kernel (module/zfs/spa_stats.c of newer versions), else of the members
/// the cache has, where they were all found and agree. Empty: unknown, also where no device has the one the kernel
/// says: then udev has not read the labels since it changed (zpool-reguid(8)).
std::string imported_guid(const Root& root, const std::string& pool, const std::set<std::string>& cached,
                          const std::vector<Labelled>& labelled) {
  const auto guid = root.read("proc/spl/kstat/zfs/" + pool + "/guid", 64).value_or("");
  std::set<std::string> of_cached;
  bool there = false;
  for (const auto& member : labelled) {
    if (member.label != pool || member.guid.empty()) continue;
    there = there || member.guid == guid;
    if (cached.contains(member.path)) of_cached.insert(member.guid);
  }
  if (!guid.empty()) return there ? guid : std::string();
  return of_cached.size() == 1 ? *of_cached.begin() : std::string();
}

/// Members of one pool by cache and label together. A label of the same name with another GUID is of another pool, as
/// of an earlier installation. Devices for a cache or spare have neither in their labels (module/zfs/vdev_label.c).
void find_members(const Root& root, const std::set<std::string>& cached, const std::vector<Labelled>& labelled,
                  ZfsPool& pool) {
  std::set<std::string> found;
  std::size_t files = 0;
  for (const auto& path : cached) {
    // A member that is a file lies on a mount that is known.
    if (!path.starts_with("/dev/")) ++files;
    if (const auto block = block_path(root, path)) found.insert(*block);
  }
  const bool complete = !cached.empty() && found.size() + files >= cached.size();
  const auto guid = imported_guid(root, pool.name, complete ? found : std::set<std::string>{}, labelled);
  for (const auto& member : labelled) {
    if (member.by_type && complete) continue;
    const bool of_another = !guid.empty() && !member.guid.empty() && member.guid != guid;
    if (member.label.empty() || (member.label == pool.name && !of_another)) found.insert(member.path);
  }
  pool.members.assign(found.begin(), found.end());
  if (found.size() + files < cached.size())
    pool.unknown =
        "only " + std::to_string(found.size()) + " of its " + std::to_string(cached.size()) + " members were found";
  else if (found.empty() && files == 0)
    pool.unknown = "none of its members was found";
}

/// A line of what zfs-mount-generator(8) goes by, which has its columns. It is made by `zfs list`, of all file systems
/// of a pool.
class DatasetLine {
 public:
  explicit DatasetLine(std::string_view line) : fields_(split(line, '\t')) {}

  std::string_view name() const { return field(0); }
  std::string_view encryption_root() const { return field(10); }
  std::string_view key_location() const { return field(11); }
  bool mounted() const { return field(1).starts_with('/') && can_mount() != "off"; }
  /// systemd mounts it at boot, and waits for it unless its line says otherwise.
  bool waits() const { return can_mount() == "on" && nofail() != "on" && !ignored(); }
  bool required() const {
    if (!mounted() || ignored()) return false;
    const auto targets = words_of(required_by());
    if (std::find(targets.begin(), targets.end(), "local-fs.target") != targets.end()) return true;
    return can_mount() == "on" && wanted_by() == "-" && required_by() == "-" && nofail() == "off";
  }

 private:
  std::string_view field(std::size_t at) const { return at < fields_.size() ? fields_[at] : "-"; }
  std::string_view can_mount() const { return field(2); }
  std::string_view wanted_by() const { return field(16); }
  std::string_view required_by() const { return field(17); }
  std::string_view nofail() const { return field(18); }
  bool ignored() const { return field(19) == "on"; }

  std::vector<std::string_view> fields_;
};

/// Calls `use` with the lines of each pool, and whether it is imported.
template <class Use>
void each_dataset_list(const Root& root, Use use) {
  const std::string directory = "etc/zfs/zfs-list.cache";
  for (const auto& pool : root.list(directory)) {
    const auto text = root.read(directory + "/" + pool).value_or("");
    std::vector<DatasetLine> lines;
    for (const auto line : split(text, '\n')) lines.emplace_back(line);
    use(lines, pool_imported(root, pool));
  }
}

}  // namespace

bool pool_imported(const Root& root, const std::string& pool) {
  return root.exists("proc/spl/kstat/zfs/" + pool + "/state");
}

std::vector<ZfsPool> read_zfs_pools(const Root& root) {
  std::vector<ZfsPool> pools;
  for (const auto& name : root.list("proc/spl/kstat/zfs"))
    if (pool_imported(root, name)) pools.push_back({name, {}, {}});
  if (pools.empty()) return pools;
  const auto cached = cached_members(root);
  const auto labelled = labelled_members(root);
  for (auto& pool : pools) {
    const auto paths = cached.find(pool.name);
    find_members(root, paths == cached.end() ? std::set<std::string>{} : paths->second, labelled, pool);
  }
  return pools;
}

std::vector<ZfsKey> read_zfs_keys(const Root& root) {
  constexpr std::string_view file = "file://";
  std::vector<ZfsKey> keys;
  each_dataset_list(root, [&](const std::vector<DatasetLine>& lines, bool imported) {
    for (const auto& line : lines) {
      if (!line.key_location().starts_with(file)) continue;
      ZfsKey key{std::string(line.encryption_root()), std::string(line.key_location().substr(file.size()))};
      key.waits = imported && line.waits();
      const auto known = std::find_if(keys.begin(), keys.end(), [&](const ZfsKey& each) {
        return each.dataset == key.dataset && each.file == key.file;
      });
      if (known == keys.end())
        keys.push_back(std::move(key));
      else
        known->waits = known->waits || key.waits;
    }
  });
  return keys;
}

std::vector<ZfsPassphrase> read_zfs_passphrases(const Root& root, const std::string& root_dataset) {
  const bool all_below = !uses_dracut(root);  // zfs-initramfs mounts what is below the root dataset, too
  std::vector<ZfsPassphrase> passphrases;
  each_dataset_list(root, [&](const std::vector<DatasetLine>& lines, bool imported) {
    // Only the dataset the key is of says where the key is; the others have "none".
    std::map<std::string_view, ZfsPassphrase> typed;
    for (const auto& line : lines)
      if (line.key_location() == "prompt" && line.encryption_root() != "-")
        typed[line.encryption_root()].dataset = line.encryption_root();
    for (const auto& line : lines) {
      const auto found = typed.find(line.encryption_root());
      if (found == typed.end()) continue;
      auto& [dataset, of_root, stops] = found->second;
      const bool below = all_below && line.mounted() && line.name().starts_with(root_dataset + "/");
      of_root = of_root || (!root_dataset.empty() && (line.name() == root_dataset || below));
      stops = stops || (imported && line.required());
    }
    for (auto& [dataset, passphrase] : typed) passphrases.push_back(std::move(passphrase));
  });
  return passphrases;
}

}  // namespace hostsplit::inventory_parts
